import { StoreError } from "../errors.ts";
import { plainServerError, plainForbidden, plainUnavailable } from "../http/default-responses.ts";
import type { PlainResponse } from "../http/default-responses.ts";
import { isWebSocketRequest } from "../http/request.ts";
import type { RequestLike } from "../http/request.ts";
import { applyHeaders, addsNothing } from "../http/response-headers.ts";
import type { ResponseHeaders } from "../http/response-headers.ts";
import type { Exchanges } from "./exchanges.ts";

/** A handler of a plain `fetch` server. */
export type FetchHandler = (request: Request) => Response | Promise<Response>;

/** What a plain `fetch` server answers when things go wrong. */
export interface HandleOptions {
  /**
   * The answer to a handler that threw. Default: prints the error and answers a bare 500. Errors are
   * always answered, since a response is needed for the cookie of a login that came before the error.
   */
  readonly onError?: (error: unknown, request: Request) => Response | Promise<Response>;
  /** The answer when the store failed where the session was needed. Default: a bare 503 with Retry-After. */
  readonly onUnavailable?: (error: StoreError, request: Request) => Response | Promise<Response>;
  /** The answer to a request from another site that could change something. Default: a bare 403. */
  readonly onForbidden?: (request: Request) => Response | Promise<Response>;
}

/** For adapters: the answer to a request that `sessions.allows` refused. */
export function forbiddenResponse(): Response {
  return toResponse(plainForbidden);
}

/** For adapters: the answer when the store failed where the session was needed. The visitor's cookie is left alone. */
export function unavailableResponse(): Response {
  return toResponse(plainUnavailable);
}

/** Deno's requests have no headers any more once they are answered. Elsewhere they cost something when they are asked for. */
const losesHeaders = "Deno" in globalThis;

/** For adapters: what the core needs to see of a request. */
export function toRequestLike(request: Request): RequestLike {
  return new FetchRequestLike(request);
}

class FetchRequestLike implements RequestLike {
  readonly #request: Request;
  #headers: Headers | undefined;

  constructor(request: Request) {
    this.#request = request;
    this.#headers = losesHeaders ? request.headers : undefined;
  }

  get method(): string {
    return this.#request.method.toUpperCase();
  }

  get path(): string {
    return new URL(this.#request.url).pathname;
  }

  get secure(): boolean {
    return this.#request.url.startsWith("https:");
  }

  header(name: string): string | null {
    this.#headers ??= this.#request.headers;
    // HTTP/2 has no Host; what it has instead, servers put into the URL (RFC 9113 8.3.1).
    return this.#headers.get(name) ?? (name === "host" ? new URL(this.#request.url).host : null);
  }

  /** Mounting copies a request, all but the beginning of its path. Two that are alike are two requests. */
  isDerivedFrom(outer: RequestLike): boolean {
    if (!(outer instanceof FetchRequestLike) || this.method !== outer.method) return false;
    const [own, other] = [new URL(this.#request.url), new URL(outer.#request.url)];
    return (
      other.pathname.length > own.pathname.length &&
      other.pathname.endsWith(own.pathname) &&
      other.search === own.search &&
      isEqual([...this.#request.headers], [...outer.#request.headers])
    );
  }
}

function isEqual(some: readonly [string, string][], others: readonly [string, string][]): boolean {
  return (
    some.length === others.length &&
    some.every(([name, value], at) => name === others[at]?.[0] && value === others[at]?.[1])
  );
}

/** For adapters: the response with what the session makes it carry. Some responses' headers can't be changed, so it may be another object. */
export function withHeaders(response: Response, headers: ResponseHeaders): Response {
  if (addsNothing(headers)) return response;
  // A network error, or the switch to another protocol: nothing that could carry a header.
  if (response.status < 200) return response;
  // A visitor's cookies must not stay on a response that the app keeps and answers again. What is said to caches may,
  // and servers send a response as it was made several times as fast as a copy.
  if (headers.setCookies.length === 0 && isApplied(response.headers, headers)) return response;
  const own = new Response(response.body, response);
  applyHeaders(own.headers, headers);
  return own;
}

/** @returns `false` where the headers can't be changed: those of `Response.redirect()` and of fetched responses. */
function isApplied(target: Headers, headers: ResponseHeaders): boolean {
  try {
    applyHeaders(target, headers);
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

/** See `Sessions.handle`. */
export async function handle<Data extends object>(
  exchanges: Exchanges<Data>,
  request: Request,
  handler: FetchHandler,
  options: HandleOptions,
): Promise<Response> {
  const incoming = toRequestLike(request);
  const outer = exchanges.outer(incoming, [request]);
  if (outer?.isCurrent === true) return handler(request);
  if (!exchanges.allows(incoming)) return (await options.onForbidden?.(request)) ?? forbiddenResponse();
  const exchange = exchanges.begin(incoming, [request]);
  let response: Response;
  let threw = false;
  try {
    response = await exchange.run(() => handler(request));
    // Bun's way to say that a handshake was taken care of.
    if (response === undefined && "Bun" in globalThis && isWebSocketRequest(incoming)) return response;
    assertResponse(response, "The handler");
  } catch (error) {
    threw = true;
    response = await answerTo(error, request, options);
  }
  const { headers, failure } = await exchange.commit(threw ? "threw" : { status: response.status });
  return withHeaders(failure === undefined ? response : await answerTo(failure, request, options), headers);
}

/** The answer to an error, of the app's own or else a bare one. Never fails: the cookie of a login may wait for it. */
async function answerTo(error: unknown, request: Request, options: HandleOptions): Promise<Response> {
  try {
    const isOutage = error instanceof StoreError;
    if (isOutage && options.onUnavailable === undefined) return unavailableResponse();
    if (isOutage || options.onError !== undefined) {
      const own = isOutage ? options.onUnavailable?.(error, request) : options.onError?.(error, request);
      const response: unknown = await own;
      assertResponse(response, isOutage ? "onUnavailable()" : "onError()");
      return response;
    }
    logError(error);
  } catch (failure) {
    logError(failure);
  }
  return toResponse(plainServerError);
}

/** Responses may be of another make than this realm's. */
function assertResponse(response: unknown, by: string): asserts response is Response {
  if (typeof response === "object" && response !== null && "headers" in response && "status" in response)
    return;
  throw new TypeError(`${by} gave no Response.`);
}

function logError(error: unknown): void {
  // oxlint-disable-next-line no-console -- what every fetch server does with an error nobody handles
  console.error(error);
}

function toResponse({ status, headers, body }: PlainResponse): Response {
  return new Response(body, { status, headers });
}
