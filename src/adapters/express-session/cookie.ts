import { LimitError, MisuseError } from "../../errors.ts";
import { attributeFault, attributeOf, maxAgeFault } from "./options.ts";
import type { CookieAttributes, Limits } from "./options.ts";

/** What a cookie object reads and changes: the lifetime of its session, and the attributes in the response. */
export interface CookieTarget {
  readonly limits: Limits;
  /** How long the session may stay unused, in milliseconds; `null` if it ends with the browser. */
  lifetime: number | null;
  /** When the session ends unless it is used again, in milliseconds since 1970, if it is permanent. */
  readonly end: number;
  /** Whether the session ends with this response. */
  isExpired: boolean;
  attributes: CookieAttributes;
  readonly now: number;
}

/** The cookie in the form that `JSON.stringify` shows. */
export interface CookieJson {
  readonly originalMaxAge: number | null;
  readonly partitioned: boolean | undefined;
  readonly priority: "low" | "medium" | "high" | undefined;
  readonly expires: Date | null;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly domain: string | undefined;
  readonly path: string;
  readonly sameSite: "strict" | "lax" | "none";
}

const attributeNames = ["secure", "httpOnly", "sameSite", "priority"] as const;

/**
 * `req.session.cookie`. Its lifetime is the session's, which the server enforces. The other attributes are those of
 * `createSessions`; what is set here counts for the cookie of this response.
 */
export class RequestCookie {
  #target: CookieTarget;

  /** @internal */
  constructor(target: CookieTarget) {
    this.#target = target;
  }

  /** How long the session may stay unused, in milliseconds; `null` if it ends with the browser. */
  get originalMaxAge(): number | null {
    return this.#target.lifetime;
  }
  set originalMaxAge(milliseconds: number | null) {
    this.maxAge = milliseconds;
  }

  /** In how many milliseconds the session ends unless it is used again; `null` if it ends with the browser. */
  get maxAge(): number | null {
    const { expires } = this;
    return expires === null ? null : expires.getTime() - this.#target.now;
  }
  /**
   * Makes the session permanent, with this lifetime from its last use; `null` or `false`: not permanent. 0 or less
   * ends it with this response.
   *
   * @throws LimitError COOKIE_TOO_LONG_LIVED over `permanentLifetime`; MisuseError COOKIE_INVALID.
   */
  set maxAge(lifetime: number | Date | null | false | undefined) {
    const target = this.#target;
    if (lifetime instanceof Date) {
      this.expires = lifetime;
      return;
    }
    target.isExpired = false;
    if (lifetime === null || lifetime === undefined || lifetime === false) {
      target.lifetime = null;
      return;
    }
    if (typeof lifetime === "number" && lifetime <= 0) {
      target.isExpired = true;
      return;
    }
    const fault = maxAgeFault(lifetime, target.limits);
    if (fault === undefined) target.lifetime = Math.ceil(lifetime);
    else if (lifetime > target.limits.permanentLifetime)
      throw new LimitError("COOKIE_TOO_LONG_LIVED", `req.session.cookie.maxAge ${fault}.`);
    else throw new MisuseError("COOKIE_INVALID", `req.session.cookie.maxAge ${fault}.`);
  }

  /** When the session ends unless it is used again; `null` if it ends with the browser. */
  get expires(): Date | null {
    const { isExpired, lifetime, end } = this.#target;
    if (isExpired) return new Date(0);
    return lifetime === null ? null : new Date(end);
  }
  /** As `maxAge`: the time until this date is the session's lifetime from its last use. */
  set expires(date: Date | null | false | undefined) {
    if (date instanceof Date && !Number.isNaN(date.getTime()))
      this.maxAge = date.getTime() - this.#target.now;
    else if (date === null || date === undefined || date === false) this.maxAge = null;
    else throw new MisuseError("COOKIE_INVALID", "req.session.cookie.expires must be a valid Date, or null.");
  }

  /** Whether browsers send the cookie only over https. If it was set to `true`, it is sent only over a secure connection. */
  get secure(): boolean {
    return this.#attribute("secure") ?? true;
  }
  set secure(secure: boolean) {
    this.#set("secure", secure);
  }

