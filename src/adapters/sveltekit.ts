import type { Exchange } from "../exchange/exchange.ts";
import {
  forbiddenResponse,
  serverErrorResponse,
  toRequestLike,
  unavailableResponse,
  withHeaders,
} from "../exchange/fetch.ts";
import { parseCookieHeader } from "../cookies/parse.ts";
import { loginRedirect } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import type { RequestLike } from "../http/request.ts";
import { MisuseError, StoreError } from "../errors.ts";
import { exchangesOf } from "../sessions.ts";
import type { Sessions } from "../sessions.ts";

/** The part of a SvelteKit `RequestEvent` that this adapter uses, in SvelteKit 2 and 3. */
export interface SvelteKitEvent {
  readonly request: Request;
  /** `App.Locals`. The adapter adds `session` to it. */
  readonly locals: object;
  /** Without the `__data.json` of data requests. */
  readonly url: URL;
  readonly route: { readonly id: string | null };
  readonly isDataRequest: boolean;
  readonly isSubRequest: boolean;
  readonly isRemoteRequest?: boolean;
}

/** What SvelteKit passes to a `handle` hook. */
export interface SvelteKitHandleInput<Event extends SvelteKitEvent> {
  readonly event: Event;
  resolve(this: void, event: Event): Response | Promise<Response>;
}

/** What SvelteKit passes to `handleError`. `kind` is new in SvelteKit 3; SvelteKit 2 passes a `status`. */
export interface SvelteKitErrorInput {
  readonly error: unknown;
  readonly event: { readonly locals: object };
  readonly kind?: string;
  readonly status?: number;
}

/** The options of {@link svelteKitSessions}. */
export interface SvelteKitSessionsOptions<Event extends SvelteKitEvent> {
  /** From `$app/env` (in SvelteKit 2 `$app/environment`). While the app is built, pages have no visitor, and `locals.session` rejects. */
  readonly building: boolean;
  /** Returns the response if the store fails when the session is needed. Default: a plain 503 with Retry-After. */
  readonly onUnavailable?: (error: StoreError, event: Event) => Response | Promise<Response>;
  /** Returns the response to a request from another site that could change something. Default: a plain 403. */
  readonly onForbidden?: (event: Event) => Response | Promise<Response>;
}

/**
 * The `handle` hook of SvelteKit: `export const handle = svelteKitSessions(sessions, { building })` in
 * `src/hooks.server.ts`, or the first of a `sequence`. Adds `locals.session` to each event: a promise of its session,
 * which the first access loads. `sessions.current()` works, too; in `sessions.of` and `sessions.cookies`, pass
 * `event.locals` or `event.request`, because SvelteKit copies events.
 *
 * A handler fails if it throws, with {@link svelteKitErrors}, or if the response has status 500 or above.
 * `event.fetch` to a route of the same app shares the session of the outer request. Requests from other sites that
 * could change something are refused with 403.
 */
export function svelteKitSessions<Data extends object, Event extends SvelteKitEvent = SvelteKitEvent>(
  sessions: Sessions<Data>,
  options: SvelteKitSessionsOptions<Event>,
): (input: SvelteKitHandleInput<Event>) => Promise<Response> {
  const exchanges = exchangesOf(sessions);
  const errorResponse = async (error: unknown, event: Event): Promise<Response> => {
    if (error instanceof StoreError)
      return (await options.onUnavailable?.(error, event)) ?? unavailableResponse();
    return serverErrorResponse(error);
  };

  return async ({ event, resolve }) => {
    const { locals, request } = event;
    if (options.building) {
      addSession(locals, async () => Promise.reject(noVisitor()));
      return resolve(event);
    }
    const incoming = event.isSubRequest ? new SubRequestLike(request) : toRequestLike(request);
    const outer = exchanges.outer(incoming, [locals, request]) ?? runningPage(exchanges.current, incoming);
    if (outer !== undefined) {
      exchanges.share(outer, [locals, request]);
      addSession(locals, () => outer.session(false));
      return resolve(event);
    }
    if (!exchanges.allows(incoming)) return (await options.onForbidden?.(event)) ?? forbiddenResponse();
    const exchange = exchanges.begin(incoming, [locals, request]);
    addSession(locals, () => exchange.session(false));
    let response: Response;
    try {
      response = await exchange.run(async () => resolve(event));
    } catch (error) {
      // A later hook threw: SvelteKit answers errors of handlers itself.
      const redirect = redirectOf(error, event);
      const { headers, failure } = await exchange.commit(redirect === undefined ? "threw" : { status: 303 });
      const cause = redirect === undefined ? error : failure;
      if (cause === undefined && redirect !== undefined) return withHeaders(redirect, headers);
      // SvelteKit's own error page would be sent without the cookie of a login.
      if (!(cause instanceof StoreError) && redirect === undefined && headers.setCookies.length === 0)
        throw error;
      return withHeaders(await errorResponse(cause, event), headers);
    }
    const isRedirect = exchange.accessed && (await isRedirectInside(response, event));
    const { headers, failure } = await exchange.commit({ status: isRedirect ? 303 : response.status });
    return withHeaders(failure === undefined ? response : await errorResponse(failure, event), headers);
  };
}

