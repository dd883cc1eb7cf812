/** What the core needs to see of a request, whatever the framework. */
export interface Incoming {
  /** In upper case. */
  readonly method: string;
  /** A header's value by its lower-case name; several Cookie headers joined with `"; "`. */
  header(name: string): string | null | undefined;
}

/** What a session needs to know of the request it serves. */
export interface RequestFacts {
  /** The browser's own name for itself, kept with a login for the list of devices. */
  readonly agent: string;
  /** `false` for HEAD and prefetches, which nobody sees: they never take a flash message. */
  readonly isSeen: boolean;
}

/** `true` when a person will see the answer: not for HEAD, and not for what a browser fetches on a guess. */
export function isSeenByPerson(request: Incoming): boolean {
  if (request.method === "HEAD") return false;
  const purpose = request.header("sec-purpose") ?? request.header("purpose") ?? request.header("x-moz") ?? "";
  return !/prefetch|prerender|preview/i.test(purpose);
}
