import type { AnyData } from "../../session/data-types.ts";
import type { Session } from "../../session/session.ts";
import { MisuseError } from "../../errors.ts";

/** A session in a server component: without the methods that write. `takeFlashes` works, since it counts as reading. */
export type ReadableSession<Data extends object = AnyData> = Omit<
  Session<Data>,
  "set" | "delete" | "clear" | "update" | "flash" | "login" | "logout" | "rotate" | "permanent"
> & {
  readonly permanent: boolean;
};

const writers: ReadonlySet<PropertyKey> = new Set<keyof Session>([
  "set",
  "delete",
  "clear",
  "update",
  "flash",
  "login",
  "logout",
  "rotate",
  // Those that only this package calls.
  "reload",
  "commit",
  "clientLeft",
]);

function refuse(what: string): never {
  throw new MisuseError(
    "AFTER_RESPONSE",
    `${what} can't be used in a server component, whose response has begun and can set no cookie. ` +
      "Write in a server action or a route handler, through sessions.current().",
  );
}

/** @internal Returns the session without its writers. @param take replaces `takeFlashes` if the session is already committed. */
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
        // Frozen, since a component's changes would be lost.
        return take === undefined ? result : frozen(result);
      };
    },
    set: (_, name) => refuse(`Setting ${String(name)}`),
  });
}

/** Deeply freezes the lists and plain objects of a value. */
function frozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return value;
  for (const item of Object.values(value)) frozen(item);
  return Object.freeze(value);
}