  /** Whether scripts can't read the cookie. */
  get httpOnly(): boolean {
    return this.#attribute("httpOnly") ?? true;
  }
  set httpOnly(httpOnly: boolean) {
    this.#set("httpOnly", httpOnly);
  }

  /** Whether requests from other sites carry the cookie. */
  get sameSite(): "strict" | "lax" | "none" {
    return this.#attribute("sameSite") ?? "lax";
  }
  set sameSite(sameSite: "strict" | "lax" | "none" | true) {
    this.#set("sameSite", sameSite);
  }

  /** Which cookies browsers drop first. */
  get priority(): "low" | "medium" | "high" | undefined {
    return this.#attribute("priority");
  }
  set priority(priority: "low" | "medium" | "high" | undefined) {
    this.#set("priority", priority);
  }

  /** The path of `createSessions`. */
  get path(): string {
    return this.#target.limits.cookie.scope.path ?? "/";
  }
  set path(path: string) {
    this.#keep("path", path, this.path);
  }

  /** The domain of `createSessions`. */
  get domain(): string | undefined {
    return this.#target.limits.cookie.scope.domain;
  }
  set domain(domain: string | undefined) {
    this.#keep("domain", domain, this.domain);
  }

  /** Whether the cookie is stored separately for each site that embeds this one, as `createSessions` says. */
  get partitioned(): boolean | undefined {
    return this.#target.limits.cookie.scope.partitioned;
  }
  set partitioned(partitioned: boolean | undefined) {
    this.#keep("partitioned", partitioned ?? false, this.partitioned ?? false);
  }

  /** What `JSON.stringify(req.session)` shows. */
  toJSON(): CookieJson {
    const { originalMaxAge, partitioned, priority, expires, secure, httpOnly, domain, path, sameSite } = this;
    return { originalMaxAge, partitioned, priority, expires, secure, httpOnly, domain, path, sameSite };
  }

  /** @internal Takes over the lifetime and the attributes of another cookie object. */
  take(other: unknown): void {
    if (typeof other !== "object" || other === null)
      throw new MisuseError("COOKIE_INVALID", "req.session.cookie must be an object.");
    // Of another session's cookie only what was set there: its defaults are this one's, too.
    const given: Partial<Record<string, unknown>> =
      other instanceof RequestCookie
        ? { originalMaxAge: other.originalMaxAge, ...other.#target.attributes }
        : { ...other };
    const lifetime = ["originalMaxAge", "maxAge", "expires"].find((name) => given[name] !== undefined);
    if (lifetime === "expires") this.expires = given["expires"] as Date | null; // oxlint-disable-line no-unsafe-type-assertion
    else if (lifetime !== undefined) this.maxAge = given[lifetime] as number | null; // oxlint-disable-line no-unsafe-type-assertion
    for (const name of attributeNames)
      if (given[name] !== undefined && given[name] !== this.#attribute(name)) this.#set(name, given[name]);
  }

  /** @internal Becomes a copy, which changes nothing any more. */
  detach(): void {
    const { limits, lifetime, end, isExpired, attributes, now } = this.#target;
    this.#target = { limits, lifetime, end, isExpired, attributes: { ...attributes }, now };
  }

  #attribute<Name extends keyof CookieAttributes>(name: Name): CookieAttributes[Name] {
    const { attributes, limits } = this.#target;
    return attributes[name] ?? limits.cookie.scope[name];
  }

  #set(name: keyof CookieAttributes, value: unknown): void {
    const { attributes, limits } = this.#target;
    const fault = attributeFault(name, value, { ...limits.cookie.scope, ...attributes }, limits);
    if (fault !== undefined) throw new MisuseError("COOKIE_INVALID", `req.session.cookie.${name} ${fault}.`);
    this.#target.attributes = { ...attributes, [name]: attributeOf(name, value) };
  }

  #keep(name: string, value: unknown, own: unknown): void {
    if (value === own) return;
    throw new MisuseError(
      "COOKIE_INVALID",
      `req.session.cookie.${name} can't differ from createSessions({ cookie: { ${name} } }): the browser would keep two cookies.`,
    );
  }
}
