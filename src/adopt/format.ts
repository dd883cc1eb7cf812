import type { MaybePromise } from "../runtime/maybe-promise.ts";

/** The cookies of a request by name, with the values of each name in order. */
export type OldCookies = ReadonlyMap<string, readonly string[]>;

/** A cookie of the system before whose signature is good. */
export interface Credential {
  /**
   * Its authenticated content. Two spellings of the same cookie have the same identity; nothing that a visitor can
   * change without the secret may be a part of it.
   */
  readonly identity: string;
  /** Its cookies' names. */
  readonly cookies: readonly string[];
  /** When it expires by itself, if its content says so. Milliseconds since 1970. */
  readonly goodUntil?: number;
  /** Returns what the system before kept; `undefined` if that is gone, has expired, or can't be read. */
  readonly read: () => MaybePromise<object | undefined>;
  /** Removes the old record, if there is one. */
  readonly remove?: (() => MaybePromise<unknown>) | undefined;
}

/** How the system before kept its sessions: one file for each. */
export interface Format {
  /** The system's name, such as `"express-session"`. Part of the ids of used credentials, so it must never change. */
  readonly from: string;
  /** Whether this is the name of one of its cookies. */
  isCookie(name: string): boolean;
  /**
   * Returns the credentials among a request's cookies, and `"expired"` or `"invalid"` for each other value. Never
   * throws for what a stranger can send, and does a bounded amount of work.
   *
   * @param now milliseconds since 1970.
   */
  find(cookies: OldCookies, now: number): readonly (Credential | "expired" | "invalid")[];
  /** @throws ConfigError SECRET_MISSING */
  assertPresent(): void;
}

/** Further cookies with the same name are ignored: no browser sends that many. */
const maxCandidates = 8;

/** Longer values are ignored. Browsers keep 4096 bytes in a cookie, and servers accept about 16 kB of headers. */
export const maxValueLength = 16_384;

/** Returns the values of a cookie that are worth a look. */
export function valuesOf(cookies: OldCookies, name: string): readonly string[] {
  return (cookies.get(name) ?? []).filter((value) => value.length <= maxValueLength).slice(0, maxCandidates);
}

/** A format with the app's options: what `createSessions` gets. */
export interface FormatInUse {
  /** The function that made it, for messages: `"fromExpressSession"`. */
  readonly caller: string;
  readonly format: Format;
  /** When adoption ends, in milliseconds since 1970. */
  readonly until: number;
  /** The app's function; its result is not checked yet. */
  readonly take: (old: object) => unknown;
  /** Returns the Set-Cookie header that clears an old cookie. */
  clearing(name: string): string;
}
