import { assertKnownOptions } from "../runtime/check-options.ts";
import { plainForbidden, plainUnavailable } from "../http/default-responses.ts";
import type { PlainResponse } from "../http/default-responses.ts";
import { bufferResponse } from "../node/buffered-response.ts";
import { assertLoginOptions, loginRedirect } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import { emitInContext, NodeRequestLike, sendPlain } from "../node/messages.ts";
import type { NodeRequest, NodeResponse } from "../node/messages.ts";
import type { Sessions } from "../sessions.ts";
import { StoreError } from "../errors.ts";
import { exchangesOf } from "../sessions.ts";

/** The part of a Koa context that this adapter uses, in Koa 2 and 3. */
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
   * Sends the response if the store fails when the session is needed. Koa may have finished with the context by
   * then, so write to `ctx.res`. Default: a plain 503 with Retry-After.
   */
  readonly onUnavailable?: (ctx: Context, error: StoreError) => unknown;
  /** Sends the response to a request from another site that could change something. Default: a plain 403. */
  readonly onForbidden?: (ctx: Context) => unknown;
}

/**
 * Koa middleware: `app.use(koaSessions(sessions))`, then `await sessions.of(ctx)` in any middleware
 * after it. No byte of a response is sent before the handler's changes are in the store. Requests from
 * other sites that could change something are refused with 403.
 *
 * A handler fails if an error reaches this middleware, or if its response has status 500 or above.
 */
export function koaSessions<Data extends object, Context extends KoaContext = KoaContext>(
  sessions: Sessions<Data>,
  options: KoaSessionsOptions<Context> = {},
): (ctx: Context, next: () => Promise<unknown>) => Promise<void> {
  assertKnownOptions(options, ["onUnavailable", "onForbidden"], "koaSessions");
  const exchanges = exchangesOf(sessions);
  const {
    onUnavailable = (ctx) => sendPlain(ctx.res, plainUnavailable),
    onForbidden = (ctx) => respond(ctx, plainForbidden),
  } = options;
  return async (ctx, next) => {
    const incoming = new NodeRequestLike(ctx.req, ctx.originalUrl);
    if (exchanges.outer(incoming, [ctx.req]) !== undefined) {
      await next();
      return;
    }
    if (!exchanges.allows(incoming)) {
      await onForbidden(ctx);
      return;
    }
    const exchange = exchanges.begin(incoming, [ctx.req]);
    emitInContext(ctx.req, (work) => exchange.run(work));
    const buffered = bufferResponse(ctx.res, exchange, async (failure) => {
      if (failure instanceof StoreError) await onUnavailable(ctx, failure);
      else ctx.onerror(failure);
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
 * Koa middleware that requires a login: `router.use("/user", requireLogin(sessions))`, after `koaSessions`.
 * Other people are sent to the login page and then back; programs get 401.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  options: LoginRedirectOptions = {},
): (ctx: KoaContext & { readonly originalUrl: string }, next: () => Promise<unknown>) => Promise<void> {
  assertLoginOptions(options);
  return async (ctx, next) => {
    if ((await sessions.of(ctx)).loggedIn) await next();
    else respond(ctx, loginRedirect(new NodeRequestLike(ctx.req), ctx.originalUrl, options));
  };
}

function respond(ctx: KoaContext, { status, headers, body }: PlainResponse): void {
  ctx.status = status;
  ctx.set({ ...headers });
  ctx.body = body;
}
