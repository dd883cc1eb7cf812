import { plainForbidden, plainServerError, plainUnavailable } from "../http/default-responses.ts";
import type { PlainResponse } from "../http/default-responses.ts";
import { loginRedirect } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import { bufferResponse } from "../node/buffered-response.ts";
import { emitInContext, NodeRequestLike, sendPlain } from "../node/messages.ts";
import type { NodeRequest, NodeResponse } from "../node/messages.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { StoreError } from "../errors.ts";
import { exchangesOf } from "../sessions.ts";
import type { Sessions } from "../sessions.ts";

/** The part of a hapi request that this adapter uses. */
export interface HapiRequest {
  readonly raw: { readonly req: NodeRequest; readonly res: NodeResponse };
  readonly response: object;
}

/** The part of hapi's response toolkit that this adapter uses. */
export interface HapiToolkit {
  readonly continue: symbol;
  response(body?: string): HapiResponse;
}

/** The part of a hapi response that this adapter uses. */
export interface HapiResponse {
  code(status: number): HapiResponse;
  header(name: string, value: string): HapiResponse;
  takeover(): HapiResponse;
}

/** What hapi calls at a point in the life of a request. */
export type HapiExtension = (request: HapiRequest, h: HapiToolkit) => HapiResponse | symbol;

/** The part of a hapi server that this adapter uses. */
export interface HapiServer {
  readonly listener: HapiListener;
  ext(event: "onRequest" | "onPreResponse", method: HapiExtension): unknown;
}

/** The part of the server's listener that this adapter uses. */
export interface HapiListener {
  listeners(event: string): Function[];
  removeListener(event: string, listener: Function): unknown;
  on(event: string, listener: (request: NodeRequest, response: NodeResponse) => void): unknown;
}

/** The options of {@link hapiSessions}. */
export interface HapiSessionsOptions {
  /**
   * Sends the response if the store fails when the session is needed. hapi has finished its own response by then, so
   * write to `request.raw.res`. Default: a plain 503 with Retry-After.
   */
  readonly onUnavailable?: (error: StoreError, request: NodeRequest, response: NodeResponse) => unknown;
}

/**
 * hapi plugin: `await server.register(hapiSessions(sessions))` before other plugins, then `await sessions.of(request)` in any
 * handler. No byte of a response is sent before the handler's changes are in the store. Requests from other sites that
 * could change something are refused with 403.
 *
 * A handler fails if it throws or returns an error, whatever an `onPreResponse` extension makes of it, or if its
 * response has status 500 or above. `sessions.current()` works except in `server.inject`.
 */
export function hapiSessions<Data extends object>(
  sessions: Sessions<Data>,
  options: HapiSessionsOptions = {},
): { readonly name: string; register(server: HapiServer): void } {
  const exchanges = exchangesOf(sessions);
  const { onUnavailable = (_error, _request, response) => sendPlain(response, plainUnavailable) } = options;

  const sendError = async (failure: unknown, request: NodeRequest, response: NodeResponse): Promise<void> => {
    if (failure instanceof StoreError) {
      await onUnavailable(failure, request, response);
      return;
    }
    // oxlint-disable-next-line no-console -- what every server does with an unhandled error
    console.error(failure);
    sendPlain(response, plainServerError);
  };

  const begin = (request: NodeRequest, response: NodeResponse, handles: object[]): Exchange<Data> => {
    const incoming = new NodeRequestLike(request);
    const outer = exchanges.outer(incoming, [request, ...handles]);
    if (outer !== undefined) return outer;
    const exchange = exchanges.begin(incoming, [request, ...handles]);
    emitInContext(request, (work) => exchange.run(work));
    bufferResponse(response, exchange, async (failure) => sendError(failure, request, response));
    return exchange;
  };

  return {
    name: "coatcheck",
    register(server) {
      // hapi runs no extension around a handler, so what runs in the exchange is hapi's own listener.
      const { listener: events } = server;
      for (const event of ["request", "checkContinue"]) {
        for (const listener of events.listeners(event)) {
          events.removeListener(event, listener);
          events.on(event, (request, response) =>
            begin(request, response, []).run(() => {
              Reflect.apply(listener, events, [request, response]);
            }),
          );
        }
      }
      server.ext("onRequest", ({ raw }, h) => {
        if (!exchanges.allows(new NodeRequestLike(raw.req))) {
          return respond(h, plainForbidden);
        }
        // Again, since `server.inject` does not use the listener; and for `sessions.of`, which looks at a request's `raw`.
        begin(raw.req, raw.res, [raw]);
        return h.continue;
      });
      server.ext("onPreResponse", ({ raw, response }, h) => {
        if ("isBoom" in response && response.isBoom === true) exchanges.fail(raw, response);
        return h.continue;
      });
    },
  };
}

/**
 * hapi prerequisite that requires a login: `options: { pre: [requireLogin(sessions)] }` of a route. Other people are sent
 * to the login page and then back; programs get 401.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  options: LoginRedirectOptions = {},
): (request: HapiRequest, h: HapiToolkit) => Promise<HapiResponse | symbol> {
  return async (request, h) => {
    if ((await sessions.of(request.raw)).loggedIn) return h.continue;
    const { req } = request.raw;
    return respond(h, loginRedirect(new NodeRequestLike(req), req.url ?? "/", options));
  };
}

function respond(h: HapiToolkit, { status, headers, body }: PlainResponse): HapiResponse {
  const response = h.response(body).code(status);
  for (const [name, value] of Object.entries(headers)) response.header(name, value);
  return response.takeover();
}
