import { handle, loginResponse } from "../exchange/fetch.ts";
import type { FetchHandler, HandleOptions } from "../exchange/fetch.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import { exchangesOf } from "../sessions.ts";
import type { Sessions } from "../sessions.ts";

/** The part of an Elysia app that this adapter uses. */
export interface ElysiaApp {
  wrap(around: (handler: (request: unknown) => unknown) => (request: Request) => Promise<Response>): unknown;
  onError(
    options: { readonly as: "global" },
    handler: (context: { readonly error: unknown; readonly request: Request }) => void,
  ): unknown;
}

/** The options of {@link elysiaSessions}. */
export type ElysiaSessionsOptions = Pick<HandleOptions, "onForbidden" | "onUnavailable">;

/**
 * Elysia plugin: `new Elysia().use(elysiaSessions(sessions))` on the app that listens, before its routes, then
 * `await sessions.of(request)` in any handler. Requests from other sites that could change something are refused
 * with 403.
 *
 * A handler fails if it throws, whatever the response that an `onError` makes, or if its response has status 500 or
 * above. A `status(422)` that is thrown is a failure, and one that is returned is not.
 */
export function elysiaSessions<Data extends object>(
  sessions: Sessions<Data>,
  options: ElysiaSessionsOptions = {},
): <App extends ElysiaApp>(app: App) => App {
  const exchanges = exchangesOf(sessions);
  return (app) => {
    app.wrap((handler) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Elysia's types say that it returns a function
      const respond = handler as FetchHandler;
      return async (request) => handle(exchanges, request, respond, options);
    });
    app.onError({ as: "global" }, ({ error, request }) => {
      exchanges.fail(request, error);
    });
    return app;
  };
}

/**
 * Elysia hook that requires a login: `{ beforeHandle: requireLogin(sessions) }` of a route or a `guard`. Other people
 * are sent to the login page and then back; programs get 401.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  options: LoginRedirectOptions = {},
): (context: { readonly request: Request }) => Promise<Response | undefined> {
  return async ({ request }) =>
    (await sessions.of(request)).loggedIn ? undefined : loginResponse(request, options);
}
