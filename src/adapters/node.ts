import type { IncomingMessage, ServerResponse } from "node:http";
import { isThenable } from "../runtime/maybe-promise.ts";
import { plainServerError, plainForbidden, plainUnavailable } from "../http/default-responses.ts";
import { bufferResponse } from "../node/buffered-response.ts";
import { loginRedirect } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import { emitInContext, NodeRequestLike, sendPlain } from "../node/messages.ts";
import type { NodeRequest, NodeResponse } from "../node/messages.ts";
import type { Session } from "../session/session.ts";
import type { Sessions } from "../sessions.ts";
import { StoreError } from "../errors.ts";
import { exchangesOf } from "../sessions.ts";
import { abortResponse } from "../node/error-response.ts";

/** The options of {@link nodeSessions}; each writes the whole answer. */
export interface NodeSessionsOptions<Request, Response> {
  /** The answer when the store failed where the session was needed. Default: a bare 503 with Retry-After. */
  readonly onUnavailable?: (error: StoreError, request: Request, response: Response) => unknown;
  /** The answer to a request from another site that could change something. Default: a bare 403. */
  readonly onForbidden?: (request: Request, response: Response) => unknown;
}

/** The options of {@link nodeSessions} around a handler. */
export interface NodeHandlerOptions<Request, Response> extends NodeSessionsOptions<Request, Response> {
  /** The answer to a handler that threw, and to data that could not be kept. Default: prints the error and answers a bare 500. */
  readonly onError?: (error: unknown, request: Request, response: Response) => unknown;
}

/**
 * Puts sessions in front of the handler of a plain Node server: `createServer(nodeSessions(sessions, handler))`,
 * then `await sessions.of(request)` in the handler. No byte leaves before what the handler did is in the store.
 * Requests from other sites that could change something are refused with 403.
 *
 * A handler has failed when it throws, or answers 500 or more.
 */
export function nodeSessions<
  Data extends object,
  Request extends NodeRequest = IncomingMessage,
  Response extends NodeResponse = ServerResponse,
>(
  sessions: Sessions<Data>,
  handler: (request: Request, response: Response) => unknown,
  options?: NodeHandlerOptions<Request, Response>,
): (request: Request, response: Response) => void;

/**
 * Connect-style middleware: `app.use(nodeSessions(sessions))`. A handler has failed when the answer is
 * 500 or more; with {@link nodeErrors} behind the handlers, also when it threw and was answered otherwise.
 */
export function nodeSessions<
  Data extends object,
  Request extends NodeRequest = IncomingMessage,
  Response extends NodeResponse = ServerResponse,
>(
  sessions: Sessions<Data>,
  options?: NodeSessionsOptions<Request, Response>,
): (request: Request, response: Response, next: (error?: unknown) => void) => void;

export function nodeSessions<Data extends object, Request extends NodeRequest, Response extends NodeResponse>(
  sessions: Sessions<Data>,
  first: ((request: Request, response: Response) => unknown) | NodeSessionsOptions<Request, Response> = {},
  second: NodeHandlerOptions<Request, Response> = {},
): (request: Request, response: Response, next?: (error?: unknown) => void) => void {
  const handler = typeof first === "function" ? first : undefined;
  const options: NodeHandlerOptions<Request, Response> = typeof first === "function" ? second : first;

  const exchanges = exchangesOf(sessions);
  type Next = ((error?: unknown) => void) | undefined;
  const answer = async (error: unknown, request: Request, response: Response, next: Next): Promise<void> => {
    try {
      if (error instanceof StoreError && options.onUnavailable !== undefined) {
        await options.onUnavailable(error, request, response);
      } else if (error instanceof StoreError) sendPlain(response, plainUnavailable);
      else if (handler === undefined) next?.(error);
      else if (options.onError !== undefined) await options.onError(error, request, response);
      else sendFailed(response, error);
    } catch (failure) {
      if (response.headersSent) abortResponse(response, failure);
      else sendFailed(response, failure);
    }
  };
  const refuse = async (request: Request, response: Response, next: Next): Promise<void> => {
    try {
      if (options.onForbidden === undefined) sendPlain(response, plainForbidden);
      else await options.onForbidden(request, response);
    } catch (error) {
      if (response.headersSent) abortResponse(response, error);
      else await answer(error, request, response, next);
    }
  };

  return (request, response, next) => {
    const incoming = new NodeRequestLike(request);
    const outer = exchanges.outer(incoming, [request]);
    if (outer === undefined && !exchanges.allows(incoming)) {
      void refuse(request, response, next);
      return;
    }
    const exchange = outer ?? exchanges.begin(incoming, [request]);
    if (outer === undefined) emitInContext(request, (work) => exchange.run(work));
    const buffered = bufferResponse(response, exchange, (failure) =>
      answer(failure, request, response, next),
    );
    if (handler === undefined) {
      if (next !== undefined) exchange.run(next);
      return;
    }
    const failed = (error: unknown): void => {
      exchange.fail(error);
      const when = buffered.reset(error);
      if (when === "now") void answer(error, request, response, next);
      else if (when === "sent") abortResponse(response, error);
    };
    try {
      const handled: unknown = exchange.run(() => handler(request, response));
      if (isThenable(handled)) handled.then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  };
}

/**
 * Connect-style error middleware: `app.use(nodeErrors(sessions))` behind the handlers and in front of
 * the app's own error handlers. An error then counts as a failure of its handler whatever status it is
 * answered with, and a store that failed is answered with 503.
 */
export function nodeErrors<Data extends object>(
  sessions: Sessions<Data>,
): (error: unknown, request: object, response: object, next: (error?: unknown) => void) => void {
  const exchanges = exchangesOf(sessions);
  // Frameworks tell an error handler by its four parameters.
  return (error, request, _response, next) => {
    exchanges.fail(request, error);
    next(error);
  };
}

/**
 * The session of a WebSocket handshake, for a server's `upgrade` event: to be read, and watched through
 * its `signal`. A page of another site gets none; see `sessions.handshake`.
 *
 * @throws StoreError
 */
export async function nodeHandshake<Data extends object>(
  sessions: Sessions<Data>,
  request: NodeRequest,
): Promise<Session<Data>> {
  return sessions.handshake(new NodeRequestLike(request));
}

/**
 * Connect-style middleware for what only somebody who is logged in may see:
 * `app.use("/user", requireLogin(sessions))`, after `nodeSessions`. Others are sent to the login page and
 * back again; programs get 401.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  options: LoginRedirectOptions = {},
): (request: NodeRequest, response: NodeResponse, next: (error?: unknown) => void) => Promise<void> {
  const guard = async (request: NodeRequest, response: NodeResponse): Promise<boolean> => {
    if ((await sessions.of(request)).loggedIn) return true;
    const target = request.originalUrl ?? request.url ?? "/";
    sendPlain(response, { ...loginRedirect(new NodeRequestLike(request), target, options), body: "" });
    return false;
  };
  return async (request, response, next) => {
    let mayPass: boolean;
    try {
      mayPass = await guard(request, response);
    } catch (error) {
      next(error);
      return;
    }
    if (mayPass) next();
  };
}

function sendFailed(response: NodeResponse, error: unknown): void {
  // oxlint-disable-next-line no-console -- what every server does with an error nobody handles
  console.error(error);
  sendPlain(response, plainServerError);
}
