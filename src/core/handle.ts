import { StoreError } from "../errors.ts";
import { failedAnswer, refusedAnswer, unavailableAnswer } from "./bare-answer.ts";
import type { BareAnswer } from "./bare-answer.ts";
import type { Incoming } from "./incoming.ts";
import { applyHeaders, isUntouched } from "./response-headers.ts";
import type { ResponseHeaders } from "./response-headers.ts";
import type { Sessions } from "./sessions.ts";

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
  readonly unavailable?: (error: StoreError, request: Request) => Response | Promise<Response>;
  /** The answer to a request from another site that could change something. Default: a bare 403. */
  readonly refused?: (request: Request) => Response | Promise<Response>;
}

/** For adapters: the answer to a request that `sessions.allows` refused. */
export function refusedResponse(): Response {
  return toResponse(refusedAnswer);
}

/** For adapters: the answer when the store failed where the session was needed. The visitor's cookie is left alone. */
export function unavailableResponse(): Response {
  return toResponse(unavailableAnswer);
}

/** Deno's requests have no headers any more once they are answered. Elsewhere they cost something when they are asked for. */
const losesHeaders = "Deno" in globalThis;

/** For adapters: what the core needs to see of a request. */
export function incomingOf(request: Request): Incoming {
  return new FetchIncoming(request);
}

class FetchIncoming implements Incoming {
  readonly #request: Request;
  #headers: Headers | undefined;

  constructor(request: Request) {
    this.#request = request;
    this.#headers = losesHeaders ? request.headers : undefined;
  }

  get method(): string {
    return this.#request.method.toUpperCase();
  }

  get secure(): boolean {
    return this.#request.url.startsWith("https:");
  }

  header(name: string): string | null {
    this.#headers ??= this.#request.headers;
    // HTTP/2 has no Host; what it has instead, servers put into the URL (RFC 9113 8.3.1).
    return this.#headers.get(name) ?? (name === "host" ? new URL(this.#request.url).host : null);
  }
}

/** For adapters: the response with what the session makes it carry. Some responses' headers can't be changed, so it may be another object. */
export function withHeaders(response: Response, headers: ResponseHeaders): Response {
  if (isUntouched(headers)) return response;
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
  sessions: Sessions<Data>,
  request: Request,
  handler: FetchHandler,
  options: HandleOptions,
): Promise<Response> {
  const incoming = incomingOf(request);
  if (!sessions.allows(incoming)) return (await options.refused?.(request)) ?? refusedResponse();
  const exchange = sessions.exchange(incoming, [request]);
  let response: Response;
  let threw = false;
  try {
    response = await exchange.run(() => handler(request));
  } catch (error) {
    threw = true;
    response = await answerTo(error, request, options);
  }
  const { headers, failure } = await exchange.settle(threw ? "threw" : { status: response.status });
  return withHeaders(failure === undefined ? response : await answerTo(failure, request, options), headers);
}

async function answerTo(error: unknown, request: Request, options: HandleOptions): Promise<Response> {
  if (error instanceof StoreError)
    return (await options.unavailable?.(error, request)) ?? unavailableResponse();
  if (options.onError !== undefined) return options.onError(error, request);
  // oxlint-disable-next-line no-console -- what every fetch server does with an error nobody handles
  console.error(error);
  return toResponse(failedAnswer);
}

function toResponse({ status, headers, body }: BareAnswer): Response {
  return new Response(body, { status, headers });
}
