import { EventEmitter } from "node:events";
import type { BareAnswer } from "./bare-answer.ts";
import { asksForSocket } from "./incoming.ts";
import type { Incoming } from "./incoming.ts";
import type { HeaderTarget } from "./response-headers.ts";

/** What is needed of a request of Node's `http` or `http2`. */
export interface NodeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Routers of the connect family cut `url` down as they go. */
  readonly originalUrl?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly socket?: object | null | undefined;
}

/** What is needed of a response of Node's `http` or `http2`. */
export interface NodeResponse {
  statusCode: number;
  /** Of HTTP/1. */
  statusMessage?: string | undefined;
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  /** Its connection is gone. */
  readonly destroyed?: boolean;
  /** Of HTTP/2. */
  readonly stream?:
    | { readonly destroyed: boolean; readonly closed?: boolean; readonly writableEnded?: boolean }
    | undefined;
  /** Of HTTP/1; `null` when its connection is gone, or still busy with an earlier response. */
  readonly socket?: { destroy: (...args: never) => unknown; readonly destroyed?: boolean } | null | undefined;
  getHeader(name: string): number | string | readonly string[] | undefined;
  getHeaderNames(): string[];
  setHeader(name: string, value: unknown): unknown;
  appendHeader(name: string, value: string | readonly string[]): unknown;
  removeHeader(name: string): unknown;
  writeHead(...args: unknown[]): unknown;
  write(...args: unknown[]): unknown;
  end(...args: unknown[]): unknown;
  flushHeaders(): void;
  destroy(error?: Error): unknown;
  emit(event: "drain"): boolean;
  on(event: "close", listener: () => void): unknown;
}

/** Whether the client has gone, so that nothing reaches it any more. */
export function isGone(response: NodeResponse): boolean {
  const { destroyed, stream } = response;
  if (destroyed === true) return true;
  // Over HTTP/2 many responses share a socket, and asking for it makes one.
  return stream === undefined ? response.socket?.destroyed === true : stream.destroyed;
}

/** For adapters: what the core needs to see of a Node request. */
export class NodeIncoming implements Incoming {
  readonly #request: NodeRequest;
  readonly #target: string | undefined;

  /** @param target where the request was sent, if the framework knows it better. */
  constructor(request: NodeRequest, target?: string) {
    this.#request = request;
    this.#target = target;
  }

  get method(): string {
    return (this.#request.method ?? "GET").toUpperCase();
  }

  get isUpgraded(): boolean {
    const { headers, socket } = this.#request;
    if (headers["upgrade"] === undefined || !asksForSocket(this) || !socket) return false;
    if (!/\bupgrade\b/i.test(this.header("connection") ?? "")) return false;
    // A server without a listener for upgrades answers such requests like any other. One that has given the connection
    // away reads no more requests from it.
    const server: unknown = Reflect.get(socket, "server");
    const isRead = Boolean(Reflect.get(socket, "parser"));
    return !isRead && server instanceof EventEmitter && server.listenerCount("upgrade") > 0;
  }

  get path(): string | undefined {
    return (this.#target ?? this.#request.originalUrl ?? this.#request.url)?.split("?", 1)[0];
  }

  get secure(): boolean | undefined {
    const { headers, socket } = this.#request;
    const scheme = headers[":scheme"]; // of HTTP/2
    if (scheme !== undefined) return scheme === "https";
    return socket ? "encrypted" in socket && socket.encrypted === true : undefined;
  }

  header(name: string): string | undefined {
    // Asked for no sooner than needed: Node sorts a request's headers then.
    const { headers } = this.#request;
    // HTTP/2 says in `:authority` what HTTP/1 says in `Host` (RFC 9113 8.3.1).
    const value = headers[name] ?? (name === "host" ? headers[":authority"] : undefined);
    return typeof value === "object" ? value.join(", ") : value;
  }
}

/**
 * For adapters: lets the listeners of a request run where its handler runs, so that `sessions.current()`
 * works in `request.on("end", …)` and in a parser that reads the body by itself; Node emits outside.
 */
export function emitWithin(request: NodeRequest, run: (work: () => unknown) => unknown): void {
  // Others have no body to listen to.
  if (request.method === "GET" || request.method === "HEAD") return;
  const emit: unknown = Reflect.get(request, "emit");
  if (typeof emit !== "function") return;
  const value = (...args: unknown[]): unknown => run((): unknown => Reflect.apply(emit, request, args));
  Object.defineProperty(request, "emit", { value, configurable: true, writable: true });
}

/** A Node response's headers, to be merged into. */
export function headersOf(response: NodeResponse): HeaderTarget {
  return {
    get: (name) => joined(response.getHeader(name)),
    set: (name, value) => void response.setHeader(name, value),
    append(name, value) {
      const held = response.getHeader(name);
      // `appendHeader` would add to the very list that the app gave, which it may give to other visitors, too.
      response.setHeader(name, held === undefined ? value : [held, value].flat());
    },
  };
}

/** A header's value as one text. */
export function joined(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return [value].flat().map(String).join(", ");
}

/** Headers that describe a body, and go when it goes; the app's cookies belong to its page as well. */
const ofThePage =
  /^(?:content-(?!security-policy).*|etag|last-modified|accept-ranges|age|cache-control|expires|location|refresh|link|trailer|transfer-encoding|(?:repr-)?digest|set-cookie)$/;

/** Removes what speaks of a page that will not be sent. */
export function clearPage(response: NodeResponse): void {
  for (const name of response.getHeaderNames()) if (ofThePage.test(name)) response.removeHeader(name);
}

/** For adapters: answers a Node request without a page. */
export function sendBare(response: NodeResponse, { status, headers, body }: BareAnswer): void {
  clearPage(response);
  response.statusCode = status;
  response.setHeader("content-length", Buffer.byteLength(body));
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(body);
}
