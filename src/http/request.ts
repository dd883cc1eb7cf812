/** The parts of a request that sessions need, for any framework. */
export interface RequestLike {
  /** In upper case. */
  readonly method: string;
  /** The full path as the client sent it, without the query. Needed only for `crossOrigin.exemptPaths`. */
  readonly path?: string | undefined;
  /** Returns a header's value by its lower-case name. Several Cookie headers are joined with `"; "`. */
  header(name: string): string | null | undefined;
  /**
   * Returns the values of the session cookie, for adapters that know of a cookie that was changed earlier in the
   * same request. Default: the values in the Cookie header, in order.
   */
  readonly cookieValues?: ((name: string) => readonly string[]) | undefined;
  /** Whether it came over TLS; `undefined` if unknown. Used only for warnings. */
  readonly secure?: boolean | undefined;
  /** Whether the server has handed the connection over to a WebSocket, so that there will be no response. */
  readonly isUpgraded?: boolean | undefined;
  /** Whether this request was derived from another one on its way to a handler, as for mounted apps. */
  isDerivedFrom?(outer: RequestLike): boolean;
}

/**
 * Whether a request asks for a WebSocket (RFC 6455 4.1; over HTTP/2 an adapter makes it look that way, RFC 8441).
 * Any client can ask; most servers still respond with a page.
 *
 * @internal
 */
export function isWebSocketRequest(request: RequestLike): boolean {
  return request.header("upgrade")?.toLowerCase() === "websocket";
}

/** Longer User-Agent headers are cut to this many characters. */
const maxAgentLength = 256;

/** Returns the User-Agent, which is stored with a login for the list of devices. */
export function userAgentOf(request: RequestLike): string {
  return (request.header("user-agent") ?? "").slice(0, maxAgentLength).toWellFormed();
}

/** Headers in which browsers and libraries state the purpose of a request; Turbo 8 and Safari add an `X-`. */
const purposeHeaders = ["sec-purpose", "purpose", "x-sec-purpose", "x-purpose", "x-moz"];

/** Headers that libraries add only to prefetches: htmx, and the two routers of Next.js. */
const aheadHeaders = [
  "hx-preloaded",
  "next-router-prefetch",
  "next-router-segment-prefetch",
  "x-middleware-prefetch",
];

/** Whether a person will see the response: not for HEAD and prefetches. */
export function isShownToPerson(request: RequestLike): boolean {
  if (request.method === "HEAD") return false;
  const isAhead = (name: string): boolean => /prefetch|prerender|preview/i.test(request.header(name) ?? "");
  return !purposeHeaders.some(isAhead) && !aheadHeaders.some((name) => Boolean(request.header(name)));
}
