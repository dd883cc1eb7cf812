import type { Context } from "hono";
import type { Duration } from "coatcheck";
import { isColour } from "./colours.ts";
import type { Colour } from "./colours.ts";
import type { Parts } from "./parts.ts";

/**
 * What this site keeps in the browser and not in the session: in sealed cookies, which nobody can read or write
 * elsewhere, and not for long. Each is a few lines of text, of which the last may contain line breaks.
 */
const KEPT_FOR = {
  /** The name and the tick of a login that failed. There is no session then, and the address must not have the name. */
  "typed-login": { minutes: 10 },
  /** The note that was submitted after its writer's session had ended. */
  "typed-note": { minutes: 30 },
  /** The note of the demo account, which is everybody's. */
  "demo-note": { days: 1 },
  /** The name that a user gave to this browser. */
  "browser-name": { days: 180 },
} as const satisfies Record<string, Duration>;

type Kept = keyof typeof KEPT_FOR;

/** Keeps lines of text in this browser. */
export function keep(c: Context, parts: Parts, name: Kept, lines: readonly string[]): void {
  parts.sessions.cookies(c).sealed.set(name, lines.join("\n"), { maxAge: KEPT_FOR[name] });
}

/** The lines that are kept; the last one may contain line breaks. `undefined` if there are none. */
export function kept(c: Context, parts: Parts, name: Kept): string[] | undefined {
  return parts.sessions.cookies(c).sealed.get(name)?.split("\n");
}

/** Forgets them. Sends nothing if there is nothing to forget. */
export function forget(c: Context, parts: Parts, name: Kept): void {
  const cookies = parts.sessions.cookies(c);
  if (cookies.has(name)) cookies.delete(name);
}

/** A note, and the account that it was written for. Short enough for a cookie: a note has at most 500 characters. */
export type Note = { owner: string; colour: Colour; note: string };

/** Keeps a note in this browser. */
export function keepNote(
  c: Context,
  parts: Parts,
  name: "typed-note" | "demo-note",
  { owner, colour, note }: Note,
): void {
  keep(c, parts, name, [owner, colour, note]);
}

/** The note that is kept for this account, if any. */
export function keptNote(
  c: Context,
  parts: Parts,
  name: "typed-note" | "demo-note",
  subject: string | undefined,
): Note | undefined {
  const [owner, colour = "", ...note] = kept(c, parts, name) ?? [];
  if (owner === undefined || owner !== subject || !isColour(colour)) return undefined;
  return { owner, colour, note: note.join("\n") };
}
