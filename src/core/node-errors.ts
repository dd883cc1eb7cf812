/**
 * Throws what Node throws at once for a chunk that is none: waiting with it for the commit would make a
 * failure of the handler look like a page.
 */
export function assertWritable(outlet: "write" | "end", chunk: unknown): void {
  const isNone = !chunk || typeof chunk === "function";
  if (outlet === "end" && isNone) return;
  if (typeof chunk === "string" || chunk instanceof Uint8Array) return;
  const error = new TypeError("A response is written in strings and Uint8Arrays.");
  throw Object.assign(error, { code: "ERR_INVALID_ARG_TYPE" });
}

/** Throws what Node throws when headers are changed that have left. */
export function refuseHeader(): never {
  const error = new Error("The response has been written to; its headers can't be changed any more.");
  throw Object.assign(error, { code: "ERR_HTTP_HEADERS_SENT" });
}
