import type { Colour } from "./colours.ts";
import type { Parts, Visit } from "./parts.ts";
import type { User } from "./users.ts";

/** Copies the user's data from the database into the session. Called at every login. */
export function greet(session: Visit, user: User): void {
  session.set("user", user.name);
  session.set("note", user.note);
  session.set("colour", user.colour);
}

/** The name of the logged-in user, if any. Read from the database if the session was cleared (see /session_delete). */
export function whoIs(parts: Parts, session: Visit): { name: string; colour: Colour } | undefined {
  if (session.subject === undefined) return undefined;
  const name = session.get("user");
  if (name === undefined) return parts.users.byId(session.subject);
  return { name, colour: session.get("colour") ?? "green" };
}
