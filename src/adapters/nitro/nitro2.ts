import type { Exchange } from "../../exchange/exchange.ts";
import type { Exchanges } from "../../exchange/exchanges.ts";
import { plainForbidden, plainServerError, plainUnavailable } from "../../http/default-responses.ts";
import type { RequestLike } from "../../http/request.ts";
import { bufferResponse } from "../../node/buffered-response.ts";
import { applyHeaders } from "../../http/response-headers.ts";
import {
  emitInContext,
  headersOf,
  NodeRequestLike,
  removeRepresentationHeaders,
  sendPlain,
} from "../../node/messages.ts";
import type { NodeRequest, NodeResponse } from "../../node/messages.ts";
import { StoreError } from "../../errors.ts";
import { InnerRequest, isForwarded } from "./inner.ts";
import type { NitroSessionsOptions } from "./options.ts";

/** The part of an h3 event that this adapter uses, in h3 1. */
export interface Nitro2Event {
  readonly node: { readonly req: NodeRequest; readonly res: NodeResponse };
  context: object;
}

/** The part of an app of Nitro 2 that this adapter uses. */
export interface Nitro2App {
  readonly h3App: {
    handler: (event: never) => unknown;
    readonly options: { onError?: ((error: never, event: never) => unknown) | undefined };
  };
  readonly hooks: object;
}

/** The app with the types that it has here, whatever the versions of h3 call theirs. */
interface App {
  readonly h3App: {
    handler: (event: Nitro2Event) => unknown;
    readonly options: { onError?: (error: Error, event: Nitro2Event) => unknown };
  };
  readonly hooks: { hook(name: "request", listener: (event: Nitro2Event) => void): unknown };
}

/**
 * Adds sessions to Nitro 2: around `h3App.handler`, through which all requests go, those of the network and those that
 * the app makes of itself.
 */
export function connectNitro2<Data extends object>(
  nitroApp: Nitro2App,
  exchanges: Exchanges<Data>,
  options: NitroSessionsOptions,
): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- h3's own types differ between its versions
  const { h3App, hooks } = nitroApp as unknown as App;
  const { handler } = h3App;
  const { onError } = h3App.options;
  const owners = new WeakMap<object, RequestLike>();
  const ends = new WeakMap<Nitro2Event, () => void>();
  /** Made-up requests that failed, until the response to the error is made. */
  const uncommitted = new WeakMap<Nitro2Event, Exchange<Data>>();

  /** Runs the handler in an exchange until it turns out to be cached. */
  const run = async (event: Nitro2Event, exchange: Exchange<Data>): Promise<void> =>
    exchange.runUntil(async (end) => {
      owners.set(event, exchange.request);
      ends.set(event, end);
      await handler(event);
    });

  const sendError = async (error: unknown, event: Nitro2Event): Promise<void> => {
    const { res } = event.node;
    if (error instanceof StoreError) {
      await send(res, await options.onUnavailable?.(error), plainUnavailable);
      return;
    }
    await onError?.(toH3Error(error), event);
    if (!res.writableEnded) sendPlain(res, plainServerError);
  };

  const handleInner = async (event: Nitro2Event, exchange: Exchange<Data>): Promise<void> => {
    const inner = new InnerRequest(exchange);
    const { res } = event.node;
    try {
      await run(event, exchange);
      if (res.statusCode >= 500) inner.fail(undefined);
    } catch (error) {
      inner.fail(error);
      if (!(error instanceof StoreError)) throw error;
      sendPlain(res, plainUnavailable);
    }
  };

  /** Commits the exchange of a made-up response, which nobody has read yet. */
  const commitMadeUp = async (event: Nitro2Event, exchange: Exchange<Data>): Promise<void> => {
    uncommitted.delete(event);
    const { res } = event.node;
    const { headers, failure } = await exchange.commit({ status: res.statusCode });
    if (failure !== undefined) {
      clear(res);
      await sendError(failure, event);
    }
    applyHeaders(headersOf(res), headers);
  };

  const handleMadeUp = async (event: Nitro2Event, exchange: Exchange<Data>): Promise<void> => {
    try {
      await run(event, exchange);
    } catch (error) {
      exchange.fail(error);
      if (!(error instanceof StoreError)) {
        uncommitted.set(event, exchange);
        throw error;
      }
      clear(event.node.res);
      await sendError(error, event);
    }
    await commitMadeUp(event, exchange);
  };

  const handleOuter = async (event: Nitro2Event, exchange: Exchange<Data>): Promise<void> => {
    const { req, res } = event.node;
    emitInContext(req, (work) => exchange.run(work));
    const buffered = bufferResponse(res, exchange, async (failure) => sendError(failure, event));
    try {
      await run(event, exchange);
    } catch (error) {
      exchange.fail(error);
      const when = buffered.reset(error);
      // Nitro's own error handler responds to what is thrown here.
      if (when === "sent" || (when === "now" && !(error instanceof StoreError))) throw error;
      if (when === "now") await sendError(error, event);
    }
  };

  h3App.handler = async (event) => {
    const { req, res } = event.node;
    const incoming = new NitroRequestLike(req, owners);
    // What came from the network never shares the exchange of another request, whatever its headers say.
    const outer = isMadeUp(req) ? exchanges.outer(incoming, [event, req]) : undefined;
    if (outer !== undefined) return handleInner(event, outer);
    if (!exchanges.allows(incoming)) return send(res, await options.onForbidden?.(), plainForbidden);
    const exchange = exchanges.begin(incoming, [event, req]);
    return isMadeUp(req) ? handleMadeUp(event, exchange) : handleOuter(event, exchange);
  };

  h3App.options.onError = async (error, event) => {
    await onError?.(error, event);
    const exchange = uncommitted.get(event);
    if (exchange !== undefined) await commitMadeUp(event, exchange);
  };

  // Called when the event has its final context, and before any handler.
  hooks.hook("request", (event) => {
    const request = owners.get(event);
    if (request !== undefined) owners.set(event.context, request);
    endBeforeCaching(event.context, ends.get(event));
  });
}

