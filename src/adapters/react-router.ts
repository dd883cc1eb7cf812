import {
  forbiddenResponse,
  serverErrorResponse,
  toRequestLike,
  unavailableResponse,
  withHeaders,
} from "../exchange/fetch.ts";
import { loginRedirect } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import type { RequestLike } from "../http/request.ts";
import { StoreError } from "../errors.ts";
import { exchangesOf } from "../sessions.ts";
import type { Sessions } from "../sessions.ts";

/** The part of a middleware's arguments that this adapter uses, in React Router 8. */
export interface ReactRouterArgs {
  readonly request: Request;
  /** The `RouterContextProvider` that loaders and actions get, too. */
  readonly context: object;
}

/** What React Router calls as middleware of a route. */
export type ReactRouterMiddleware = (
  args: ReactRouterArgs,
  next: () => Promise<Response>,
) => Promise<Response>;

/** The options of {@link reactRouterSessions}. */
export interface ReactRouterSessionsOptions {
  /** Returns the response if the store fails when the session is needed. Default: a plain 503 with Retry-After. */
  readonly onUnavailable?: (error: StoreError, args: ReactRouterArgs) => Response | Promise<Response>;
  /** Returns the response to a request from another site that could change something. Default: a plain 403. */
  readonly onForbidden?: (args: ReactRouterArgs) => Response | Promise<Response>;
}

/**
 * Middleware for the root route of React Router's framework mode:
 * `export const middleware = [reactRouterSessions(sessions)]`, then `await sessions.of(context)` in any loader, action
 * or middleware below it. Requests from other sites that could change something are refused with 403.
 *
 * A handler fails if it throws an error, or data with a status, that React Router's scripts asked for; or if the
 * response has status 500 or above. For pages, `entry.server.tsx` has to call {@link failedRender}.
 */
export function reactRouterSessions<Data extends object>(
  sessions: Sessions<Data>,
  options: ReactRouterSessionsOptions = {},
): ReactRouterMiddleware {
  const exchanges = exchangesOf(sessions);
  const errorResponse = async (error: unknown, args: ReactRouterArgs): Promise<Response> => {
    if (error instanceof StoreError)
      return (await options.onUnavailable?.(error, args)) ?? unavailableResponse();
    return serverErrorResponse(error);
  };

  return async (args, next) => {
    const { context, request } = args;
    const incoming = toRequestLike(request);
    if (exchanges.outer(incoming, [context, request])?.isCurrent === true) return next();
    if (!exchanges.allows(incoming)) return (await options.onForbidden?.(args)) ?? forbiddenResponse();
    const exchange = exchanges.begin(incoming, [context, request]);
    // React Router turns what loaders and actions throw into a response.
    const response = await exchange.run(next);
    if (exchange.accessed && (await isErrorInside(response))) exchange.fail(undefined);
    const { headers, failure } = await exchange.commit({ status: response.status });
    return withHeaders(failure === undefined ? response : await errorResponse(failure, args), headers);
  };
}

/** The part of React Router's `EntryContext` that this adapter uses. */
export interface ReactRouterEntryContext {
  readonly staticHandlerContext: { readonly errors: Readonly<Record<string, unknown>> | null };
}

/**
 * Notes that a page is rendered because a loader or an action threw. Call it first in `handleRequest` of
 * `entry.server.tsx`: nothing else says so for data that was thrown with a 4xx status.
 */
export function failedRender<Data extends object>(
  sessions: Sessions<Data>,
  routerContext: ReactRouterEntryContext,
): void {
  const { errors } = routerContext.staticHandlerContext;
  if (errors !== null) sessions.fail(Object.values(errors)[0]);
}

/**
 * Middleware that requires a login: `export const middleware = [requireLogin(sessions)]` in a route, for it and the
 * routes below it. Other people are sent to the login page and then back; programs get 401. Without a `loader` in the
 * route, React Router's scripts show the page without asking the server.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  options: LoginRedirectOptions = {},
): ReactRouterMiddleware {
  return async ({ context, request }, next) => {
    if ((await sessions.of(context)).loggedIn) return next();
    const url = new URL(request.url);
    const isData = url.pathname.endsWith(dataSuffix);
    const own = toRequestLike(request);
    // React Router's scripts accept no HTML, but a person waits for the page.
    const header: RequestLike["header"] = (name) =>
      isData && name === "accept" ? "text/html" : own.header(name);
    const target = isData ? pageOf(url) : url.pathname + url.search;
    return new Response(null, loginRedirect({ method: own.method, header }, target, options));
  };
}

/** The end of paths from which React Router's scripts load data. */
const dataSuffix = ".data";

/** The path and query of the page whose data is asked for. */
function pageOf(url: URL): string {
  const page = new URL(url);
  page.searchParams.delete("_routes");
  const path = url.pathname.slice(0, -dataSuffix.length);
  return (path.endsWith("/_") ? path.slice(0, -1) : path) + page.search;
}

/** Whether data for React Router's scripts says that a loader or an action threw: a status alone may be returned, too. */
async function isErrorInside(response: Response): Promise<boolean> {
  if (response.status < 400 || response.headers.get("content-type") !== "text/x-script") return false;
  const reader = response.clone().body?.getReader();
  if (reader === undefined) return false;
  // Promises in the data follow in later parts.
  const { value } = await reader.read();
  void reader.cancel();
  // In a string of the app, the quotation marks have a backslash.
  return /\["(?:ErrorResponse|SanitizedError)",/.test(new TextDecoder().decode(value));
}
