import { loginRedirect } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import type { FetchHandler, HandleOptions } from "../exchange/fetch.ts";
import type { Sessions } from "../sessions.ts";

/**
 * Puts sessions in front of the handler of a plain `fetch` server (`Bun.serve`, `Deno.serve`, workers,
 * route handlers): a handler of the same shape, in which `sessions.of(request)` and
 * `sessions.current()` work. For a single request, `sessions.handle(request, handler)` does the same.
 */
export function fetchSessions<Data extends object>(
  sessions: Sessions<Data>,
  handler: FetchHandler,
  options: HandleOptions = {},
): (request: Request) => Promise<Response> {
  return (request) => sessions.handle(request, handler, options);
}

/**
 * Puts a login in front of a handler: behind it somebody is logged in. Others are sent to the login
 * page and back again; programs get 401. Goes inside `fetchSessions`.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  handler: FetchHandler,
  options: LoginRedirectOptions = {},
): FetchHandler {
  return async (request) => {
    if ((await sessions.of(request)).loggedIn) return handler(request);
    const { pathname, search } = new URL(request.url);
    const incoming = { method: request.method, header: (name: string) => request.headers.get(name) };
    return new Response(null, loginRedirect(incoming, pathname + search, options));
  };
}