/** Nitro's mark for requests that did not come from the network, such as those of `$fetch`. */
const madeUpMark = "__unenv__";

/** Whether code of this process has made the request. No client can cause that: it is not part of its message. */
function isMadeUp(request: NodeRequest): boolean {
  return madeUpMark in request;
}

class NitroRequestLike extends NodeRequestLike {
  readonly #request: NodeRequest;
  readonly #owners: WeakMap<object, RequestLike>;

  /** @param owners the visitors' requests to which events and their contexts belong. */
  constructor(request: NodeRequest, owners: WeakMap<object, RequestLike>) {
    super(request);
    this.#request = request;
    this.#owners = owners;
  }

  isDerivedFrom(outer: RequestLike): boolean {
    // `event.$fetch`, and so `useFetch`, passes on the context of its event.
    const context: unknown = Reflect.get(this.#request, madeUpMark);
    const isObject = typeof context === "object" && context !== null;
    return isForwarded(this, outer, isObject && this.#owners.get(context) === outer);
  }
}

/**
 * A cached handler's response is for everybody, so it must not be made for one visitor: it runs without a session.
 * Nitro says that a handler is cached by setting `context.cache` before calling it.
 */
function endBeforeCaching(context: object, end: (() => void) | undefined): void {
  if (end === undefined) return;
  let cache: unknown;
  Object.defineProperty(context, "cache", {
    configurable: true,
    enumerable: true,
    get: () => cache,
    set(value: unknown) {
      end();
      cache = value;
    },
  });
}

/** Drops what was written to a made-up response, and the headers that described it. */
function clear(response: NodeResponse): void {
  Object.assign(response, {
    _data: undefined,
    finished: false,
    headersSent: false,
    writableEnded: false,
    writableFinished: false,
  });
  removeRepresentationHeaders(response);
}

async function send(
  target: NodeResponse,
  response: Response | undefined,
  plain: typeof plainForbidden,
): Promise<void> {
  if (response === undefined) {
    sendPlain(target, plain);
    return;
  }
  target.statusCode = response.status;
  for (const [name, value] of response.headers) {
    if (name !== "set-cookie") target.setHeader(name, value);
    else target.appendHeader(name, value);
  }
  target.end(new Uint8Array(await response.arrayBuffer()));
}

/** Nitro's error handler expects these properties, and hides the message of an error that is `unhandled`. */
function toH3Error(error: unknown): Error {
  if (error instanceof Error && "statusCode" in error) return error;
  const message = error instanceof Error ? error.message : "";
  return Object.assign(new Error(message, { cause: error }), { statusCode: 500, unhandled: true });
}
