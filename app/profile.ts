import type { Visit } from "./site.ts";
import type { User } from "./users.ts";

/** Copies what belongs to the user from the database into the session, as at every login. */
export function greet(session: Visit, user: User): void {
  session.set("user", user.name);
  session.set("note", user.note);
  session.set("colour", user.colour);
}
