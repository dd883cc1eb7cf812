import { Outlet } from "react-router";
import { sessions } from "../sessions.server";
import type { Route } from "./+types/site";

export async function loader({ context }: Route.LoaderArgs) {
  const session = await sessions.of(context);
  return { name: session.subject, messages: await session.takeFlashes() };
}

export default function Site({ loaderData }: Route.ComponentProps) {
  return (
    <>
      {loaderData.messages.map(({ message }) => (
        <p key={message}>{message}</p>
      ))}
      <Outlet />
    </>
  );
}
