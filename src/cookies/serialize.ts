import { ConfigError, LimitError, MisuseError } from "../errors.ts";
import { toMilliseconds } from "../runtime/duration.ts";
import type { Duration } from "../runtime/duration.ts";

/** Where a cookie is sent, and who can read it. To delete a cookie, pass the same scope as when it was set. */
export interface CookieScope {
  /** Default `"/"`. */
  readonly path?: string;
  /** The domain that gets the cookie, together with its subdomains. Default unset: only this host. */
  readonly domain?: string;
  /** Sent only over https (and to localhost). Default `true`. */
  readonly secure?: boolean;
  /** Hidden from scripts. Default `true`. */
  readonly httpOnly?: boolean;
  /** Whether requests from other sites carry it. Default `"lax"`. */
  readonly sameSite?: "strict" | "lax" | "none";
  /** Stored separately for each site that embeds this one (CHIPS). Default `false`. */
  readonly partitioned?: boolean;
  /** Browsers that run out of room drop cookies with a higher priority last. Default unset. */
  readonly priority?: "low" | "medium" | "high";
}

/** The attributes of a cookie. */
export interface CookieAttributes extends CookieScope {
  /** How long the browser keeps it, at most 400 days. Default: until the browser is closed. */
  readonly maxAge?: Duration;
}

/** In seconds. Browsers limit longer lifetimes to 400 days (RFC 6265bis 5.5). */
export const maxCookieAge = 400 * 86_400;

/** Name and value together, in bytes. Browsers drop a larger cookie silently (RFC 6265bis 5.6). */
const maxCookieBytes = 4096;

const maxAttributeBytes = 1024;
const tokenShape = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/**
 * ASCII names that browsers store and send, but not with spaces or tabs at either end, which browsers trim. This
 * is wider than `tokenShape`, because others may set cookies with such names. Non-ASCII names are excluded: Node
 * writes a header in UTF-8 or in Latin-1, depending on the body.
 */
const keptShape = /^(?![\t ])[\t\x20-\x3a\x3c\x3e-\x7e]+(?<![\t ])$/;
const valueShape = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;
/** No space at the end, because browsers trim it. */
const pathShape = /^\/([\x20-\x3a\x3c-\x7e]*[\x21-\x3a\x3c-\x7e])?$/;
const domainShape = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;
const knownAttributes = [
  "path",
  "domain",
  "secure",
  "httpOnly",
  "sameSite",
  "partitioned",
  "priority",
  "maxAge",
];

/**
 * Returns what is wrong with a cookie's name and scope, or `undefined`. Browsers silently drop cookies whose
 * attributes contradict each other (RFC 6265bis 5.7), so they are detected here.
 *
 * @internal
 */
export function cookieFault(name: string, scope: CookieScope): string | undefined {
  if (typeof name !== "string" || !tokenShape.test(name))
    return "needs a name of letters, digits and !#$%&'*+-.^_`|~";
  return scopeFault(name, scope);
}

function scopeFault(name: string, scope: CookieScope): string | undefined {
  const { path = "/", domain, secure = true, httpOnly = true, sameSite = "lax", partitioned = false } = scope;
  const unknown = Object.keys(scope).find((attribute) => !knownAttributes.includes(attribute));
  if (unknown !== undefined)
    return `has no attribute "${unknown}". Known attributes: ${knownAttributes.join(", ")}`;
  if (typeof path !== "string" || !pathShape.test(path) || path.length > maxAttributeBytes) {
    return "needs a path that starts with / and has no ; or control character";
  }
  if (domain !== undefined && (typeof domain !== "string" || !domainShape.test(domain))) {
    return "needs a domain like example.com, without leading dot or port";
  }
  if (!["strict", "lax", "none"].includes(sameSite)) return 'needs sameSite "strict", "lax" or "none"';
  if (scope.priority !== undefined && !["low", "medium", "high"].includes(scope.priority)) {
    return 'needs priority "low", "medium" or "high"';
  }
  if (sameSite === "none" && !secure) return 'needs secure with sameSite "none"';
  if (partitioned && !secure) return "needs secure, because it is partitioned";
  // Browsers ignore case in prefixes (5.7 steps 20 and 21).
  const prefix = /^__(host-http|secure|host|http)-/i.exec(name)?.[1]?.toLowerCase();
  if (prefix === undefined) return undefined;
  if (!secure) return `needs secure, because its name starts with __${prefix}-`;
  if (prefix.startsWith("host") && (path !== "/" || domain !== undefined)) {
    return `needs path "/" and no domain, because its name starts with __${prefix}-`;
  }
  if (prefix.endsWith("http") && !httpOnly)
    return `needs httpOnly, because its name starts with __${prefix}-`;
  return undefined;
}

