import { ConfigError } from "../errors.ts";
import { cookieFault, maxCookieAge, serializeSetCookie, shownName } from "./serialize.ts";
import type { CookieScope } from "./serialize.ts";

/** The session cookie. Its value is a ticket and can't be chosen; scripts never see it. */
export interface SessionCookieOptions extends Omit<CookieScope, "httpOnly"> {
  /**
   * Default `"__Host-Http-session"`: browsers then take it only over https (or from localhost), for this
   * host alone and the whole site (RFC 6265bis 4.1.3.2), and newer ones (Chromium from 140 on) from a
   * response only, never from a script. Plain http elsewhere needs another name and `secure: false`;
   * sub-domains that share sessions need `"__Secure-…"` and `domain`.
   */
  readonly name?: string;
}

/** A longer name would not leave a cookie's 4096 bytes room for a ticket, nor a request's headers for much else. */
const maxNameLength = 256;

/** @internal Writes the session cookie of a hub. */
export interface SessionCookie {
  readonly name: string;
  /** Whether browsers are told to keep it for https. */
  readonly secure: boolean;
  /** The header that sends a ticket; a permanent one lasts until `deadline`, others as long as the browser runs. */
  sent(
    ticket: string,
    lifetime: { readonly permanent: boolean; readonly deadline: number },
    now: number,
  ): string;
  /** The header that removes the cookie: the same attributes, or browsers would keep it. */
  cleared(): string;
}

/** @internal @throws ConfigError COOKIE_CONFIG_INVALID when browsers would drop such a cookie, or an option is unknown. */
export function createSessionCookie(options: SessionCookieOptions): SessionCookie {
  const { name = "__Host-Http-session", ...given } = options;
  if ("httpOnly" in given)
    throw new ConfigError("COOKIE_CONFIG_INVALID", "The session cookie is always httpOnly.");
  if ("maxAge" in given) {
    throw new ConfigError(
      "COOKIE_CONFIG_INVALID",
      "The session cookie's lifetime follows from permanentLifetime.",
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
    secure: scope.secure !== false,
    sent(ticket, { permanent, deadline }, now) {
      const seconds = Math.min(Math.max(Math.ceil((deadline - now) / 1000), 1), maxCookieAge);
      return serializeSetCookie(name, ticket, scope, permanent ? seconds : undefined);
    },
    cleared: () => serializeSetCookie(name, "", scope, 0),
  };
}
