import { assertKnownOptions } from "../runtime/check-options.ts";
import {
  forbiddenResponse,
  loginResponse,
  toRequestLike,
  unavailableResponse,
  withHeaders,
} from "../exchange/fetch.ts";
import { assertLoginOptions } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import { applyHeaders } from "../http/response-headers.ts";
import type { ResponseHeaders } from "../http/response-headers.ts";
import type { Sessions } from "../sessions.ts";
import { StoreError } from "../errors.ts";
import { exchangesOf } from "../sessions.ts";

/** The part of an h3 event that this adapter uses, in h3 2. */
export interface H3Event {
  readonly req: Request;
  /** What h3 adds to a response. `errHeaders` are added to errors. */
  readonly res: { status?: number; readonly headers: Headers; readonly errHeaders: Headers };
}

/** The part of an h3 app that this adapter uses, in h3 2. */
export interface H3App<Event extends H3Event, Failure> {
  readonly config: { onError?: (error: Failure, event: Event) => unknown };
  use(middleware: (event: Event, next: () => unknown) => unknown): unknown;
}

/** The options of {@link h3Sessions}. */
export interface H3SessionsOptions<Event extends H3Event> {
  /** Returns the response if the store fails when the session is needed. Default: a plain 503 with Retry-After. */
  readonly onUnavailable?: (event: Event, error: StoreError) => Response | Promise<Response>;
  /** Returns the response to a request from another site that could change something. Default: a plain 403. */
  readonly onForbidden?: (event: Event) => Response | Promise<Response>;
}

/**
 * h3 plugin: `app.register(h3Sessions(sessions))` before the routes, then `await sessions.of(event)` in
 * any handler. Requests from other sites that could change something are refused with 403.
 *
 * A handler fails if it throws or returns an error, whatever the response of `onError`, or if its response has
 * status 500 or above. A Node handler in `fromNodeHandler` bypasses h3: wrap it with `nodeSessions`.
 */
export function h3Sessions<Data extends object, Event extends H3Event = H3Event>(
  sessions: Sessions<Data>,
  options: H3SessionsOptions<Event> = {},
): <Failure>(app: H3App<Event, Failure>) => void {
  assertKnownOptions(options, ["onUnavailable", "onForbidden"], "h3Sessions");
  const exchanges = exchangesOf(sessions);
  /** The headers that the response to an error must carry. */
  const errorHeaders = new WeakMap<Event, ResponseHeaders>();
  const unavailable = async (event: Event, error: StoreError, headers: ResponseHeaders): Promise<Response> =>
    withHeaders((await options.onUnavailable?.(event, error)) ?? unavailableResponse(), headers);

  return (app) => {
    app.use(async (event, next) => {
      const incoming = toRequestLike(event.req);
      if (exchanges.outer(incoming, [event, event.req])?.isCurrent === true) return next();
      if (!exchanges.allows(incoming)) return (await options.onForbidden?.(event)) ?? forbiddenResponse();
      // Both, since middleware may replace the request in the event.
      const exchange = exchanges.begin(incoming, [event, event.req]);
      const { answer, error } = await outcomeOf(() => exchange.run(next));
      const { headers, failure } = await exchange.commit(
        error === undefined ? { status: statusOf(answer, event) } : "threw",
      );
      const cause = error === undefined ? failure : error.thrown;
      if (cause instanceof StoreError) return unavailable(event, cause, headers);
      if (error !== undefined || failure !== undefined) {
        errorHeaders.set(event, headers);
        add(headers, event.res.errHeaders, cause);
        throw cause;
      }
      // h3 adds only `errHeaders` to a Response that is an error.
      const isErrorResponse = answer instanceof Response && answer.status >= 400;
      add(headers, isErrorResponse ? event.res.errHeaders : event.res.headers, answer);
      return answer;
    });
    // h3 adds no headers to a Response that `onError` returns.
    const { onError } = app.config;
    app.config.onError = async (error, event) => {
      const answer = await onError?.(error, event);
      const headers = errorHeaders.get(event);
      if (headers === undefined || answer === undefined) return answer;
      if (answer instanceof Response) return withHeaders(answer, headers);
      add(headers, event.res.headers, answer);
      return answer;
    };
  };
}

/**
 * h3 middleware that requires a login: `app.use("/user/**", requireLogin(sessions))`, after `h3Sessions`.
 * Other people are sent to the login page and then back; programs get 401.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  options: LoginRedirectOptions = {},
): (event: H3Event, next: () => unknown) => Promise<unknown> {
  assertLoginOptions(options);
  return async (event, next) => {
    const { loggedIn } = await sessions.of(event);
    return loggedIn ? next() : loginResponse(event.req, options);
  };
}

/** The result of a handler. In h3, an error may be returned as well as thrown. */
async function outcomeOf(
  handler: () => unknown,
): Promise<{ readonly answer?: unknown; readonly error?: { readonly thrown: unknown } }> {
  try {
    const answer = await handler();
    return answer instanceof Error ? { error: { thrown: answer } } : { answer };
  } catch (thrown) {
    return { error: { thrown } };
  }
}

/** The status that h3 will give to the result of a handler. */
function statusOf(answer: unknown, event: H3Event): number {
  const isResponse =
    answer instanceof Response ||
    (typeof answer === "object" && answer !== null && Symbol.for("h3.HTTPResponse") in answer);
  const own: unknown = isResponse ? Reflect.get(answer, "status") : undefined;
  return typeof own === "number" ? own : (event.res.status ?? 200);
}

/** Adds headers to those with which h3 will override the response's own. */
function add(headers: ResponseHeaders, over: Headers, answer: unknown): void {
  const own: unknown =
    typeof answer === "object" && answer !== null ? Reflect.get(answer, "headers") : undefined;
  applyHeaders(
    {
      get: (name) => over.get(name) ?? (own instanceof Headers ? own.get(name) : null),
      set: (name, value) => over.set(name, value),
      append: (name, value) => over.append(name, value),
    },
    headers,
  );
}
