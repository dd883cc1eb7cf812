import type { Exchange } from "../../exchange/exchange.ts";
import type { Exchanges } from "../../exchange/exchanges.ts";
import {
  FetchRequestLike,
  forbiddenResponse,
  unavailableResponse,
  withHeaders,
} from "../../exchange/fetch.ts";
import { plainServerError } from "../../http/default-responses.ts";
import type { RequestLike } from "../../http/request.ts";
import { StoreError } from "../../errors.ts";
import { InnerRequest, isForwarded } from "./inner.ts";
import type { NitroSessionsOptions } from "./options.ts";

/** The part of an h3 event that this adapter uses, in h3 2. */
export interface Nitro3Event {
  req: Request;
}

/** The part of an app of Nitro 3 that this adapter uses. */
export interface Nitro3App {
  /** Of Nitro 3.0.0. */
  readonly _h3?: object | undefined;
  readonly h3?: object | undefined;
  readonly hooks?: object | undefined;
}

/** How Nitro calls h3: `request` in 3.0.0, `fetch` in later versions. */
type Fetch = (input: Request | URL | string, init?: RequestInit, context?: object) => Promise<Response>;

interface H3 {
  fetch: Fetch;
  request?: Fetch;
  handler: (event: Nitro3Event) => unknown;
  readonly config: { onError?: (error: Error, event: Nitro3Event) => unknown };
}

/** What is known of a request while it is handled. */
interface Handling<Data extends object> {
  readonly exchange: Exchange<Data>;
  /** Ends the context in which the handler runs. */
  readonly end: () => void;
  fail(error: unknown): void;
  event?: Nitro3Event;
}

/**
 * Adds sessions to Nitro 3: around h3's `fetch`, through which all requests go, those of the network and those that the
 * app makes of itself; and around its `handler`, which throws errors as they came.
 */
export function connectNitro3<Data extends object>(
  nitroApp: Nitro3App,
  exchanges: Exchanges<Data>,
  options: NitroSessionsOptions,
): void {
  const app: object = nitroApp.h3 ?? nitroApp["_h3"] ?? {};
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- h3's own types differ between its versions
  const h3 = app as H3;
  const handlings = new WeakMap<Request, Handling<Data>>();
  const owners = new WeakMap<object, RequestLike>();

  const unavailable = async (error: StoreError): Promise<Response> =>
    (await options.onUnavailable?.(error)) ?? unavailableResponse();

  /** The response to an error of the commit: that of the app, if it has one. */
  const errorResponse = async (error: unknown, event: Nitro3Event | undefined): Promise<Response> => {
    if (error instanceof StoreError) return unavailable(error);
    const response = event === undefined ? undefined : await h3.config.onError?.(toHttpError(error), event);
    return response instanceof Response ? response : new Response(plainServerError.body, plainServerError);
  };

  const handleInner = async (
    request: Request,
    exchange: Exchange<Data>,
    next: () => Promise<Response>,
  ): Promise<Response> => {
    const inner = new InnerRequest(exchange);
    return exchange.runUntil(async (end) => {
      handlings.set(request, { exchange, end, fail: (error) => inner.fail(error) });
      const response = await next();
      if (response.status >= 500) inner.fail(undefined);
      return response;
    });
  };

  const handleOuter = async (
    request: Request,
    incoming: RequestLike,
    next: () => Promise<Response>,
  ): Promise<Response> => {
    const exchange = exchanges.begin(incoming, [request]);
    const runtime = runtimeOf(request);
    if (runtime !== undefined && !owners.has(runtime)) owners.set(runtime, incoming);
    let handling: Handling<Data> | undefined;
    let response = await exchange.runUntil(async (end) => {
      handling = { exchange, end, fail: (error) => exchange.fail(error) };
      handlings.set(request, handling);
      return next();
    });
    const { headers, failure } = await exchange.commit({ status: response.status });
    if (failure !== undefined) response = await errorResponse(failure, handling?.event);
    return withHeaders(response, headers);
  };

  const around =
    (original: Fetch): Fetch =>
    async (input, init, context) => {
      const request = toRequest(input, init);
      const next = async (): Promise<Response> => original(request, undefined, context);
      const incoming = new NitroRequestLike(request, owners);
      const outer = exchanges.outer(incoming, [request]);
      if (outer !== undefined) return handleInner(request, outer, next);
      if (exchanges.allows(incoming)) return handleOuter(request, incoming, next);
      return (await options.onForbidden?.()) ?? forbiddenResponse();
    };
  h3.fetch = around(h3.fetch);
  if (h3.request !== undefined) h3.request = around(h3.request);

  const { handler } = h3;
  h3.handler = async (event) => {
    const handling = handlings.get(event.req);
    if (handling === undefined) return handler(event);
    handling.event = event;
    endBeforeCaching(event, handling.end);
    try {
      const answer = await handler(event);
      if (answer instanceof Error) handling.fail(answer);
      return answer;
    } catch (error) {
      handling.fail(error);
      if (error instanceof StoreError) return unavailable(error);
      throw error;
    }
  };
}

class NitroRequestLike extends FetchRequestLike {
  readonly #request: Request;
  readonly #owners: WeakMap<object, RequestLike>;

  /** @param owners the requests to which the runtime's own objects belong. */
  constructor(request: Request, owners: WeakMap<object, RequestLike>) {
    super(request);
    this.#request = request;
    this.#owners = owners;
  }

  override isDerivedFrom(outer: RequestLike): boolean {
    if (super.isDerivedFrom(outer)) return true;
    // `fetchWithEvent` passes on the runtime's object of its event; each request from the network has one of its own.
    const runtime = runtimeOf(this.#request);
    return isForwarded(this, outer, runtime !== undefined && this.#owners.get(runtime) === outer);
  }
}

function runtimeOf(request: Request): object | undefined {
  const runtime: unknown = Reflect.get(request, "runtime");
  return typeof runtime === "object" && runtime !== null ? runtime : undefined;
}

/**
 * A cached handler's response is for everybody, so it must not be made for one visitor: it runs without a session.
 * Nitro gives the event of a cached handler another request before calling it.
 */
function endBeforeCaching(event: Nitro3Event, end: () => void): void {
  let { req } = event;
  Object.defineProperty(event, "req", {
    configurable: true,
    enumerable: true,
    get: () => req,
    set(value: Request) {
      end();
      req = value;
    },
  });
}

function toRequest(input: Request | URL | string, init: RequestInit | undefined): Request {
  if (typeof input === "object" && "headers" in input && init === undefined) return input;
  return typeof input === "string"
    ? new Request(new URL(input, "http://localhost"), init)
    : new Request(input, init);
}

/** Nitro's error handler expects these properties, and hides the message of an error that is `unhandled`. */
function toHttpError(error: unknown): Error {
  if (error instanceof Error && "status" in error) return error;
  const message = error instanceof Error ? error.message : "";
  return Object.assign(new Error(message, { cause: error }), { status: 500, unhandled: true });
}
