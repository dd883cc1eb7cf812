import { ConfigError, LimitError, MisuseError } from "../errors.ts";
import { toMilliseconds } from "../runtime/duration.ts";
import type { Duration } from "../runtime/duration.ts";

/** Where a cookie holds, and who may see it. To delete a cookie, give the same as when it was set. */
export interface CookieScope {
  /** Default `"/"`. */
  readonly path?: string;
  /** Sub-domains included; default none: this host alone. */
  readonly domain?: string;
  /** Sent over https only (and to localhost). Default `true`. */
  readonly secure?: boolean;
  /** Hidden from scripts. Default `true`. */
  readonly httpOnly?: boolean;
  /** Whether other sites' requests carry it. Default `"lax"`. */
  readonly sameSite?: "strict" | "lax" | "none";
  /** Kept apart for every site that embeds this one (CHIPS). Default `false`. */
  readonly partitioned?: boolean;
  /** Which cookies a full browser drops last. Default unset. */
  readonly priority?: "low" | "medium" | "high";
}

/** The attributes of a cookie. */
export interface CookieAttributes extends CookieScope {
  /** How long the browser keeps it, at most 400 days. Without it, until the browser is closed. */
  readonly maxAge?: Duration;
}

/** RFC 6265bis 5.5: browsers cut longer lifetimes down to 400 days. */
export const maxCookieAge = 400 * 86_400;

/** RFC 6265bis 5.6: name and value together, in bytes. Browsers drop a larger cookie silently. */
const maxCookieBytes = 4096;

const maxAttributeBytes = 1024;
const tokenShape = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/**
 * Names that browsers keep and send, in ASCII: others are not as strict as we are. Without the blanks that
 * browsers trim. Beyond ASCII Node's servers write a header in UTF-8 or in Latin-1 as the body falls out.
 */
const keptShape = /^(?![\t ])[\t\x20-\x3a\x3c\x3e-\x7e]+(?<![\t ])$/;
const valueShape = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;
/** Browsers trim a space at the end. */
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
 * What is wrong with a cookie's name and scope, or `undefined`. Browsers drop what contradicts itself
 * without a word (RFC 6265bis 5.7), so it is found here.
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
  if (unknown !== undefined) return `has no attribute "${unknown}"; there are ${knownAttributes.join(", ")}`;
  if (typeof path !== "string" || !pathShape.test(path) || path.length > maxAttributeBytes) {
    return "needs a path that starts with / and holds no ; or control character";
  }
  if (domain !== undefined && (typeof domain !== "string" || !domainShape.test(domain))) {
    return "needs a domain like example.com, without dot in front or port";
  }
  if (!["strict", "lax", "none"].includes(sameSite)) return 'needs sameSite "strict", "lax" or "none"';
  if (scope.priority !== undefined && !["low", "medium", "high"].includes(scope.priority)) {
    return 'needs priority "low", "medium" or "high"';
  }
  if (sameSite === "none" && !secure) return 'needs secure with sameSite "none"';
  if (partitioned && !secure) return "needs secure when it is partitioned";
  // Browsers compare prefixes without regard to case (5.7 steps 20 and 21).
  const prefix = /^__(secure|host|http|host-http)-/i.exec(name)?.[1]?.toLowerCase();
  if (prefix === undefined) return undefined;
  if (!secure) return `needs secure, since its name starts with __${prefix}-`;
  if (prefix.startsWith("host") && (path !== "/" || domain !== undefined)) {
    return `needs path "/" and no domain, since its name starts with __${prefix}-`;
  }
  if (prefix.endsWith("http") && !httpOnly) return `needs httpOnly, since its name starts with __${prefix}-`;
  return undefined;
}

/**
 * One Set-Cookie header. Every attribute that is not its default in browsers is written out, SameSite
 * always (without it browsers fall back to a weaker rule, RFC 6265bis 5.6.7.2).
 *
 * @param maxAge in seconds; `undefined` for a cookie that ends with the browser.
 * @throws MisuseError COOKIE_INVALID; LimitError COOKIE_TOO_LARGE (name and value over 4096 bytes).
 *
 * @internal
 */
export function serializeSetCookie(name: string, value: string, scope: CookieScope, maxAge?: number): string {
  refuse(name, cookieFault(name, scope));
  if (!valueShape.test(value)) {
    throw new MisuseError(
      "COOKIE_INVALID",
      `The value of the cookie ${shownName(name)} has characters that need encoding.`,
    );
  }
  const bytes = name.length + value.length;
  if (bytes > maxCookieBytes) {
    throw new LimitError(
      "COOKIE_TOO_LARGE",
      `The cookie ${shownName(name)} has ${bytes} bytes in name and value; browsers drop cookies over ${maxCookieBytes}. ` +
        "Keep the data in the session.",
    );
  }
  return headerOf(name, value, scope, maxAge);
}

/**
 * The Set-Cookie header that removes a cookie, whoever set it.
 *
 * @throws MisuseError COOKIE_INVALID for a name that no browser sends or that is not ASCII, or a scope that contradicts itself.
 *
 * @internal
 */
export function serializeDeletion(name: string, scope: CookieScope): string {
  const isKept = typeof name === "string" && name.length <= maxCookieBytes && keptShape.test(name);
  refuse(name, isKept ? scopeFault(name, scope) : "needs a name of ASCII without = ; and control characters");
  return headerOf(name, "", scope, 0);
}

function refuse(name: string, fault: string | undefined): void {
  if (fault !== undefined) throw new MisuseError("COOKIE_INVALID", `The cookie ${shownName(name)} ${fault}.`);
}

function headerOf(name: string, value: string, scope: CookieScope, maxAge: number | undefined): string {
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
  // Old clients know Expires alone; for a deletion both must say so.
  if (maxAge === 0) header += "; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
  if (domain !== undefined) header += `; Domain=${domain}`;
  if (secure) header += "; Secure";
  if (httpOnly) header += "; HttpOnly";
  header += `; SameSite=${capitalized(sameSite)}`;
  if (partitioned) header += "; Partitioned";
  if (priority !== undefined) header += `; Priority=${capitalized(priority)}`;
  return header;
}

/** A cookie's lifetime in whole seconds. @throws LimitError COOKIE_TOO_LONG_LIVED over 400 days; MisuseError COOKIE_INVALID. */
export function toMaxAge(duration: Duration): number {
  const seconds = Math.ceil(millisecondsOf(duration) / 1000);
  if (seconds > maxCookieAge) {
    throw new LimitError(
      "COOKIE_TOO_LONG_LIVED",
      "Browsers keep a cookie for 400 days at most (RFC 6265bis 5.5).",
    );
  }
  return seconds;
}

function millisecondsOf(duration: Duration): number {
  try {
    return toMilliseconds(duration, "A cookie's maxAge");
  } catch (error) {
    // The same fault as in an option, but found in a call.
    if (error instanceof ConfigError) throw new MisuseError("COOKIE_INVALID", error.message);
    throw error;
  }
}

function capitalized(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

/** A cookie's name as a message may show it. */
export function shownName(name: unknown): string {
  return typeof name === "string" && tokenShape.test(name) ? `"${name.slice(0, 64)}"` : "(unprintable)";
}
