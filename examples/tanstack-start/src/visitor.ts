import { redirect } from "@tanstack/react-router";
import { createServerFn } from "@tanstack/react-start";
import { sessions } from "./sessions.server";

/** Who the visitor is, with the messages that wait. */
export const getVisitor = createServerFn().handler(async () => {
  const session = await sessions.current();
  const messages = await session.takeFlashes();
  return { name: session.subject, note: session.get("note"), messages };
});

/** The same for logged-in users; others are sent to the login. */
export const getUser = createServerFn().handler(async () => {
  const session = await sessions.current();
  if (!session.loggedIn) throw redirect({ to: "/login", search: { return: "/user" } });
  return { name: session.subject, messages: await session.takeFlashes() };
});
