import { StoreError } from "../errors.ts";
import { takeHead } from "./node-head.ts";
import { assertWritable } from "./node-errors.ts";
import { headersOf } from "./node-message.ts";
import type { NodeResponse } from "./node-message.ts";
import { callbackIn, isReplayed } from "./outlets.ts";
import type { Outlet, Outlets, Taker } from "./outlets.ts";
import { applyHeaders } from "./response-headers.ts";
import type { ResponseHeaders } from "./response-headers.ts";

/** What a Node response becomes when its commit has failed: the error's answer, and nothing of the page. */
export class FailureAnswer implements Taker {
  readonly #response: NodeResponse;
  readonly #outlets: Outlets;
  /** What the answer must carry, until it does. */
  #owed: ResponseHeaders | undefined;
  #isGiven = false;

  constructor(response: NodeResponse, outlets: Outlets, owed: ResponseHeaders | undefined) {
    this.#response = response;
    this.#outlets = outlets;
    this.#owed = owed;
  }

  /** Has the failure answered, with 503 or 500. Where the app's own page for an outage fails, that is answered, too. */
  async give(answer: (failure: unknown) => unknown, failure: unknown): Promise<void> {
    const response = this.#response;
    // An accessor in HTTP/2, which has no such thing and warns.
    if (Object.hasOwn(response, "statusMessage")) Reflect.set(response, "statusMessage", "");
    response.statusCode = failure instanceof StoreError ? 503 : 500;
    try {
      await answer(failure);
    } catch (error) {
      if (response.headersSent || !(failure instanceof StoreError)) giveUp(response, error);
      else await this.give(answer, new Error("The answer to an outage failed.", { cause: error }));
    }
  }

  /** Once the error is answered, what the handler still writes goes nowhere. */
  take(outlet: Outlet, args: readonly unknown[]): unknown {
    const response = this.#response;
    if (this.#isGiven && !isReplayed(response)) return discard(response, outlet, args);
    let sent = args;
    if (this.#owed !== undefined) {
      if (outlet === "writeHead") sent = takeHead(response, args);
      const owed = this.#owed;
      this.#owed = undefined;
      applyHeaders(headersOf(response), owed);
    }
    const result: unknown = Reflect.apply(this.#outlets[outlet], response, sent);
    if (outlet === "end") this.#isGiven = true;
    return result;
  }
}

/** Does what Node does with a call on a response that has ended: its callback gets an error, but for an `end` over HTTP/2. */
export function afterEnd(response: NodeResponse, outlet: Outlet, args: readonly unknown[]): unknown {
  if (outlet === "end" && response.stream !== undefined) return discard(response, outlet, args);
  if (outlet === "write" && response.stream === undefined) assertWritable(outlet, args.slice(0, 1));
  const callback = callbackIn(args);
  if (callback !== undefined) {
    const isEnd = outlet === "end" && args[0] === callback;
    const code = isEnd ? "ERR_STREAM_ALREADY_FINISHED" : "ERR_STREAM_WRITE_AFTER_END";
    const error = Object.assign(new Error("The response has ended; nothing can be written to it any more."), {
      code,
    });
    process.nextTick(callback, error);
  }
  if (outlet === "flushHeaders") return undefined;
  return outlet === "write" ? false : response;
}

/** Does nothing with a call but what its caller waits for. */
export function discard(response: NodeResponse, outlet: Outlet, args: readonly unknown[]): unknown {
  const callback = callbackIn(args);
  if (callback !== undefined) process.nextTick(callback);
  return outlet === "write" ? false : response;
}

/** The answer has begun, so that nobody can be told of the error any more but by its end. */
export function giveUp(response: NodeResponse, error: unknown): void {
  // oxlint-disable-next-line no-console -- what every server does with an error nobody handles
  console.error(error);
  if (!response.writableEnded) response.destroy();
}