/**
 * Serializes a Set-Cookie header. Attributes that differ from the browsers' defaults are written out, and
 * SameSite always is (without it browsers apply a weaker rule, RFC 6265bis 5.6.7.2).
 *
 * @param maxAge in seconds; `undefined` for a cookie that lasts until the browser is closed.
 * @param expires the same as a date, for clients that know only `Expires`.
 * @throws MisuseError COOKIE_INVALID; LimitError COOKIE_TOO_LARGE (name and value over 4096 bytes).
 *
 * @internal
 */
export function serializeSetCookie(
  name: string,
  value: string,
  scope: CookieScope,
  maxAge?: number,
  expires?: Date,
): string {
  refuse(name, cookieFault(name, scope));
  if (!valueShape.test(value)) {
    throw new MisuseError(
      "COOKIE_INVALID",
      `The value of the cookie ${shownName(name)} contains characters that need encoding.`,
    );
  }
  const bytes = name.length + value.length;
  if (bytes > maxCookieBytes) {
    throw new LimitError(
      "COOKIE_TOO_LARGE",
      `The name and value of the cookie ${shownName(name)} have ${bytes} bytes; browsers drop cookies over ${maxCookieBytes}. ` +
        "Keep the data in the session instead.",
    );
  }
  return headerOf(name, value, scope, maxAge, expires);
}

/**
 * Serializes the Set-Cookie header that removes a cookie, no matter who set it.
 *
 * @throws MisuseError COOKIE_INVALID if no browser sends such a name, if it is not ASCII, or if the scope contradicts
 *   itself.
 *
 * @internal
 */
export function serializeDeletion(name: string, scope: CookieScope): string {
  const isKept = typeof name === "string" && name.length <= maxCookieBytes && keptShape.test(name);
  refuse(name, isKept ? scopeFault(name, scope) : "needs an ASCII name without = ; and control characters");
  return headerOf(name, "", scope, 0);
}

function refuse(name: string, fault: string | undefined): void {
  if (fault !== undefined) throw new MisuseError("COOKIE_INVALID", `The cookie ${shownName(name)} ${fault}.`);
}

function headerOf(
  name: string,
  value: string,
  scope: CookieScope,
  maxAge: number | undefined,
  expires?: Date,
): string {
  const {
    path = "/",
    domain,
    secure = true,
    httpOnly = true,
    sameSite = "lax",
    partitioned = false,
    priority,
  } = scope;
  let header = `${name}=${value}; Path=${path}`;
  if (maxAge !== undefined) header += `; Max-Age=${maxAge}`;
  // Old clients know only Expires, so a deletion sends both.
  if (maxAge === 0) header += "; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
  else if (expires !== undefined) header += `; Expires=${expires.toUTCString()}`;
  if (domain !== undefined) header += `; Domain=${domain}`;
  if (secure) header += "; Secure";
  if (httpOnly) header += "; HttpOnly";
  header += `; SameSite=${capitalized(sameSite)}`;
  if (partitioned) header += "; Partitioned";
  if (priority !== undefined) header += `; Priority=${capitalized(priority)}`;
  return header;
}

/**
 * Converts a cookie's lifetime to whole seconds.
 *
 * @throws LimitError COOKIE_TOO_LONG_LIVED over 400 days; MisuseError COOKIE_INVALID.
 */
export function toMaxAge(duration: Duration): number {
  const seconds = Math.ceil(millisecondsOf(duration) / 1000);
  if (seconds > maxCookieAge) {
    throw new LimitError(
      "COOKIE_TOO_LONG_LIVED",
      "Browsers keep a cookie for at most 400 days (RFC 6265bis 5.5).",
    );
  }
  return seconds;
}

function millisecondsOf(duration: Duration): number {
  try {
    return toMilliseconds(duration, "A cookie's maxAge");
  } catch (error) {
    // The same mistake as in an option, but made in a call.
    if (error instanceof ConfigError) throw new MisuseError("COOKIE_INVALID", error.message);
    throw error;
  }
}

function capitalized(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

/** Returns a cookie's name in a form that is safe to show in a message. */
export function shownName(name: unknown): string {
  return typeof name === "string" && tokenShape.test(name) ? `"${name.slice(0, 64)}"` : "(unprintable)";
}
