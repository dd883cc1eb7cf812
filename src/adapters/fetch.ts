import { assertKnownOptions } from "../runtime/check-options.ts";
import { loginResponse } from "../exchange/fetch.ts";
import { assertLoginOptions } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import type { FetchHandler, HandleOptions } from "../exchange/fetch.ts";
import type { Sessions } from "../sessions.ts";

/**
 * Adds sessions to the handler of a plain `fetch` server (`Bun.serve`, `Deno.serve`, workers, route handlers).
 * Returns a handler of the same shape, inside which `sessions.of(request)` and `sessions.current()` work. For a
 * single request, `sessions.handle(request, handler)` does the same.
 */
export function fetchSessions<Data extends object>(
  sessions: Sessions<Data>,
  handler: FetchHandler,
  options: HandleOptions = {},
): (request: Request) => Promise<Response> {
  assertKnownOptions(options, ["onError", "onUnavailable", "onForbidden"], "fetchSessions");
  return (request) => sessions.handle(request, handler, options);
}

/**
 * Returns a handler that requires a login, for use inside `fetchSessions`. Other people are sent to the login
 * page and then back; programs get 401.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  handler: FetchHandler,
  options: LoginRedirectOptions = {},
): FetchHandler {
  assertLoginOptions(options);
  return async (request) => {
    const { loggedIn } = await sessions.of(request);
    return loggedIn ? handler(request) : loginResponse(request, options);
  };
}
