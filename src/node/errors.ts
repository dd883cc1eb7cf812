import type { NodeResponse } from "./messages.ts";
import type { WriteMethod } from "./write-methods.ts";

/** Whether a call ends a response without writing a chunk. */
export function isBareEnd(method: WriteMethod, [chunk]: readonly unknown[]): boolean {
  return method === "end" && (!chunk || typeof chunk === "function");
}

/**
 * Throws what Node throws at once for a chunk of another type. If this waited for the commit, a failure of the handler
 * would count as a page.
 */
export function assertWritable(method: "write" | "end", [chunk, encoding]: readonly unknown[]): void {
  if (isBareEnd(method, [chunk])) return;
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

/** Throws what Node throws when headers are changed after they were sent. */
export function throwHeadersSent({ stream }: NodeResponse): never {
  const error = new Error("The response's headers are sent and can't be changed.");
  throw Object.assign(error, {
    code: stream === undefined ? "ERR_HTTP_HEADERS_SENT" : "ERR_HTTP2_HEADERS_SENT",
  });
}
