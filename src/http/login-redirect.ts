import { assertKnownOptions } from "../runtime/check-options.ts";
import type { PlainResponse } from "./default-responses.ts";
import type { RequestLike } from "./request.ts";

/** Where visitors log in. */
export interface LoginRedirectOptions {
  /** The path of the login page. Default `"/login"`. */
  readonly loginPath?: string;
  /**
   * The query parameter that tells the login page where to return to. Read it with `safeReturnPath`. Default
   * `"return"`.
   */
  readonly returnParameter?: string;
}

/**
 * Rejects options of `requireLogin` that do not exist.
 *
 * @throws ConfigError CONFIG_INVALID
 */
export function assertLoginOptions(options: LoginRedirectOptions): void {
  assertKnownOptions(options, ["loginPath", "returnParameter"], "requireLogin");
}

/** The response to a request that needs a login. */
export interface LoginRedirect extends PlainResponse {
  readonly status: 303 | 401;
  readonly body: "";
}

/**
 * Returns the response to a request that needs a login and has none: a redirect to the login page, with the
 * return target in its URL, or 401 for clients that do not accept HTML. Only GET and HEAD requests become return
 * targets, never a submitted form.
 *
 * The target is in the URL and not in the session, so that requests of strangers to protected pages create no
 * records.
 *
 * @param target the request's path and query.
 */
export function loginRedirect(
  request: RequestLike,
  target: string,
  options: LoginRedirectOptions = {},
): LoginRedirect {
  const { loginPath = "/login", returnParameter = "return" } = options;
  const wantsPage = /\btext\/html\b/i.test(request.header("accept") ?? "");
  if (!wantsPage) {
    // RFC 9110 11.6.1 requires a challenge; no scheme is registered for a login page.
    const headers = { "www-authenticate": "Session", "cache-control": "no-store" };
    return { status: 401, headers, body: "" };
  }
  const isPage = request.method === "GET" || request.method === "HEAD";
  const separator = loginPath.includes("?") ? "&" : "?";
  const query = isPage ? `${separator}${returnParameter}=${encodeURIComponent(target)}` : "";
  return { status: 303, headers: { location: loginPath + query }, body: "" };
}
