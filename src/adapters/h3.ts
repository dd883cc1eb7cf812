import { toRequestLike, forbiddenResponse, unavailableResponse, withHeaders } from "../exchange/fetch.ts";
import { loginRedirect } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import { applyHeaders } from "../http/response-headers.ts";
import type { ResponseHeaders } from "../http/response-headers.ts";
import type { Sessions } from "../sessions.ts";
import { StoreError } from "../errors.ts";
import { exchangesOf } from "../sessions.ts";

/** What this adapter uses of h3's event; h3 2's fits. */
export interface H3Event {
  readonly req: Request;
  /** What h3 adds to the answer; `errHeaders` is what it adds to errors. */
  readonly res: { status?: number; readonly headers: Headers; readonly errHeaders: Headers };
}

/** What this adapter uses of an h3 app; h3 2's fits. */
export interface H3App<Event extends H3Event, Failure> {
  readonly config: { onError?: (error: Failure, event: Event) => unknown };
  use(middleware: (event: Event, next: () => unknown) => unknown): unknown;
}

/** The options of {@link h3Sessions}. */
export interface H3SessionsOptions<Event extends H3Event> {
  /** The answer when the store failed where the session was needed. Default: a bare 503 with Retry-After. */
  readonly onUnavailable?: (event: Event, error: StoreError) => Response | Promise<Response>;
  /** The answer to a request from another site that could change something. Default: a bare 403. */
  readonly onForbidden?: (event: Event) => Response | Promise<Response>;
}

/**
 * h3 plugin: `app.register(h3Sessions(sessions))` before the routes, then `await sessions.of(event)` in
 * any handler. Requests from other sites that could change something are refused with 403.
 *
 * A handler has failed when it threw or returned an error, whatever `onError` answers, or when the
 * answer is 500 or more. A Node handler under `fromNodeHandler` writes past h3: wrap it with `nodeSessions`.
 */
export function h3Sessions<Data extends object, Event extends H3Event = H3Event>(
  sessions: Sessions<Data>,
  options: H3SessionsOptions<Event> = {},
): <Failure>(app: H3App<Event, Failure>) => void {
  const exchanges = exchangesOf(sessions);
  /** What the answer to an error must carry. */
  const owed = new WeakMap<Event, ResponseHeaders>();
  const unavailable = async (event: Event, error: StoreError, headers: ResponseHeaders): Promise<Response> =>
    withHeaders((await options.onUnavailable?.(event, error)) ?? unavailableResponse(), headers);

  return (app) => {
    app.use(async (event, next) => {
      const incoming = toRequestLike(event.req);
      if (exchanges.outer(incoming, [event, event.req])?.isCurrent === true) return next();
      if (!exchanges.allows(incoming)) return (await options.onForbidden?.(event)) ?? forbiddenResponse();
      // Middleware may put another request into the event.
      const exchange = exchanges.begin(incoming, [event, event.req]);
      const { answer, error } = await outcomeOf(() => exchange.run(next));
      const { headers, failure } = await exchange.commit(
        error === undefined ? { status: statusOf(answer, event) } : "threw",
      );
      const cause = error === undefined ? failure : error.thrown;
      if (cause instanceof StoreError) return unavailable(event, cause, headers);
      if (error !== undefined || failure !== undefined) {
        owed.set(event, headers);
        add(headers, event.res.errHeaders, cause);
        throw cause;
      }
      // To a Response that is an error h3 adds only what is meant for errors.
      const isErrorResponse = answer instanceof Response && answer.status >= 400;
      add(headers, isErrorResponse ? event.res.errHeaders : event.res.headers, answer);
      return answer;
    });
    // h3 adds nothing to the Response of an `onError`.
    const { onError } = app.config;
    app.config.onError = async (error, event) => {
      const answer = await onError?.(error, event);
      const headers = owed.get(event);
      if (headers === undefined || answer === undefined) return answer;
      if (answer instanceof Response) return withHeaders(answer, headers);
      add(headers, event.res.headers, answer);
      return answer;
    };
  };
}

/**
 * h3 middleware for what only somebody who is logged in may see: `app.use("/user/**", requireLogin(sessions))`,
 * after `h3Sessions`. Others are sent to the login page and back again; programs get 401.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  options: LoginRedirectOptions = {},
): (event: H3Event, next: () => unknown) => Promise<unknown> {
  return async (event, next) => {
    if ((await sessions.of(event)).loggedIn) return next();
    const { pathname, search } = new URL(event.req.url);
    return new Response(null, loginRedirect(toRequestLike(event.req), pathname + search, options));
  };
}

/** What a handler answered; in h3 an error may be returned as well as thrown. */
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

/** The status that h3 will give to what a handler answered. */
function statusOf(answer: unknown, event: H3Event): number {
  const isResponse =
    answer instanceof Response ||
    (typeof answer === "object" && answer !== null && Symbol.for("h3.HTTPResponse") in answer);
  const own: unknown = isResponse ? Reflect.get(answer, "status") : undefined;
  return typeof own === "number" ? own : (event.res.status ?? 200);
}

/** Adds headers to those that h3 will lay over the answer's own. */
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
