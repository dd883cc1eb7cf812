import type { RequestLike } from "./request.ts";

/** Where people log in. */
export interface LoginRedirectOptions {
  /** The path of the login page. Default `"/login"`. */
  readonly loginPath?: string;
  /** The query parameter in which the login page finds the way back. Read it with `safeReturnPath`. Default `"return"`. */
  readonly returnParameter?: string;
}

/** What to answer somebody who has to log in first. */
export interface LoginRedirect {
  readonly status: 303 | 401;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The answer to a request that needs a login and has none: people are sent to the login page, with
 * the way back in its URL; programs get 401. Only a page is come back to, never a form that was sent.
 *
 * The way back travels in the URL and not in the session, so that strangers who knock on closed
 * doors leave no records behind.
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
    // RFC 9110 11.6.1 asks for a challenge; there is no registered scheme for a login page.
    return { status: 401, headers: { "www-authenticate": "Session", "cache-control": "no-store" } };
  }
  const isPage = request.method === "GET" || request.method === "HEAD";
  const separator = loginPath.includes("?") ? "&" : "?";
  const way = isPage ? `${separator}${returnParameter}=${encodeURIComponent(target)}` : "";
  return { status: 303, headers: { location: loginPath + way } };
}
