/** What the core needs to see of a request, whatever the framework. */
export interface Incoming {
  /** In upper case. */
  readonly method: string;
  /** The whole path that was asked for, as it was sent and without the query; needed for `crossOrigin.exemptPaths` alone. */
  readonly path?: string | undefined;
  /** A header's value by its lower-case name; several Cookie headers joined with `"; "`. */
  header(name: string): string | null | undefined;
  /**
   * For adapters that know better than the Cookie header, since something in the same request has changed
   * a cookie: the values of the session cookie. Default: those in the header, in the order they came.
   */
  readonly cookieValues?: ((name: string) => readonly string[]) | undefined;
  /** Whether it came over TLS; `undefined` where nobody knows. Looked at for warnings only. */
  readonly secure?: boolean | undefined;
  /** Whether the server has given the connection away to become a WebSocket, so that there will be no response. */
  readonly isUpgraded?: boolean | undefined;
  /** Whether this request was made from another one on its way to a handler, as mounted apps get theirs. */
  isMadeFrom?(outer: Incoming): boolean;
}

/**
 * Whether a request asks to become a WebSocket (RFC 6455 4.1; over HTTP/2 an adapter makes it look so, RFC 8441).
 * Anybody can ask; most servers answer with a page all the same.
 *
 * @internal
 */
export function asksForSocket(request: Incoming): boolean {
  return request.header("upgrade")?.toLowerCase() === "websocket";
}

/** Browsers' names for themselves are cut to this many characters. */
const maxAgentLength = 256;

/** The browser's own name for itself, kept with a login for the list of devices. */
export function agentOf(request: Incoming): string {
  return (request.header("user-agent") ?? "").slice(0, maxAgentLength).toWellFormed();
}

/** Where browsers and libraries say what a request is for; Turbo 8 and Safari add an `X-`. */
const purposeHeaders = ["sec-purpose", "purpose", "x-sec-purpose", "x-purpose", "x-moz"];

/** What libraries add to a request only when they fetch ahead: htmx, and the two routers of Next.js. */
const aheadHeaders = [
  "hx-preloaded",
  "next-router-prefetch",
  "next-router-segment-prefetch",
  "x-middleware-prefetch",
];

/** `true` when a person will see the answer: not for HEAD, and not for what is fetched on a guess. */
export function isSeenByPerson(request: Incoming): boolean {
  if (request.method === "HEAD") return false;
  const isAhead = (name: string): boolean => /prefetch|prerender|preview/i.test(request.header(name) ?? "");
  return !purposeHeaders.some(isAhead) && !aheadHeaders.some((name) => Boolean(request.header(name)));
}
