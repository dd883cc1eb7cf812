import { assertKnownOptions } from "../runtime/check-options.ts";
import { isThenable } from "../runtime/maybe-promise.ts";
import { StoreError } from "../errors.ts";
import {
  forbiddenResponse,
  loginResponse,
  toRequestLike,
  unavailableResponse,
  withHeaders,
} from "../exchange/fetch.ts";
import { assertLoginOptions } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import type { Sessions } from "../sessions.ts";
import { exchangesOf } from "../sessions.ts";

/** The part of a Hono context that this adapter uses, in Hono 3 and 4. */
export interface HonoContext {
  readonly req: { readonly raw: Request };
  get res(): Response;
  set res(response: Response | undefined);
  readonly error: Error | undefined;
}

/** The options of {@link honoSessions}. */
export interface HonoSessionsOptions<Context extends HonoContext> {
  /** Returns the response if the store fails when the session is needed. Default: a plain 503 with Retry-After. */
  readonly onUnavailable?: (context: Context, error: StoreError) => Response | Promise<Response>;
  /** Returns the response to a request from another site that could change something. Default: a plain 403. */
  readonly onForbidden?: (context: Context) => Response | Promise<Response>;
}

/**
 * Hono middleware: `app.use(honoSessions(sessions))`, then `await sessions.of(c)` in any handler after it.
 * Requests from other sites that could change something are refused with 403.
 */
export function honoSessions<Data extends object, Context extends HonoContext = HonoContext>(
  sessions: Sessions<Data>,
  options: HonoSessionsOptions<Context> = {},
): (c: Context, next: () => Promise<void>) => Promise<Response | undefined> {
  assertKnownOptions(options, ["onUnavailable", "onForbidden"], "honoSessions");
  const exchanges = exchangesOf(sessions);
  const unavailable = async (c: Context, error: StoreError): Promise<Response> =>
    (await options.onUnavailable?.(c, error)) ?? unavailableResponse();

  return async (c, next) => {
    const incoming = toRequestLike(c.req.raw);
    if (exchanges.outer(incoming, [c, c.req.raw])?.isCurrent === true) {
      await next();
      return undefined;
    }
    if (!exchanges.allows(incoming)) return (await options.onForbidden?.(c)) ?? forbiddenResponse();
    // Both, since middleware may replace the request in the context.
    const exchange = exchanges.begin(incoming, [c, c.req.raw]);
    // Hono catches what handlers throw, calls the app's `onError`, and leaves the error in `c.error`.
    await exchange.run(next);
    const { error } = c;
    let response = c.res;
    if (error instanceof StoreError && response.status !== 503) response = await unavailable(c, error);
    const committed = exchange.commit(error === undefined ? { status: response.status } : "threw");
    const { headers, failure } = isThenable(committed) ? await committed : committed;
    if (failure instanceof StoreError) response = await unavailable(c, failure);
    // Cleared first, since Hono copies the headers of the current response into its replacement.
    const replaceResponse = (replacement: Response): void => {
      c.res = undefined;
      c.res = replacement;
    };
    if (failure !== undefined && !(failure instanceof StoreError)) {
      // The app's `onError` will respond. Hono adds these headers, which may contain the cookie of a login.
      replaceResponse(withHeaders(new Response(null), headers));
      throw failure; // oxlint-disable-line typescript/only-throw-error -- passed on as it came
    }
    try {
      const finished = withHeaders(response, headers);
      if (finished !== c.res) replaceResponse(finished);
    } catch (error_) {
      // Outer middleware, such as hono/timeout, has already sent its own response.
      if (!response.bodyUsed && response.body?.locked !== true) throw error_;
    }
    return undefined;
  };
}

/**
 * Hono middleware that requires a login: `app.use("/user/*", requireLogin(sessions))`, after `honoSessions`.
 * Other people are sent to the login page and then back; programs get 401.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  options: LoginRedirectOptions = {},
): (c: HonoContext, next: () => Promise<void>) => Promise<Response | undefined> {
  assertLoginOptions(options);
  return async (c, next) => {
    if (!(await sessions.of(c)).loggedIn) return loginResponse(c.req.raw, options);
    await next();
    return undefined;
  };
}
