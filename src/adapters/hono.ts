import { isThenable } from "../runtime/maybe-promise.ts";
import { StoreError } from "../errors.ts";
import { toRequestLike, forbiddenResponse, unavailableResponse, withHeaders } from "../exchange/fetch.ts";
import { loginRedirect } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import type { Sessions } from "../sessions.ts";
import { exchangesOf } from "../sessions.ts";

/** What this adapter uses of Hono's context; Hono 4's fits, and 3's. */
export interface HonoContext {
  readonly req: { readonly raw: Request };
  get res(): Response;
  set res(response: Response | undefined);
  readonly error: Error | undefined;
}

/** The options of {@link honoSessions}. */
export interface HonoSessionsOptions<Context extends HonoContext> {
  /** The answer when the store failed where the session was needed. Default: a bare 503 with Retry-After. */
  readonly onUnavailable?: (context: Context, error: StoreError) => Response | Promise<Response>;
  /** The answer to a request from another site that could change something. Default: a bare 403. */
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
    // Middleware may put another request into the context.
    const exchange = exchanges.begin(incoming, [c, c.req.raw]);
    // Hono catches what handlers throw, lets the app's onError answer, and leaves the error here.
    await exchange.run(next);
    const { error } = c;
    let response = c.res;
    if (error instanceof StoreError && response.status !== 503) response = await unavailable(c, error);
    const settled = exchange.commit(error === undefined ? { status: response.status } : "threw");
    const { headers, failure } = isThenable(settled) ? await settled : settled;
    if (failure instanceof StoreError) response = await unavailable(c, failure);
    // Hono copies the headers of the response it holds into one that takes its place.
    const hold = (held: Response): void => {
      c.res = undefined;
      c.res = held;
    };
    if (failure !== undefined && !(failure instanceof StoreError)) {
      // The app's onError answers; the cookie of a login that came before is waiting for it here.
      hold(withHeaders(new Response(null), headers));
      throw failure; // oxlint-disable-line typescript/only-throw-error -- passed on as it came
    }
    try {
      const finished = withHeaders(response, headers);
      if (finished !== c.res) hold(finished);
    } catch (error_) {
      // Middleware around this, as hono/timeout, was out of patience: its answer is on its way already.
      if (!response.bodyUsed && response.body?.locked !== true) throw error_;
    }
    return undefined;
  };
}

/**
 * Hono middleware for what only somebody who is logged in may see: `app.use("/user/*", requireLogin(sessions))`,
 * after `honoSessions`. Others are sent to the login page and back again; programs get 401.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  options: LoginRedirectOptions = {},
): (c: HonoContext, next: () => Promise<void>) => Promise<Response | undefined> {
  return async (c, next) => {
    if (!(await sessions.of(c)).loggedIn) {
      const { pathname, search } = new URL(c.req.raw.url);
      return new Response(null, loginRedirect(toRequestLike(c.req.raw), pathname + search, options));
    }
    await next();
    return undefined;
  };
}
