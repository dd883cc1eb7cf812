import { query, redirect } from "@solidjs/router";
import { sessions } from "./sessions";

/** Who the visitor is, with the messages that wait. */
export const getVisitor = query(async () => {
  "use server";
  const session = await sessions.current();
  const messages = await session.takeFlashes();
  return { name: session.subject, note: session.get("note"), messages };
}, "visitor");

/** The same for logged-in users; others are sent to the login. */
export const getUser = query(async () => {
  "use server";
  const session = await sessions.current();
  if (!session.loggedIn) throw redirect("/login?return=%2Fuser");
  return { name: session.subject, messages: await session.takeFlashes() };
}, "user");
