import { plainForbidden, plainUnavailable } from "../http/default-responses.ts";
import { bufferResponse } from "../node/buffered-response.ts";
import { loginRedirect } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import { emitInContext, NodeRequestLike, sendPlain } from "../node/messages.ts";
import type { NodeRequest, NodeResponse } from "../node/messages.ts";
import type { Sessions } from "../sessions.ts";
import { StoreError } from "../errors.ts";
import { exchangesOf } from "../sessions.ts";

/** What this adapter uses of Koa's context; Koa 3's fits, and 2's. */
export interface KoaContext {
  readonly req: NodeRequest;
  readonly res: NodeResponse;
  readonly request: object;
  readonly originalUrl?: string;
  status: number;
  body: unknown;
  set(headers: Record<string, string>): void;
  onerror(error: unknown): void;
}

/** The options of {@link koaSessions}. */
export interface KoaSessionsOptions<Context extends KoaContext> {
  /**
   * The answer when the store failed where the session was needed; Koa may be done with the context,
   * so write to `ctx.res`. Default: a bare 503 with Retry-After.
   */
  readonly onUnavailable?: (ctx: Context, error: StoreError) => unknown;
  /** The answer to a request from another site that could change something. Default: a bare 403. */
  readonly onForbidden?: (ctx: Context) => unknown;
}

/**
 * Koa middleware: `app.use(koaSessions(sessions))`, then `await sessions.of(ctx)` in any middleware
 * after it. No byte of an answer leaves before what its handler did is in the store. Requests from
 * other sites that could change something are refused with 403.
 *
 * A handler has failed when an error comes up to this middleware, or the answer is 500 or more.
 */
export function koaSessions<Data extends object, Context extends KoaContext = KoaContext>(
  sessions: Sessions<Data>,
  options: KoaSessionsOptions<Context> = {},
): (ctx: Context, next: () => Promise<unknown>) => Promise<void> {
  const exchanges = exchangesOf(sessions);
  return async (ctx, next) => {
    const incoming = new NodeRequestLike(ctx.req, ctx.originalUrl);
    if (exchanges.outer(incoming, [ctx.req]) !== undefined) {
      await next();
      return;
    }
    if (!exchanges.allows(incoming)) {
      if (options.onForbidden !== undefined) await options.onForbidden(ctx);
      else {
        ctx.status = plainForbidden.status;
        ctx.set({ ...plainForbidden.headers });
        ctx.body = plainForbidden.body;
      }
      return;
    }
    const exchange = exchanges.begin(incoming, [ctx.req]);
    emitInContext(ctx.req, (work) => exchange.run(work));
    const buffered = bufferResponse(ctx.res, exchange, async (failure) => {
      if (!(failure instanceof StoreError)) ctx.onerror(failure);
      else if (options.onUnavailable === undefined) sendPlain(ctx.res, plainUnavailable);
      else await options.onUnavailable(ctx, failure);
    });
    try {
      await exchange.run(next);
    } catch (error) {
      exchange.fail(error);
      buffered.reset();
      throw error;
    }
  };
}

/**
 * Koa middleware for what only somebody who is logged in may see: `router.use("/user", requireLogin(sessions))`,
 * after `koaSessions`. Others are sent to the login page and back again; programs get 401.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  options: LoginRedirectOptions = {},
): (ctx: KoaContext & { readonly originalUrl: string }, next: () => Promise<unknown>) => Promise<void> {
  return async (ctx, next) => {
    if ((await sessions.of(ctx)).loggedIn) {
      await next();
      return;
    }
    const { status, headers } = loginRedirect(new NodeRequestLike(ctx.req), ctx.originalUrl, options);
    ctx.status = status;
    ctx.set({ ...headers });
    ctx.body = "";
  };
}
