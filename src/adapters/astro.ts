import type { Exchange } from "../exchange/exchange.ts";
import {
  forbiddenResponse,
  serverErrorResponse,
  toRequestLike,
  unavailableResponse,
  withHeaders,
} from "../exchange/fetch.ts";
import { loginRedirect } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import { MisuseError, StoreError } from "../errors.ts";
import { exchangesOf } from "../sessions.ts";
import type { Sessions } from "../sessions.ts";

/** The part of Astro's `APIContext` that this adapter uses, in Astro 7. */
export interface AstroContext {
  readonly request: Request;
  /** `App.Locals`. The adapter adds `session` to it. */
  readonly locals: object;
  readonly url: URL;
  /** Whether the page is made while the app is built, so that it has no visitor. */
  readonly isPrerendered: boolean;
  readonly routePattern: string;
}

/** What Astro calls as `onRequest`. */
export type AstroMiddleware = (context: AstroContext, next: () => Promise<Response>) => Promise<Response>;

/** The options of {@link astroSessions}. */
export interface AstroSessionsOptions {
  /**
   * Lets Astro stream pages. The session is then written before the components of a page run: only the frontmatter of
   * the page itself can write to it, and if only components read it, caches are not told. Default `false`: a page is
   * sent when all of it is rendered.
   */
  readonly streaming?: boolean;
  /** Returns the response if the store fails when the session is needed. Default: a plain 503 with Retry-After. */
  readonly onUnavailable?: (error: StoreError, context: AstroContext) => Response | Promise<Response>;
  /** Returns the response to a request from another site that could change something. Default: a plain 403. */
  readonly onForbidden?: (context: AstroContext) => Response | Promise<Response>;
}

/**
 * Astro middleware: `export const onRequest = astroSessions(sessions)` in `src/middleware.ts`, or the first of a
 * `sequence`. Adds `Astro.locals.session`: a promise of the session, which the first access loads.
 * `sessions.current()` works, too; in `sessions.of` and `sessions.cookies`, pass `Astro.locals` or `Astro.request`.
 *
 * A handler fails if it throws, if an action ends with an error, or if the response has status 500 or above. Requests
 * from other sites that could change something are refused with 403.
 */
export function astroSessions<Data extends object>(
  sessions: Sessions<Data>,
  options: AstroSessionsOptions = {},
): AstroMiddleware {
  const exchanges = exchangesOf(sessions);
  const { onForbidden = forbiddenResponse, onUnavailable = unavailable, streaming = false } = options;

  return async (context, next) => {
    const { isPrerendered, locals, request } = context;
    if (isPrerendered) {
      addSession(locals, async () => Promise.reject(noVisitor()));
      return next();
    }
    const incoming = toRequestLike(request);
    const outer = exchanges.outer(incoming, [locals, request]);
    if (outer?.isCurrent === true) return next();
    if (!exchanges.allows(incoming)) return onForbidden(context);
    const exchange = exchanges.begin(incoming, [locals, request]);
    addSession(locals, () => exchange.session(false));
    let response: Response;
    try {
      response = await exchange.run(async () => rendered(await next(), streaming));
    } catch (error) {
      return errorPage(error, exchange, context, onUnavailable);
    }
    if (exchange.accessed && isActionError(context, response)) exchange.fail(undefined);
    const { headers, failure } = await exchange.commit({ status: response.status });
    if (failure === undefined) return withHeaders(response, headers);
    if (failure instanceof StoreError) return withHeaders(await onUnavailable(failure, context), headers);
    return withHeaders(serverErrorResponse(failure), headers);
  };
}

/**
 * Middleware that requires a login, for a `sequence` after {@link astroSessions}. Other people are sent to the login
 * page and then back; programs get 401. Actions belong to no page: they must look at the session themselves.
 *
 * @param routes patterns of routes that need a login, each with all routes below it: `"/user"`.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  routes: string | readonly string[],
  options: LoginRedirectOptions = {},
): AstroMiddleware {
  const patterns = [routes].flat();
  return async ({ locals, request, routePattern, url }, next) => {
    const isProtected = patterns.some(
      (pattern) => routePattern === pattern || routePattern.startsWith(`${pattern}/`),
    );
    if (!isProtected || (await sessions.of(locals)).loggedIn) return next();
    return new Response(null, loginRedirect(toRequestLike(request), url.pathname + url.search, options));
  };
}

/** A page as a whole: Astro begins to send it while its components still run. */
async function rendered(response: Response, streaming: boolean): Promise<Response> {
  const isPage = response.headers.get("content-type")?.startsWith("text/html") === true;
  return streaming || !isPage || response.body === null
    ? response
    : new Response(await response.arrayBuffer(), response);
}

/** Commits after an error. Astro responds to it itself, unless a cookie has to be sent. */
async function errorPage<Data extends object>(
  error: unknown,
  exchange: Exchange<Data>,
  context: AstroContext,
  onUnavailable: NonNullable<AstroSessionsOptions["onUnavailable"]>,
): Promise<Response> {
  const { headers } = await exchange.commit("threw");
  if (error instanceof StoreError) return withHeaders(await onUnavailable(error, context), headers);
  if (headers.setCookies.length === 0) throw error;
  // oxlint-disable-next-line no-console -- what Astro does with an error nobody handles
  console.error(error);
  // Astro sends its page for errors instead of an empty one, with these headers.
  return withHeaders(new Response(null, { status: 500 }), headers);
}

/** Whether an action ended with an error. Astro catches it, and responds with its status or renders the page. */
function isActionError({ locals, routePattern }: AstroContext, response: Response): boolean {
  // A call of a script gets the result of the action and nothing else.
  if (routePattern.startsWith("/_actions/")) return response.status >= 400;
  const payload: unknown = Reflect.get(locals, "_actionPayload");
  if (typeof payload !== "object" || payload === null || !("actionResult" in payload)) return false;
  const { actionResult } = payload;
  return (
    typeof actionResult === "object" && actionResult !== null && Reflect.get(actionResult, "type") === "error"
  );
}

/** Adds `session`, which loads nothing until it is used. */
function addSession(locals: object, session: () => Promise<unknown>): void {
  Object.defineProperty(locals, "session", { configurable: true, enumerable: true, get: session });
}

function noVisitor(): MisuseError {
  return new MisuseError(
    "NO_SESSION_HERE",
    "This page is made while the app is built, when there is no visitor. Read the session in a page with `export const prerender = false`.",
  );
}

function unavailable(): Response {
  return unavailableResponse();
}
