/** What the core needs to see of a request, whatever the framework. */
export interface Incoming {
  /** In upper case. */
  readonly method: string;
  /** A header's value by its lower-case name; several Cookie headers joined with `"; "`. */
  header(name: string): string | null | undefined;
  /**
   * For adapters that know better than the Cookie header, since something in the same request has changed
   * a cookie: the values of the session cookie. Default: those in the header, in the order they came.
   */
  readonly cookieValues?: ((name: string) => readonly string[]) | undefined;
  /** Whether this request was made from another one on its way to a handler, as mounted apps get theirs. */
  isMadeFrom?(outer: Incoming): boolean;
}

/** Whether a request wants to become a WebSocket (RFC 6455 4.1; over HTTP/2 an adapter makes it look so, RFC 8441). */
export function isHandshake(request: Incoming): boolean {
  return request.header("upgrade")?.toLowerCase() === "websocket";
}

/** Browsers' names for themselves are cut to this many characters. */
const maxAgentLength = 256;

/** The browser's own name for itself, kept with a login for the list of devices. */
export function agentOf(request: Incoming): string {
  return (request.header("user-agent") ?? "").slice(0, maxAgentLength).toWellFormed();
}

/** `true` when a person will see the answer: not for HEAD, and not for what a browser fetches on a guess. */
export function isSeenByPerson(request: Incoming): boolean {
  if (request.method === "HEAD") return false;
  const purpose = request.header("sec-purpose") ?? request.header("purpose") ?? request.header("x-moz") ?? "";
  return !/prefetch|prerender|preview/i.test(purpose);
}
