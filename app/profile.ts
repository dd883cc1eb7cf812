import type { Colour } from "./colours.ts";
import type { Parts, Visit } from "./parts.ts";
import type { User } from "./users.ts";

/** Copies what belongs to the user from the database into the session, as at every login. */
export function greet(session: Visit, user: User): void {
  session.set("user", user.name);
  session.set("note", user.note);
  session.set("colour", user.colour);
}

/** Who is logged in, to be shown; `undefined` if nobody is. If the session was emptied (see /session_delete), the database knows. */
export function whoIs(parts: Parts, session: Visit): { name: string; colour: Colour } | undefined {
  if (session.subject === undefined) return undefined;
  const name = session.get("user");
  if (name === undefined) return parts.users.byId(session.subject);
  return { name, colour: session.get("colour") ?? "green" };
}
