import { Link } from "react-router";
import { sessions } from "../sessions.server";
import type { Route } from "./+types/user";

export async function loader({ context }: Route.LoaderArgs) {
  return { name: (await sessions.of(context)).subject };
}

export default function User({ loaderData }: Route.ComponentProps) {
  return (
    <>
      <h1>The page of {loaderData.name}</h1>
      <Link to="/">Home</Link>
    </>
  );
}
