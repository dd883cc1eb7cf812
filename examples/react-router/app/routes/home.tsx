import { Form, Link } from "react-router";
import { sessions } from "../sessions.server";
import type { Route } from "./+types/home";

export async function loader({ context }: Route.LoaderArgs) {
  const session = await sessions.of(context);
  return { name: session.subject, note: session.get("note") };
}

export default function Home({ loaderData: { name, note } }: Route.ComponentProps) {
  return (
    <>
      <h1>Hello, {name ?? "stranger"}!</h1>
      {note !== undefined && <p>Note: {note}</p>}
      {name === undefined ? (
        <Link to="/login">Log in</Link>
      ) : (
        <Form method="post" action="/logout">
          <button>Log out</button>
        </Form>
      )}
    </>
  );
}
