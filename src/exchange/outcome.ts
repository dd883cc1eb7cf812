import type { ResponseHeaders } from "../http/response-headers.ts";

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
