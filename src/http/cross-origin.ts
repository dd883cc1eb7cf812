import { ConfigError } from "../errors.ts";
import type { Incoming } from "./request.ts";

/** Which requests from other sites may change something here. */
export interface CrossOriginOptions {
  /**
   * The site's own origins, such as `"https://example.com"`. Without them a request's Origin is
   * compared with its Host header, which can't tell http from https.
   */
  readonly origins?: readonly string[];
  /**
   * Other origins whose unsafe requests are welcome. Those of apps and extensions may be among them, such
   * as `"capacitor://localhost"` or `"chrome-extension://…"`; `"null"` may not, since any site can send it.
   */
  readonly trustedOrigins?: readonly string[];
  /**
   * Paths whose requests may come from anywhere, for what another site's form posts here on purpose: a
   * sign-in provider's `form_post`, a SAML response, a payment's return. Exactly as requested, without the
   * query. Such a request brings no session (its cookie is `SameSite=Lax`), so its handler must check for
   * itself that this visitor began what it ends.
   */
  readonly exemptPaths?: readonly string[];
  /** Refuse unsafe requests without Sec-Fetch-Site and Origin, too: no browser sends such. Default `false`. */
  readonly strict?: boolean;
}

/** @internal Whether a request comes from a page of ours, or one that we trust. */
export interface OriginCheck {
  /** `true` when the request may go on: it changes nothing, or comes from here. */
  allows(request: Incoming): boolean;
  /** `true` when it comes from here, whatever its method. */
  isOurs(request: Incoming): boolean;
}

/** @internal For a hub whose check is turned off. */
export const noOriginCheck: OriginCheck = { allows: () => true, isOurs: () => true };

/** Methods that change nothing (RFC 9110 9.2.1), so that anybody may send them. */
const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * The cross-origin check: a form or script on another site can't act in this visitor's name.
 *
 * Safe methods pass. Otherwise Sec-Fetch-Site decides where the browser sent it (`same-origin` and
 * `none` pass, `same-site` does not: a sibling host may be anybody's); without it, Origin must be
 * this site's (OWASP CSRF Prevention, Fetch Metadata). Nothing depends on the content type. A path that is
 * exempt is compared as it was sent and never decoded or mended (CVE-2025-47910).
 *
 * @throws ConfigError CONFIG_INVALID for an origin or a path that is not one.
 *
 * @internal
 */
export function createOriginCheck(options: CrossOriginOptions): OriginCheck {
  for (const name of Object.keys(options)) {
    if (!known.some((option) => option === name)) {
      throw new ConfigError(
        "CONFIG_INVALID",
        `crossOrigin.${name} is unknown; there are ${known.join(", ")}.`,
      );
    }
  }
  const own = new Set(options.origins?.map(checkedOwnOrigin));
  const trusted = new Set(options.trustedOrigins?.map(checkedTrustedOrigin));
  const exempt = new Set(options.exemptPaths?.map(checkedPath));
  const { strict = false } = options;

  const isOurs = (request: Incoming): boolean => {
    const origin = request.header("origin") ?? "";
    if (trusted.has(origin)) return true;
    const site = request.header("sec-fetch-site") ?? "";
    if (site !== "") return site === "same-origin" || site === "none";
    if (origin === "") return !strict;
    return own.size > 0 ? own.has(origin) : isOfHost(origin, request.header("host") ?? "");
  };
  const isExempt = (path = ""): boolean => exempt.has(path);
  return {
    isOurs,
    allows: (request) => safeMethods.has(request.method) || isOurs(request) || isExempt(request.path),
  };
}

const known = [
  "origins",
  "trustedOrigins",
  "exemptPaths",
  "strict",
] as const satisfies readonly (keyof CrossOriginOptions)[];

/**
 * Whether an Origin is that of the host, reached by the scheme that the Origin names. The two may spell it
 * differently: proxies put the default port behind the host, or keep the case that somebody typed.
 */
function isOfHost(origin: string, host: string): boolean {
  // Nothing that a URL parser would take for something else than a host, or mend.
  if (!/^[\w.:[\]-]+$/.test(host)) return false;
  const at = `${origin.slice(0, origin.indexOf(":"))}://${host}`;
  return isWebOrigin(origin) && URL.canParse(at) && new URL(at).origin === origin;
}

/** Whether a text is an origin of the web, in the one spelling in which browsers send it. */
function isWebOrigin(origin: string): boolean {
  return /^https?:/.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin;
}

/** What webviews and extensions send: a scheme of their own and a name, without wildcard; `file:` is anybody's. */
const appOrigin = /^(?!(?:https?|wss?|ftp|file):)[a-z][a-z0-9+.-]*:\/\/[\w.-]+(?::\d{1,5})?$/;

function checkedOwnOrigin(origin: string): string {
  if (isWebOrigin(origin)) return origin;
  throw new ConfigError(
    "CONFIG_INVALID",
    'crossOrigin.origins must be origins like "https://example.com", without path or slash at the end.',
  );
}

function checkedTrustedOrigin(origin: string): string {
  if (isWebOrigin(origin) || appOrigin.test(origin)) return origin;
  throw new ConfigError(
    "CONFIG_INVALID",
    'crossOrigin.trustedOrigins must be origins like "https://example.com" or "capacitor://localhost", without path or slash at the end.',
  );
}

function checkedPath(path: string): string {
  if (typeof path === "string" && /^\/[\w\-.~%!$&'+,;=@/]*$/.test(path)) return path;
  throw new ConfigError(
    "CONFIG_INVALID",
    'crossOrigin.exemptPaths must be whole paths like "/login/callback", without pattern, query or host.',
  );
}
