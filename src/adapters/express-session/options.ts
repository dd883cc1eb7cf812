import { cookieFault } from "../../cookies/serialize.ts";
import type { CookieScope } from "../../cookies/serialize.ts";
import { ConfigError } from "../../errors.ts";
import { assertKnownOptions, assertOption } from "../../runtime/check-options.ts";

/** The cookie of new sessions, in the words of express-session. Name, path and domain belong to `createSessions`. */
export interface SessionCookieDefaults {
  /**
   * How long a new session may stay unused, in milliseconds, at most `permanentLifetime`. It is then permanent: it
   * outlives the browser. Default: it is not permanent.
   */
  readonly maxAge?: number | null;
  /**
   * `true`: the cookie is sent only over a connection that is secure, as `req.secure` or the socket says. Default: the
   * attribute is that of `createSessions`, and the browser decides.
   */
  readonly secure?: boolean;
  /** Default: as in `createSessions`, where it is always `true`. */
  readonly httpOnly?: boolean;
  /** Default: as in `createSessions`. */
  readonly sameSite?: "strict" | "lax" | "none" | true;
  /** Default: as in `createSessions`. */
  readonly priority?: "low" | "medium" | "high";
}

/** What a cookie of `express-session` may override in one response. */
export type CookieAttributes = Pick<CookieScope, "secure" | "httpOnly" | "sameSite" | "priority">;

/** The cookie of new sessions, checked. */
export interface NewCookie {
  readonly attributes: CookieAttributes;
  /** In milliseconds; `undefined` if new sessions are not permanent. */
  readonly maxAge: number | undefined;
}

/** The parts of a `sessions` object that decide what is possible. */
export interface Limits {
  readonly cookie: { readonly name: string; readonly scope: CookieScope };
  readonly permanentLifetime: number;
}

const known = ["subject", "cookie", "onUnavailable", "onForbidden"];

/** Options of express-session that belong elsewhere or have no counterpart, and what to do instead. */
const refused: Readonly<Record<string, string>> = {
  genid: "Ids are always 128 random bits. Remove it.",
  key: "The cookie's name belongs to createSessions({ cookie: { name } }).",
  name: "The cookie's name belongs to createSessions({ cookie: { name } }).",
  proxy:
    "Whether a connection is secure is what req.secure says: app.set('trust proxy', …) in Express. Remove it.",
  resave: "Only what a request has changed is written, so nothing is ever written again. Remove it.",
  rolling:
    "Permanent sessions always roll, and others end with the browser. For a fixed end, give createSessions the same permanentAbsoluteTimeout as permanentLifetime. Remove it.",
  saveUninitialized:
    "A session begins with its first data. Where it must begin without, call req.session.save(). Remove it.",
  secret:
    "The secret key belongs to createSessions({ secret }): a new one, of 32 random bytes. The first of a list signs.",
  store:
    "The store belongs to createSessions({ store }): memoryStore, sqliteStore, redisStore, postgresStore.",
  unset: "req.session = null always ends the session. Remove it.",
};

/** Attributes of the cookie that belong to `createSessions` or have no counterpart. */
const refusedAttributes: Readonly<Record<string, string>> = {
  domain: "It belongs to createSessions({ cookie: { domain } }).",
  encode: "The value of the cookie needs no encoding. Remove it.",
  expires: "Use maxAge, in milliseconds.",
  partitioned: "It belongs to createSessions({ cookie: { partitioned } }).",
  path: "It belongs to createSessions({ cookie: { path } }).",
  signed: "The cookie is always signed. Remove it.",
};

/** @throws ConfigError CONFIG_INVALID or COOKIE_CONFIG_INVALID, with what to do instead. */
export function checkedOptions(
  options: { readonly subject?: unknown; readonly cookie?: SessionCookieDefaults },
  limits: Limits,
): NewCookie {
  for (const [name, advice] of Object.entries(refused))
    assertOption(!(name in options), `expressSession has no option "${name}". ${advice}`);
  assertKnownOptions(options, known, "expressSession");
  const { subject, cookie = {} } = options;
  assertOption(
    subject === undefined || typeof subject === "function",
    "subject must be a function of the session's data: (data) => data.passport?.user.",
  );
  assertOption(
    typeof cookie === "object" && cookie !== null,
    "cookie must be an object. A function of the request has no counterpart: set req.session.cookie in a middleware.",
  );
  for (const [name, advice] of Object.entries(refusedAttributes))
    assertOption(!(name in cookie), `expressSession has no cookie.${name}. ${advice}`);
  assertKnownOptions(
    cookie,
    ["maxAge", "secure", "httpOnly", "sameSite", "priority"],
    "expressSession's cookie",
  );
  const { maxAge, ...attributes } = cookie;
  const fault = maxAge === undefined || maxAge === null ? undefined : maxAgeFault(maxAge, limits);
  assertOption(fault === undefined, `cookie.maxAge ${fault}.`);
  return { attributes: checkedAttributes(attributes, limits), maxAge: maxAge ?? undefined };
}

/** Returns what is wrong with a lifetime, or `undefined`. */
export function maxAgeFault(maxAge: number, { permanentLifetime }: Limits): string | undefined {
  if (typeof maxAge !== "number" || !Number.isFinite(maxAge)) return "must be a number of milliseconds";
  if (maxAge <= 0) return "must be more than 0";
  if (maxAge > permanentLifetime)
    return `must be at most permanentLifetime, which is ${permanentLifetime} ms: set that in createSessions`;
  return undefined;
}

function checkedAttributes(given: Omit<SessionCookieDefaults, "maxAge">, limits: Limits): CookieAttributes {
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  const attributes: CookieAttributes = Object.fromEntries(
    set.map(([name, value]) => [name, attributeOf(name, value)]),
  );
  for (const [name, value] of set) {
    const fault = attributeFault(name, value, { ...limits.cookie.scope, ...attributes }, limits);
    if (fault !== undefined) throw new ConfigError("COOKIE_CONFIG_INVALID", `cookie.${name} ${fault}.`);
  }
  return attributes;
}

/** `sameSite: true` is another way to say `"strict"`. */
export function attributeOf(name: string, value: unknown): unknown {
  return name === "sameSite" && value === true ? "strict" : value;
}

/** Returns why an attribute can't have a value beside the others, or `undefined`. */
export function attributeFault(
  name: string,
  value: unknown,
  others: CookieScope,
  { cookie }: Limits,
): string | undefined {
  if (value === "auto")
    return `can't be "auto": set req.session.cookie.${name} in a middleware, from req.secure`;
  if (name === "sameSite" && value === false)
    return "can't be false: without SameSite, browsers apply a weaker rule";
  if ((name === "secure" || name === "httpOnly") && value !== undefined && typeof value !== "boolean")
    return "must be true or false";
  return cookieFault(cookie.name, { ...others, [name]: attributeOf(name, value) });
}
