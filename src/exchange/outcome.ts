import type { ResponseHeaders } from "../http/response-headers.ts";
import type { ResponseOutcome } from "../session/commit.ts";

/**
 * How a handler ended. `takesNoCookie`: the response can't set cookies, so what needs one waits for another response.
 */
export type HandlerOutcome = { readonly status: number; readonly takesNoCookie?: true } | "threw";

/** What to do with a response after the commit. */
export interface Committed {
  readonly headers: ResponseHeaders;
  /**
   * Why the visitor must get an error with these headers instead of the response: the commit failed, or the store
   * failed when the handler needed it and the handler responded with an error other than 503. Otherwise `undefined`.
   */
  readonly failure: unknown;
}

/** A listener for the first use of an exchange. */
export interface AccessListener {
  onAccess(): void;
}

/** No cookies. */
export const none: readonly string[] = [];
/** The result for most responses. */
export const unaccessed: Committed = { headers: { setCookies: none, caching: "shared" }, failure: undefined };
/** The headers of a response that only looked at the session. */
export const readOnly: ResponseHeaders = { setCookies: none, caching: "private" };

/** The kind of response that a handler makes. */
export function outcomeOf(end: HandlerOutcome): ResponseOutcome {
  if (end === "threw" || end.status >= 500) return "failed";
  return end.status >= 300 && end.status < 400 ? "redirect" : "page";
}
