import { ConfigError } from "../errors.ts";
import { cookieFault, maxCookieAge, serializeSetCookie, shownName } from "./serialize.ts";
import type { CookieScope } from "./serialize.ts";

/** The attributes of the session cookie. Its value is a ticket and can't be chosen, and it is always httpOnly. */
export interface SessionCookieOptions extends Omit<CookieScope, "httpOnly"> {
  /**
   * Default `"__Host-Http-session"`. Browsers accept a cookie with this prefix only over https (or from localhost),
   * only for this host, and only for the whole site (RFC 6265bis 4.1.3.2). Newer ones (Chromium from 140 on)
   * accept it only from a response, never from a script. Plain http elsewhere needs another name and
   * `secure: false`; subdomains that share sessions need `"__Secure-…"` and `domain`.
   */
  readonly name?: string;
}

/** A longer name leaves too little room in a cookie's 4096 bytes for a ticket, and in a request for other headers. */
const maxNameLength = 256;

/** @internal Attributes of the session cookie that differ in one response. */
export interface SessionCookieOverride extends Pick<
  CookieScope,
  "secure" | "httpOnly" | "sameSite" | "priority"
> {
  /** Whether a permanent cookie has `Expires` beside `Max-Age`. */
  readonly expires: boolean;
}

/** @internal Serializes the session cookie of a `sessions` object. */
export interface SessionCookie {
  readonly name: string;
  /** Its attributes, but for the lifetime. */
  readonly scope: CookieScope;
  /** Whether browsers send it only over https. */
  readonly secure: boolean;
  /**
   * Returns the header that sends a ticket. A permanent cookie lasts until `deadline`, others until the browser is
   * closed. Times are milliseconds since 1970.
   */
  sent(
    ticket: string,
    lifetime: { readonly permanent: boolean; readonly deadline: number },
    now: number,
    override?: SessionCookieOverride,
  ): string;
  /** Returns the header that removes the cookie. It has the same attributes, or browsers would keep the cookie. */
  cleared(override?: SessionCookieOverride): string;
}

/** @internal @throws ConfigError COOKIE_CONFIG_INVALID if browsers would drop such a cookie, or an option is unknown. */
export function createSessionCookie(options: SessionCookieOptions): SessionCookie {
  const { name = "__Host-Http-session", ...given } = options;
  if ("httpOnly" in given)
    throw new ConfigError("COOKIE_CONFIG_INVALID", "The session cookie is always httpOnly.");
  if ("maxAge" in given) {
    throw new ConfigError(
      "COOKIE_CONFIG_INVALID",
      "The session cookie has no maxAge; its lifetime is set by permanentLifetime.",
    );
  }
  const scope: CookieScope = { ...given, httpOnly: true };
  const fault = cookieFault(name, scope);
  if (fault !== undefined)
    throw new ConfigError("COOKIE_CONFIG_INVALID", `The session cookie ${shownName(name)} ${fault}.`);
  if (name.length > maxNameLength) {
    throw new ConfigError(
      "COOKIE_CONFIG_INVALID",
      `The session cookie's name is longer than ${maxNameLength} characters.`,
    );
  }
  return {
    name,
    scope,
    secure: scope.secure !== false,
    sent(ticket, { permanent, deadline }, now, override) {
      const seconds = Math.min(Math.max(Math.ceil((deadline - now) / 1000), 1), maxCookieAge);
      const expires = override?.expires === true && permanent ? new Date(deadline) : undefined;
      return serializeSetCookie(
        name,
        ticket,
        overridden(scope, override),
        permanent ? seconds : undefined,
        expires,
      );
    },
    cleared: (override) => serializeSetCookie(name, "", overridden(scope, override), 0),
  };
}

function overridden(scope: CookieScope, override: SessionCookieOverride | undefined): CookieScope {
  if (override === undefined) return scope;
  const { expires: _, ...attributes } = override;
  return { ...scope, ...attributes };
}
