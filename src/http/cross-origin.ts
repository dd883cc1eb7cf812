import { ConfigError } from "../errors.ts";
import { assertKnownOptions } from "../runtime/check-options.ts";
import type { RequestLike } from "./request.ts";

/** Which requests from other sites may change data here. */
export interface CrossOriginOptions {
  /**
   * The site's own origins, such as `"https://example.com"`. Default: a request's Origin is compared with
   * its Host header, which can't tell http from https.
   */
  readonly origins?: readonly string[];
  /**
   * Other origins that may send unsafe requests. They can include origins of apps and extensions, such as
   * `"capacitor://localhost"` or `"chrome-extension://…"`, but not `"null"`, because any site can send it.
   */
  readonly trustedOrigins?: readonly string[];
  /**
   * Paths that accept requests from any site, for forms that another site posts here on purpose: a sign-in
   * provider's `form_post`, a SAML response, the return from a payment. Write them exactly as requested, without
   * the query. Such a request has no session (the cookie is `SameSite=Lax`), so the handler must itself check
   * that this visitor started the flow.
   */
  readonly exemptPaths?: readonly string[];
  /**
   * Also refuse unsafe requests that have neither Sec-Fetch-Site nor Origin; no browser sends these. Default `false`.
   */
  readonly strict?: boolean;
}

/** @internal Checks whether a request comes from this site or a trusted origin. */
export interface CrossOriginCheck {
  /**
   * Whether the request may proceed: its method is safe, it comes from this site or a trusted origin, or its path is
   * exempt.
   */
  allows(request: RequestLike): boolean;
  /** Whether the request comes from this site or a trusted origin, whatever its method. */
  isOurs(request: RequestLike): boolean;
}

/** @internal The check when it is turned off. */
export const noCrossOriginCheck: CrossOriginCheck = { allows: () => true, isOurs: () => true };

/** Methods that change nothing (RFC 9110 9.2.1), so any site may send them. */
const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Creates the cross-origin check, which keeps forms and scripts on other sites from acting as this visitor.
 *
 * Safe methods pass. For other methods Sec-Fetch-Site decides, if the browser sent it: `same-origin` and
 * `none` pass; `same-site` does not, because a sibling host may belong to anyone. Without that header, Origin
 * must be this site's (OWASP CSRF Prevention, Fetch Metadata). The content type does not matter. Exempt paths
 * are compared with the path as it was sent, never decoded or normalized (CVE-2025-47910).
 *
 * @throws ConfigError CONFIG_INVALID if an option is unknown, or if an origin or a path is not valid.
 *
 * @internal
 */
export function createCrossOriginCheck(options: CrossOriginOptions): CrossOriginCheck {
  assertKnownOptions(options, known, "crossOrigin");
  const own = new Set(options.origins?.map(checkedOwnOrigin));
  const trusted = new Set(options.trustedOrigins?.map(checkedTrustedOrigin));
  const exempt = new Set(options.exemptPaths?.map(checkedPath));
  const { strict = false } = options;

  const isOurs = (request: RequestLike): boolean => {
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
 * Whether an Origin matches the Host header, assuming the scheme of the Origin. Their spelling may differ: a
 * proxy may append the default port, or keep the case that somebody typed.
 */
function isOfHost(origin: string, host: string): boolean {
  // Reject anything that a URL parser would not read as a host, or would normalize.
  if (!/^[\w.:[\]-]+$/.test(host)) return false;
  const at = `${origin.slice(0, origin.indexOf(":"))}://${host}`;
  return isWebOrigin(origin) && URL.canParse(at) && new URL(at).origin === origin;
}

/** Whether a text is an http or https origin in exactly the form that browsers send. */
function isWebOrigin(origin: string): boolean {
  return /^https?:/.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin;
}

/**
 * The form that webviews and extensions send: their own scheme and a name, without wildcards. `file:` could be
 * anyone's.
 */
const appOrigin = /^(?!(?:https?|wss?|ftp|file):)[a-z][a-z0-9+.-]*:\/\/[\w.-]+(?::\d{1,5})?$/;

function checkedOwnOrigin(origin: string): string {
  if (isWebOrigin(origin)) return origin;
  throw new ConfigError(
    "CONFIG_INVALID",
    'crossOrigin.origins must be origins like "https://example.com", without a path or trailing slash.',
  );
}

function checkedTrustedOrigin(origin: string): string {
  if (isWebOrigin(origin) || appOrigin.test(origin)) return origin;
  throw new ConfigError(
    "CONFIG_INVALID",
    'crossOrigin.trustedOrigins must be origins like "https://example.com" or "capacitor://localhost", without a path or trailing slash.',
  );
}

function checkedPath(path: string): string {
  if (typeof path === "string" && /^\/[\w\-.~%!$&'+,;=@/]*$/.test(path)) return path;
  throw new ConfigError(
    "CONFIG_INVALID",
    'crossOrigin.exemptPaths must be complete paths like "/login/callback", without a pattern, query or host.',
  );
}
