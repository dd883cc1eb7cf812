import { StoreError } from "../errors.ts";
import { applyWriteHead } from "./write-head.ts";
import { headersOf } from "./messages.ts";
import type { NodeResponse } from "./messages.ts";
import { assertWritable, callbackOf, isReplayed } from "./write-methods.ts";
import type { Call, WriteMethod, WriteMethods, WriteInterceptor } from "./write-methods.ts";
import { applyHeaders } from "../http/response-headers.ts";
import type { ResponseHeaders } from "../http/response-headers.ts";

/** Writes the error response after a failed commit, and drops what else is written. */
export class ErrorResponse implements WriteInterceptor {
  readonly #response: NodeResponse;
  readonly #originals: WriteMethods;
  /** What the session adds to the response, until it is added. */
  #headers: ResponseHeaders | undefined;
  #isWritten = false;

  constructor(response: NodeResponse, originals: WriteMethods, headers: ResponseHeaders | undefined) {
    this.#response = response;
    this.#originals = originals;
    this.#headers = headers;
  }

  /** Calls `respond` with status 503 or 500 set. If it fails for an outage, calls it again with that error. */
  async write(respond: (failure: unknown) => unknown, failure: unknown): Promise<void> {
    const response = this.#response;
    // HTTP/2 has an accessor that warns.
    if (Object.hasOwn(response, "statusMessage")) Reflect.set(response, "statusMessage", "");
    response.statusCode = failure instanceof StoreError ? 503 : 500;
    try {
      await respond(failure);
    } catch (error) {
      if (response.headersSent || !(failure instanceof StoreError)) abortResponse(response, error);
      else await this.write(respond, new Error("The response to an outage failed.", { cause: error }));
    }
  }

  /** After the error response has ended, drops what the handler still writes. */
  intercept(method: WriteMethod, args: readonly unknown[]): unknown {
    const response = this.#response;
    if (this.#isWritten && !isReplayed(response)) return discardWrite(response, method, args);
    let sent = args;
    if (this.#headers !== undefined) {
      if (method === "writeHead") sent = applyWriteHead(response, args);
      const headers = this.#headers;
      this.#headers = undefined;
      applyHeaders(headersOf(response), headers);
    }
    const result: unknown = Reflect.apply(this.#originals[method], response, sent);
    if (method === "end") this.#isWritten = true;
    return result;
  }
}

/** Does what Node does with a call after the end: its callback gets an error, except for `end` over HTTP/2. */
export function rejectWriteAfterEnd(
  response: NodeResponse,
  method: WriteMethod,
  args: readonly unknown[],
): unknown {
  if (method === "end" && response.stream !== undefined) return discardWrite(response, method, args);
  if (method === "write" && response.stream === undefined) assertWritable(method, args.slice(0, 1));
  const callback = callbackOf(args);
  if (callback !== undefined) {
    const isEnd = method === "end" && args[0] === callback;
    const code = isEnd ? "ERR_STREAM_ALREADY_FINISHED" : "ERR_STREAM_WRITE_AFTER_END";
    const error = Object.assign(new Error("The response has ended and takes no more writes."), {
      code,
    });
    process.nextTick(callback, error);
  }
  if (method === "flushHeaders") return undefined;
  return method === "write" ? false : response;
}

/** Drops a call, but calls its callback. */
function discardWrite(response: NodeResponse, method: WriteMethod, args: readonly unknown[]): unknown {
  const callback = callbackOf(args);
  if (callback !== undefined) process.nextTick(callback);
  return method === "write" ? false : response;
}

/** Prints an error and destroys a response that has begun: its end is all that can still tell the client. */
export function abortResponse(response: NodeResponse, error: unknown): void {
  // oxlint-disable-next-line no-console -- what every server does with an error nobody handles
  console.error(error);
  if (!response.writableEnded) response.destroy();
}

/** Drops waiting calls, and calls their callbacks. */
export function discardWrites(response: NodeResponse, calls: Call[]): void {
  for (const { method, args } of calls.splice(0)) discardWrite(response, method, args);
}
