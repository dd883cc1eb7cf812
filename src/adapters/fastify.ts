import { plainServerError, plainForbidden, plainUnavailable } from "../http/default-responses.ts";
import { bufferResponse } from "../node/buffered-response.ts";
import { loginRedirect } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import { emitInContext, NodeRequestLike, sendPlain } from "../node/messages.ts";
import type { NodeRequest, NodeResponse } from "../node/messages.ts";
import type { Sessions } from "../sessions.ts";
import { StoreError } from "../errors.ts";
import { exchangesOf } from "../sessions.ts";

/** What this adapter uses of Fastify's request; Fastify 5's fits, and 4's. */
export interface FastifyRequest {
  readonly raw: NodeRequest & object;
  readonly log: { error(error: unknown): void };
}

/** What this adapter uses of Fastify's reply; Fastify 5's fits, and 4's. */
export interface FastifyReply {
  readonly raw: NodeResponse;
  code(status: number): unknown;
  headers(headers: Record<string, string>): unknown;
  send(payload: unknown): unknown;
}

type Next = (error?: Error) => void;

/** What this adapter uses of a Fastify app; Fastify 5's fits, and 4's. */
export interface FastifyApp {
  addHook(
    name: "onRequest",
    hook: (request: FastifyRequest, reply: FastifyReply, next: Next) => void,
  ): unknown;
  addHook(
    name: "onError",
    hook: (request: FastifyRequest, reply: FastifyReply, error: Error, next: Next) => void,
  ): unknown;
}

/** The options of {@link fastifySessions}. */
export interface FastifySessionsOptions {
  /**
   * The answer when the store failed where the session was needed; Fastify is done with the reply, so
   * write to `reply.raw`. Default: a bare 503 with Retry-After.
   */
  readonly onUnavailable?: (error: StoreError, request: FastifyRequest, reply: FastifyReply) => unknown;
  /** The answer to a request from another site that could change something. Default: a bare 403. */
  readonly onForbidden?: (request: FastifyRequest, reply: FastifyReply) => unknown;
}

/**
 * Fastify plugin: `app.register(fastifySessions(sessions))`, then `await sessions.of(request)` in any
 * handler of the app, wherever it is registered. No byte of an answer leaves before what its handler did
 * is in the store, `reply.hijack()` and `reply.raw` included. Requests from other sites that could change
 * something are refused with 403.
 *
 * A handler has failed when it threw (or sent an error), whatever its error handler answers, or when
 * the answer is 500 or more.
 */
export function fastifySessions<Data extends object>(
  sessions: Sessions<Data>,
  options: FastifySessionsOptions = {},
): (app: FastifyApp, pluginOptions: unknown, done: () => void) => void {
  const exchanges = exchangesOf(sessions);
  const answer = async (failure: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (!(failure instanceof StoreError)) {
      request.log.error(failure);
      sendPlain(reply.raw, plainServerError);
    } else if (options.onUnavailable === undefined) sendPlain(reply.raw, plainUnavailable);
    else await options.onUnavailable(failure, request, reply);
  };

  const refuse = async (request: FastifyRequest, reply: FastifyReply, next: Next): Promise<void> => {
    try {
      if (options.onForbidden !== undefined) {
        await options.onForbidden(request, reply);
        return;
      }
      reply.code(plainForbidden.status);
      reply.headers({ ...plainForbidden.headers });
      reply.send(plainForbidden.body);
    } catch (error) {
      next(error instanceof Error ? error : new Error("onForbidden() failed.", { cause: error }));
    }
  };

  const plugin = (app: FastifyApp, _: unknown, done: () => void): void => {
    app.addHook("onRequest", (request, reply, next) => {
      const incoming = new NodeRequestLike(request.raw);
      if (exchanges.outer(incoming, [request.raw]) !== undefined) {
        next();
        return;
      }
      if (!exchanges.allows(incoming)) {
        void refuse(request, reply, next);
        return;
      }
      const exchange = exchanges.begin(incoming, [request.raw]);
      emitInContext(request.raw, (work) => exchange.run(work));
      bufferResponse(reply.raw, exchange, (failure) => answer(failure, request, reply));
      exchange.run(next);
    });
    app.addHook("onError", (request, _reply, error, next) => {
      exchanges.fail(request, error);
      next();
    });
    done();
  };
  // What `fastify-plugin` sets: the hooks are for the app that registers this, not for a scope of their own.
  return Object.assign(plugin, {
    [Symbol.for("skip-override")]: true,
    [Symbol.for("fastify.display-name")]: "coatcheck",
    [Symbol.for("plugin-meta")]: { name: "coatcheck", fastify: ">=4" },
  });
}

/**
 * Fastify hook for what only somebody who is logged in may see: `app.addHook("preHandler", requireLogin(sessions))`
 * in a scope, or `preHandler` of a route. Others are sent to the login page and back again; programs get 401.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  options: LoginRedirectOptions = {},
): (request: FastifyRequest & { readonly url: string }, reply: FastifyReply) => Promise<void> {
  return async (request, reply) => {
    if ((await sessions.of(request)).loggedIn) return;
    const { status, headers } = loginRedirect(new NodeRequestLike(request.raw), request.url, options);
    reply.code(status);
    reply.headers({ ...headers });
    reply.send("");
  };
}
