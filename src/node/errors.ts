import type { NodeResponse } from "./messages.ts";
import type { WriteMethod } from "./write-methods.ts";

/** Whether a call ends a response and writes nothing. */
export function isBareEnd(outlet: WriteMethod, [chunk]: readonly unknown[]): boolean {
  return outlet === "end" && (!chunk || typeof chunk === "function");
}

/**
 * Throws what Node throws at once for a chunk that is none: waiting with it for the commit would make a
 * failure of the handler look like a page.
 */
export function assertWritable(outlet: "write" | "end", [chunk, encoding]: readonly unknown[]): void {
  if (isBareEnd(outlet, [chunk])) return;
  if (typeof chunk === "string") {
    if (typeof encoding !== "string" || encoding === "" || Buffer.isEncoding(encoding)) return;
    throw Object.assign(new TypeError(`Unknown encoding: ${encoding}`), { code: "ERR_UNKNOWN_ENCODING" });
  }
  if (chunk instanceof Uint8Array) return;
  const error = new TypeError("A response is written in strings and Uint8Arrays.");
  throw Object.assign(error, {
    code: chunk === null ? "ERR_STREAM_NULL_VALUES" : "ERR_INVALID_ARG_TYPE",
  });
}

/** Throws what Node throws when headers of a response are changed that have left. */
export function throwHeadersSent({ stream }: NodeResponse): never {
  const error = new Error("The response has been written to; its headers can't be changed any more.");
  throw Object.assign(error, {
    code: stream === undefined ? "ERR_HTTP_HEADERS_SENT" : "ERR_HTTP2_HEADERS_SENT",
  });
}
