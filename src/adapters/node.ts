import { assertKnownOptions } from "../runtime/check-options.ts";
import type { IncomingMessage, ServerResponse } from "node:http";
import { isThenable } from "../runtime/maybe-promise.ts";
import { plainServerError, plainForbidden, plainUnavailable } from "../http/default-responses.ts";
import { bufferResponse } from "../node/buffered-response.ts";
import { assertLoginOptions, loginRedirect } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import { emitInContext, NodeRequestLike, sendPlain } from "../node/messages.ts";
import type { NodeRequest, NodeResponse } from "../node/messages.ts";
import type { Session } from "../session/session.ts";
import type { Sessions } from "../sessions.ts";
import { StoreError } from "../errors.ts";
import { exchangesOf } from "../sessions.ts";
import { abortResponse } from "../node/error-response.ts";

/** The options of {@link nodeSessions}. Each function writes the whole response. */
export interface NodeSessionsOptions<Request, Response> {
  /** Sends the response if the store fails when the session is needed. Default: a plain 503 with Retry-After. */
  readonly onUnavailable?: (error: StoreError, request: Request, response: Response) => unknown;
  /** Sends the response to a request from another site that could change something. Default: a plain 403. */
  readonly onForbidden?: (request: Request, response: Response) => unknown;
}

/** The options of {@link nodeSessions} around a handler. */
export interface NodeHandlerOptions<Request, Response> extends NodeSessionsOptions<Request, Response> {
  /** Sends the response if the handler throws, or if data can't be stored. Default: prints the error and sends a plain 500. */
  readonly onError?: (error: unknown, request: Request, response: Response) => unknown;
}

/**
 * Adds sessions to the handler of a plain Node server: `createServer(nodeSessions(sessions, handler))`, then
 * `await sessions.of(request)` in the handler. No byte is sent before the handler's changes are in the store.
 * Requests from other sites that could change something are refused with 403.
 *
 * A handler fails if it throws, or if its response has status 500 or above.
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
 * Connect-style middleware: `app.use(nodeSessions(sessions))`. A handler fails if its response has status 500 or
 * above. With {@link nodeErrors} after the handlers, it also fails if it throws and the response has another status.
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
  const ofHandler = handler === undefined ? [] : ["onError"];
  assertKnownOptions(options, ["onUnavailable", "onForbidden", ...ofHandler], "nodeSessions");
  const {
    onUnavailable = (_error, _request, response) => sendPlain(response, plainUnavailable),
    onForbidden = (_request, response) => sendPlain(response, plainForbidden),
    onError = (error, _request, response) => sendServerError(response, error),
  } = options;

  const exchanges = exchangesOf(sessions);
  type Next = ((error?: unknown) => void) | undefined;
  const sendError = async (
    error: unknown,
    request: Request,
    response: Response,
    next: Next,
  ): Promise<void> => {
    try {
      if (error instanceof StoreError) await onUnavailable(error, request, response);
      else if (handler === undefined) next?.(error);
      else await onError(error, request, response);
    } catch (failure) {
      if (response.headersSent) abortResponse(response, failure);
      else sendServerError(response, failure);
    }
  };
  const refuse = async (request: Request, response: Response, next: Next): Promise<void> => {
    try {
      await onForbidden(request, response);
    } catch (error) {
      if (response.headersSent) abortResponse(response, error);
      else await sendError(error, request, response, next);
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
      sendError(failure, request, response, next),
    );
    if (handler === undefined) {
      if (next !== undefined) exchange.run(next);
      return;
    }
    const failed = (error: unknown): void => {
      exchange.fail(error);
      const when = buffered.reset(error);
      if (when === "now") void sendError(error, request, response, next);
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
 * Connect-style error middleware: `app.use(nodeErrors(sessions))` after the handlers and before the app's own
 * error handlers. An error then counts as a failure of its handler whatever the status of its response, and a
 * failure of the store gets a 503 response.
 */
export function nodeErrors<Data extends object>(
  sessions: Sessions<Data>,
): (error: unknown, request: object, response: object, next: (error?: unknown) => void) => void {
  const exchanges = exchangesOf(sessions);
  // Frameworks recognize an error handler by its four parameters.
  return (error, request, _response, next) => {
    exchanges.fail(request, error);
    next(error);
  };
}

/**
 * Returns the session of a WebSocket handshake, for a server's `upgrade` event. Read it, and watch for its end
 * through its `signal`. A handshake from another site's page gets no session; see `sessions.handshake`.
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
 * Connect-style middleware that requires a login: `app.use("/user", requireLogin(sessions))`, after
 * `nodeSessions`. Other people are sent to the login page and then back; programs get 401.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  options: LoginRedirectOptions = {},
): (request: NodeRequest, response: NodeResponse, next: (error?: unknown) => void) => Promise<void> {
  assertLoginOptions(options);
  return async (request, response, next) => {
    try {
      if (!(await sessions.of(request)).loggedIn) {
        const target = request.originalUrl ?? request.url ?? "/";
        sendPlain(response, loginRedirect(new NodeRequestLike(request), target, options));
        return;
      }
    } catch (error) {
      next(error);
      return;
    }
    next();
  };
}

function sendServerError(response: NodeResponse, error: unknown): void {
  // oxlint-disable-next-line no-console -- what every server does with an unhandled error
  console.error(error);
  sendPlain(response, plainServerError);
}