/**
 * The `handleError` hook of SvelteKit: `export const handleError = svelteKitErrors(sessions)`. A handler that threw
 * has then failed, whatever the status of the response. SvelteKit 3 passes every error to this hook; SvelteKit 2 passes
 * none of those that were made by `error()`.
 *
 * @param handleError the app's own hook, called afterwards. Default: prints errors that nobody expected, as SvelteKit
 *   does.
 */
export function svelteKitErrors<
  Data extends object,
  Input extends SvelteKitErrorInput = SvelteKitErrorInput,
  ShownError = undefined,
>(
  sessions: Sessions<Data>,
  handleError?: (input: Input) => ShownError,
): (input: Input) => ShownError | undefined {
  return (input) => {
    sessions.fail(input.error, input.event.locals);
    if (handleError !== undefined) return handleError(input);
    const isUnexpected = input.kind === "unknown" || (input.kind === undefined && input.status !== 404);
    // oxlint-disable-next-line no-console -- what SvelteKit does without a hook
    if (isUnexpected) console.error(input.error);
    return undefined;
  };
}

/**
 * A `handle` hook that requires a login, for a `sequence` after {@link svelteKitSessions}. Other people are sent to
 * the login page and then back; programs get 401. Remote functions belong to no route: they must look at the session
 * themselves.
 *
 * @param routes the ids of routes that need a login, each with all routes below it: `"/user"`, `"/(members)"`.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  routes: string | readonly string[],
  options: LoginRedirectOptions = {},
): <Event extends SvelteKitEvent>(input: SvelteKitHandleInput<Event>) => Promise<Response> {
  const protectedIds = [routes].flat();
  return async ({ event, resolve }) => {
    const { locals, request, route, url } = event;
    const isProtected = protectedIds.some((id) => route.id === id || route.id?.startsWith(`${id}/`) === true);
    if (!isProtected || (await sessions.of(locals)).loggedIn) return resolve(event);
    // SvelteKit's scripts accept no HTML, but a person waits for the page.
    const asPage = isFromScript(event);
    const own = toRequestLike(request);
    const header: RequestLike["header"] = (name) =>
      asPage && name === "accept" ? "text/html" : own.header(name);
    const { status, headers } = loginRedirect(
      { method: own.method, header },
      url.pathname + url.search,
      options,
    );
    const { location } = headers;
    return asPage && location !== undefined
      ? redirectInside(location)
      : new Response(null, { status, headers });
  };
}

/** A request of the server to itself, by `event.fetch`. */
class SubRequestLike implements RequestLike {
  readonly #own: RequestLike;

  constructor(request: Request) {
    this.#own = toRequestLike(request);
  }

  get method(): string {
    return this.#own.method;
  }

  get path(): string | undefined {
    return this.#own.path;
  }

  header(name: string): string | null | undefined {
    return this.#own.header(name);
  }

  /** SvelteKit passes the visitor's cookies on, unless the caller has other ones in mind. */
  isDerivedFrom(outer: RequestLike): boolean {
    const [own, other] = [this, outer].map((request) => parseCookieHeader(request.header("cookie") ?? ""));
    return [...(other ?? [])].every(([name, [value]]) => own?.get(name)?.[0] === value);
  }
}

/**
 * The exchange of a page that still streams and sends a request to its own server. It is committed: the session can be
 * read, and no cookie can be sent any more.
 */
function runningPage<Data extends object>(
  current: Exchange<Data> | undefined,
  incoming: RequestLike,
): Exchange<Data> | undefined {
  return current !== undefined && incoming.isDerivedFrom?.(current.request) === true ? current : undefined;
}

/** Adds `session`, which loads nothing until it is used. */
function addSession(locals: object, session: () => Promise<unknown>): void {
  Object.defineProperty(locals, "session", { configurable: true, enumerable: false, get: session });
}

function noVisitor(): MisuseError {
  return new MisuseError(
    "NO_SESSION_HERE",
    "This page is made while the app is built, when there is no visitor. Read the session in a page or layout that is not prerendered.",
  );
}

/** The response to a redirect that a hook threw, or `undefined` for an error. */
function redirectOf(error: unknown, event: SvelteKitEvent): Response | undefined {
  if (typeof error !== "object" || error === null || error instanceof Error) return undefined;
  if (!("status" in error && "location" in error)) return undefined;
  const { location, status } = error;
  if (typeof location !== "string" || typeof status !== "number" || status < 300 || status > 399)
    return undefined;
  return isFromScript(event)
    ? redirectInside(location, status)
    : new Response(null, { status, headers: { location } });
}

/** Whether SvelteKit's scripts in the browser have sent this request: they follow redirects themselves. */
function isFromScript({ isDataRequest, isRemoteRequest, request }: SvelteKitEvent): boolean {
  return isDataRequest || isRemoteRequest === true || request.headers.has("x-sveltekit-action");
}

/** A redirect in the form that SvelteKit's scripts expect. */
function redirectInside(location: string, status = 303): Response {
  return Response.json(
    { type: "redirect", status, location },
    { headers: { "cache-control": "private, no-store" } },
  );
}

/** Whether a response is a redirect for SvelteKit's scripts: nobody sees its messages. */
async function isRedirectInside(response: Response, event: SvelteKitEvent): Promise<boolean> {
  if (!isFromScript(event) || response.headers.get("content-type") !== "application/json") return false;
  const text = await response.clone().text();
  return text.startsWith('{"type":"redirect"');
}
