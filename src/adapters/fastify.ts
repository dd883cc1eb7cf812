import { assertKnownOptions } from "../runtime/check-options.ts";
import { plainServerError, plainForbidden, plainUnavailable } from "../http/default-responses.ts";
import type { PlainResponse } from "../http/default-responses.ts";
import { bufferResponse } from "../node/buffered-response.ts";
import { assertLoginOptions, loginRedirect } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import { emitInContext, NodeRequestLike, sendPlain } from "../node/messages.ts";
import type { NodeRequest, NodeResponse } from "../node/messages.ts";
import type { Sessions } from "../sessions.ts";
import { StoreError } from "../errors.ts";
import { exchangesOf } from "../sessions.ts";

/** The part of a Fastify request that this adapter uses, in Fastify 4 and 5. */
export interface FastifyRequest {
  readonly raw: NodeRequest & object;
  readonly log: { error(error: unknown): void };
}

/** The part of a Fastify reply that this adapter uses, in Fastify 4 and 5. */
export interface FastifyReply {
  readonly raw: NodeResponse;
  code(status: number): unknown;
  headers(headers: Record<string, string>): unknown;
  send(payload: unknown): unknown;
}

/** What a hook or a plugin calls when it has finished. */
export type FastifyDone = (error?: Error) => void;

/** The part of a Fastify app that this adapter uses, in Fastify 4 and 5. */
export interface FastifyApp {
  addHook(
    name: "onRequest",
    hook: (request: FastifyRequest, reply: FastifyReply, next: FastifyDone) => void,
  ): unknown;
  addHook(
    name: "onError",
    hook: (request: FastifyRequest, reply: FastifyReply, error: Error, next: FastifyDone) => void,
  ): unknown;
}

/** The options of {@link fastifySessions}. */
export interface FastifySessionsOptions {
  /**
   * Sends the response if the store fails when the session is needed. Fastify has finished the reply by then,
   * so write to `reply.raw`. Default: a plain 503 with Retry-After.
   */
  readonly onUnavailable?: (error: StoreError, request: FastifyRequest, reply: FastifyReply) => unknown;
  /** Sends the response to a request from another site that could change something. Default: a plain 403. */
  readonly onForbidden?: (request: FastifyRequest, reply: FastifyReply) => unknown;
}

/**
 * Fastify plugin: `app.register(fastifySessions(sessions))`, then `await sessions.of(request)` in any
 * handler of the app, wherever it is registered. No byte of a response is sent before the handler's changes
 * are in the store, even with `reply.hijack()` and `reply.raw`. Requests from other sites that could change
 * something are refused with 403.
 *
 * A handler fails if it throws or sends an error, whatever the error handler's response, or if its response
 * has status 500 or above.
 */
export function fastifySessions<Data extends object>(
  sessions: Sessions<Data>,
  options: FastifySessionsOptions = {},
): (app: FastifyApp, pluginOptions: unknown, done: FastifyDone) => void {
  assertKnownOptions(options, ["onUnavailable", "onForbidden"], "fastifySessions");
  const exchanges = exchangesOf(sessions);
  const {
    onUnavailable = (_error, _request, reply) => sendPlain(reply.raw, plainUnavailable),
    onForbidden = (_request, reply) => send(reply, plainForbidden),
  } = options;
  const sendError = async (failure: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (failure instanceof StoreError) {
      await onUnavailable(failure, request, reply);
      return;
    }
    request.log.error(failure);
    sendPlain(reply.raw, plainServerError);
  };

  const refuse = async (request: FastifyRequest, reply: FastifyReply, next: FastifyDone): Promise<void> => {
    try {
      await onForbidden(request, reply);
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
      bufferResponse(reply.raw, exchange, (failure) => sendError(failure, request, reply));
      exchange.run(next);
    });
    app.addHook("onError", (request, _reply, error, next) => {
      exchanges.fail(request, error);
      next();
    });
    done();
  };
  // The properties that `fastify-plugin` sets, so that the hooks apply to the whole app that registers the plugin.
  return Object.assign(plugin, {
    [Symbol.for("skip-override")]: true,
    [Symbol.for("fastify.display-name")]: "coatcheck",
    [Symbol.for("plugin-meta")]: { name: "coatcheck", fastify: ">=4" },
  });
}

/**
 * Fastify hook that requires a login: `app.addHook("preHandler", requireLogin(sessions))` in a scope, or the
 * `preHandler` of a route. Other people are sent to the login page and then back; programs get 401.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  options: LoginRedirectOptions = {},
): (request: FastifyRequest & { readonly url: string }, reply: FastifyReply) => Promise<void> {
  assertLoginOptions(options);
  return async (request, reply) => {
    if ((await sessions.of(request)).loggedIn) return;
    send(reply, loginRedirect(new NodeRequestLike(request.raw), request.url, options));
  };
}

function send(reply: FastifyReply, { status, headers, body }: PlainResponse): void {
  reply.code(status);
  reply.headers({ ...headers });
  reply.send(body);
}
