import type { AnyData } from "../../session/data-types.ts";
import type { Session } from "../../session/session.ts";
import { MisuseError } from "../../errors.ts";

/** Everything of a session that changes something, or is the hub's alone. */
type Writers =
  | "set"
  | "delete"
  | "clear"
  | "update"
  | "flash"
  | "login"
  | "logout"
  | "rotate"
  | "permanent"
  | "reopen"
  | "settle"
  | "cookieAction"
  | "showedMessages";

/** A session as server components see it: everything but writing. Taking messages is reading them, and works. */
export type ReadableSession<Data extends object = AnyData> = Omit<Session<Data>, Writers> & {
  readonly permanent: boolean;
};

const writers: ReadonlySet<PropertyKey> = new Set<Writers>([
  "set",
  "delete",
  "clear",
  "update",
  "flash",
  "login",
  "logout",
  "rotate",
  "reopen",
  "settle",
]);

function refuse(what: string): never {
  throw new MisuseError(
    "AFTER_RESPONSE",
    `${what} in a server component: its response is under way and can set no cookie. ` +
      "Write in a server action or in a route handler, through sessions.current().",
  );
}

/** @internal The session without its writers. @param take replaces `takeFlashes` where the session itself is settled. */
export function readable<Data extends object>(
  session: Session<Data>,
  take?: Session<Data>["takeFlashes"],
): ReadableSession<Data> {
  return new Proxy(session, {
    get(target, name) {
      if (writers.has(name)) return () => refuse(`${String(name)}()`);
      if (take !== undefined && name === "takeFlashes") return take;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(value, target, args);
        // What a component changes would be lost; so it can't.
        return take === undefined ? result : frozen(result);
      };
    },
    set: (_, name) => refuse(`Setting ${String(name)}`),
  });
}

/** The value with its lists and plain objects frozen, to the bottom. */
function frozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return value;
  for (const item of Object.values(value)) frozen(item);
  return Object.freeze(value);
}
