import { EventEmitter } from "node:events";
import type { PlainResponse } from "../http/default-responses.ts";
import { isWebSocketRequest } from "../http/request.ts";
import type { RequestLike } from "../http/request.ts";
import type { HeaderTarget } from "../http/response-headers.ts";

/** The parts of a request of Node's `http` or `http2` that adapters use. */
export interface NodeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** The whole URL. Routers of the connect family shorten `url` on the way. */
  readonly originalUrl?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly socket?: object | null | undefined;
}

/** The parts of a response of Node's `http` or `http2` that adapters use. */
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
  /** HTTP/2 has it too; its types lack it. */
  flushHeaders?(): void;
  destroy(error?: Error): unknown;
  emit(event: "drain"): boolean;
  on(event: "close", listener: () => void): unknown;
}

/** Whether the client has gone, so that nothing can reach it. */
export function isClientGone(response: NodeResponse): boolean {
  const { destroyed, stream } = response;
  if (destroyed === true) return true;
  // Over HTTP/2 many responses share a socket, and reading the property creates a proxy of it.
  return stream === undefined ? response.socket?.destroyed === true : stream.destroyed;
}

/** For adapters: the {@link RequestLike} of a Node request. */
export class NodeRequestLike implements RequestLike {
  readonly #request: NodeRequest;
  readonly #target: string | undefined;

  /** @param target the URL as it was sent, if the framework knows it better. */
  constructor(request: NodeRequest, target?: string) {
    this.#request = request;
    this.#target = target;
  }

  get method(): string {
    return (this.#request.method ?? "GET").toUpperCase();
  }

  get isUpgraded(): boolean {
    const { headers, socket } = this.#request;
    if (headers["upgrade"] === undefined || !isWebSocketRequest(this) || !socket) return false;
    if (!/\bupgrade\b/i.test(this.header("connection") ?? "")) return false;
    // Without an `upgrade` listener, Node handles such a request like any other. After an upgrade, the connection has
    // no HTTP parser.
    const server: unknown = Reflect.get(socket, "server");
    const hasParser = Boolean(Reflect.get(socket, "parser"));
    return !hasParser && server instanceof EventEmitter && server.listenerCount("upgrade") > 0;
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
    // Read late: Node parses the headers on first access.
    const { headers } = this.#request;
    // HTTP/2 has `:authority` in place of `Host` (RFC 9113 8.3.1).
    const value = headers[name] ?? (name === "host" ? headers[":authority"] : undefined);
    return typeof value === "object" ? value.join(", ") : value;
  }
}

/**
 * For adapters: runs the listeners of a request in the async context of its handler, so that `sessions.current()` works
 * in `request.on("end", ...)` and in body parsers. Node emits these events outside of it.
 */
export function emitInContext(request: NodeRequest, run: (work: () => unknown) => unknown): void {
  // These have no body.
  if (request.method === "GET" || request.method === "HEAD") return;
  const emit: unknown = Reflect.get(request, "emit");
  if (typeof emit !== "function") return;
  const value = (...args: unknown[]): unknown => run((): unknown => Reflect.apply(emit, request, args));
  Object.defineProperty(request, "emit", { value, configurable: true, writable: true });
}

/** A Node response's headers, as `applyHeaders` needs them. */
export function headersOf(response: NodeResponse): HeaderTarget {
  return {
    get: (name) => joined(response.getHeader(name)),
    set: (name, value) => void response.setHeader(name, value),
    append(name, value) {
      const held = response.getHeader(name);
      // `appendHeader` changes the array that the app passed, which the app may pass to other visitors' responses.
      response.setHeader(name, held === undefined ? value : [held, value].flat());
    },
  };
}

/** A header's values, joined into one string. */
export function joined(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return [value].flat().map(String).join(", ");
}

/** Headers that describe a page (RFC 9110 8), and the app's cookies, which belong to its page. */
const representationHeader =
  /^(?:content-(?!security-policy).*|etag|last-modified|accept-ranges|age|cache-control|expires|location|refresh|link|trailer|transfer-encoding|(?:repr-)?digest|set-cookie)$/;

/** Removes the headers of a page that will not be sent. */
export function removeRepresentationHeaders(response: NodeResponse): void {
  for (const name of response.getHeaderNames())
    if (representationHeader.test(name)) response.removeHeader(name);
}

/** For adapters: sends a plain response, such as a 403 or 503. */
export function sendPlain(response: NodeResponse, { status, headers, body }: PlainResponse): void {
  removeRepresentationHeaders(response);
  response.statusCode = status;
  response.setHeader("content-length", Buffer.byteLength(body));
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(body);
}

/**
 * Whether a response can be buffered. Not if Node has an error of its own for its status, or if something has responded
 * on its stream.
 */
export function isBufferable(response: NodeResponse): boolean {
  return isStatus(response.statusCode) && !(response.stream !== undefined && response.headersSent);
}

/** Whether Node accepts this status. For others it throws an error of its own. */
export function isStatus(status: number): boolean {
  return status >= 100 && status <= 999;
}
