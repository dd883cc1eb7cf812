import { StoreError } from "../errors.ts";
import { plainServerError, plainForbidden, plainUnavailable } from "../http/default-responses.ts";
import type { PlainResponse } from "../http/default-responses.ts";
import { loginRedirect } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import { isWebSocketRequest } from "../http/request.ts";
import type { RequestLike } from "../http/request.ts";
import { applyHeaders, addsNothing } from "../http/response-headers.ts";
import type { ResponseHeaders } from "../http/response-headers.ts";
import type { Exchanges } from "./exchanges.ts";

/** A handler of a plain `fetch` server. */
export type FetchHandler = (request: Request) => Response | Promise<Response>;

/** The responses of a plain `fetch` server when something fails. */
export interface HandleOptions {
  /**
   * Returns the response if the handler threw. Default: prints the error and responds with a plain 500. There is
   * always a response, because it has to carry the cookie of a login that came before the error.
   */
  readonly onError?: (error: unknown, request: Request) => Response | Promise<Response>;
  /** Returns the response if the store failed when the session was needed. Default: a plain 503 with Retry-After. */
  readonly onUnavailable?: (error: StoreError, request: Request) => Response | Promise<Response>;
  /** Returns the response to an unsafe request from another site. Default: a plain 403. */
  readonly onForbidden?: (request: Request) => Response | Promise<Response>;
}

/** For adapters: returns the response to a request that `Exchanges.allows` refused. */
export function forbiddenResponse(): Response {
  return toResponse(plainForbidden);
}

/**
 * For adapters: returns the response if the store failed when the session was needed. It leaves the visitor's cookie
 * unchanged.
 */
export function unavailableResponse(): Response {
  return toResponse(plainUnavailable);
}

/** For adapters: prints an error that nobody handles, and returns a plain 500. */
export function serverErrorResponse(error: unknown): Response {
  logError(error);
  return toResponse(plainServerError);
}

/** For adapters: the response to a request that needs a login and has none, as `loginRedirect` describes it. */
export function loginResponse(request: Request, options: LoginRedirectOptions): Response {
  const { pathname, search } = new URL(request.url);
  return new Response(null, loginRedirect(toRequestLike(request), pathname + search, options));
}

/**
 * Deno's requests lose their headers once the response is sent, so they are read early. Elsewhere reading them costs
 * time.
 */
const losesHeaders = "Deno" in globalThis;

/** For adapters: wraps a `Request`. */
export function toRequestLike(request: Request): RequestLike {
  return new FetchRequestLike(request);
}

/** The {@link RequestLike} of a `Request`. Adapters use `toRequestLike`, or extend it. */
export class FetchRequestLike implements RequestLike {
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
    // HTTP/2 has `:authority` instead of Host; servers put it into the URL (RFC 9113 8.3.1).
    return this.#headers.get(name) ?? (name === "host" ? new URL(this.#request.url).host : null);
  }

  /** Mounting copies a request without the beginning of its path. Requests with equal paths are separate requests. */
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

/**
 * For adapters: returns the response with these headers. It may be another object, because some responses' headers
 * can't be changed.
 */
export function withHeaders(response: Response, headers: ResponseHeaders): Response {
  if (addsNothing(headers)) return response;
  // A network error, or a switch of protocols, can't carry headers.
  if (response.status < 200) return response;
  // A visitor's cookies must not stay on a response that the app keeps and returns again, so they need a copy. Cache
  // headers may stay, and servers send the original response several times as fast as a copy.
  if (headers.setCookies.length === 0 && isApplied(response.headers, headers)) return response;
  const own = new Response(response.body, response);
  applyHeaders(own.headers, headers);
  return own;
}

/** @returns `false` if the headers can't be changed, as those of `Response.redirect()` and of fetched responses. */
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
    // In Bun, a handler returns `undefined` after it has accepted a handshake.
    if (response === undefined && "Bun" in globalThis && isWebSocketRequest(incoming)) return response;
    assertResponse(response, "The handler");
  } catch (error) {
    threw = true;
    response = await errorResponse(error, request, options);
  }
  const { headers, failure } = await exchange.commit(threw ? "threw" : { status: response.status });
  return withHeaders(
    failure === undefined ? response : await errorResponse(failure, request, options),
    headers,
  );
}

/**
 * Returns the response to an error: the app's own, or else a plain one. Never fails, because the response may have to
 * carry a login's cookie.
 */
async function errorResponse(error: unknown, request: Request, options: HandleOptions): Promise<Response> {
  try {
    const isOutage = error instanceof StoreError;
    if (isOutage && options.onUnavailable === undefined) return unavailableResponse();
    if (isOutage || options.onError !== undefined) {
      const own = isOutage ? options.onUnavailable?.(error, request) : options.onError?.(error, request);
      const response: unknown = await own;
      assertResponse(response, isOutage ? "onUnavailable()" : "onError()");
      return response;
    }
    return serverErrorResponse(error);
  } catch (failure) {
    return serverErrorResponse(failure);
  }
}

/** Does not use `instanceof`, because a response may come from another realm or library. */
function assertResponse(response: unknown, by: string): asserts response is Response {
  if (typeof response === "object" && response !== null && "headers" in response && "status" in response)
    return;
  throw new TypeError(`${by} did not return a Response.`);
}

function logError(error: unknown): void {
  // oxlint-disable-next-line no-console -- what every fetch server does with an error nobody handles
  console.error(error);
}

function toResponse({ status, headers, body }: PlainResponse): Response {
  return new Response(body, { status, headers });
}
