import type { Context } from "hono";
import type { Colour } from "./colours.ts";
import { isDemo, subjectOf } from "./demo.ts";
import { markDevice } from "./device.ts";
import { kept, keptNote } from "./kept.ts";
import type { Parts, Visit } from "./parts.ts";
import type { User } from "./users.ts";

/** Logs a user in, and copies what pages show of them from the database into the session. */
export async function logIn(
  c: Context,
  parts: Parts,
  { session, user, permanent }: { session: Visit; user: User; permanent: boolean },
): Promise<void> {
  const subject = subjectOf(c, parts, user);
  await session.login(subject);
  session.permanent = permanent;
  if (permanent) markDevice(c, parts, user.id);
  greet(c, parts, session, user);
  const [owner, name = ""] = kept(c, parts, "browser-name") ?? [];
  if (owner === subject && session.id !== undefined) {
    const open = await parts.sessions.list(subject);
    parts.users.nameDevice({ subject, session: session.id, name, open });
  }
  // The last login to the demo account may have been a stranger's.
  if (isDemo(user)) return;
  if (user.lastLogin) session.set("lastLogin", user.lastLogin);
  parts.users.noteLogin(user.id, { at: new Date(parts.now()), agent: c.req.header("User-Agent") ?? "" });
}

/** Copies the user's data from the database into the session. That of the demo account is in this browser's cookie. */
export function greet(c: Context, parts: Parts, session: Visit, user: User): void {
  const { note, colour } = keptNote(c, parts, "demo-note", session.subject) ?? user;
  session.set("user", user.name);
  session.set("note", note);
  session.set("colour", colour);
}

/** The name of the logged-in user, if any. Read from the database if the session was cleared (see /session_delete). */
export function whoIs(parts: Parts, session: Visit): { name: string; colour: Colour } | undefined {
  if (session.subject === undefined) return undefined;
  const name = session.get("user");
  if (name === undefined) return parts.users.byId(session.subject);
  return { name, colour: session.get("colour") ?? "green" };
}
