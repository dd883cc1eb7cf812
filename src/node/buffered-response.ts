import { EventEmitter } from "node:events";
import { isThenable } from "../runtime/maybe-promise.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { AccessListener, Committed } from "../exchange/outcome.ts";
import { rejectWriteAfterEnd, discardWrites, ErrorResponse, abortResponse } from "./error-response.ts";
import { DrainListeners } from "./drain-listeners.ts";
import {
  assertWritable,
  isBareEnd,
  throwHeadersSent,
  interceptWrites,
  isIntercepted,
  replay,
  unwrap,
} from "./write-methods.ts";
import { applyWriteHead, keepHeaders, mergeHeaders, statusOfWriteHead, waitingHead } from "./write-head.ts";
import { isBufferable, removeRepresentationHeaders, headersOf, isClientGone } from "./messages.ts";
import type { WriteHeadArgs } from "./write-head.ts";
import type { NodeResponse } from "./messages.ts";
import { guardStream } from "./http2-stream.ts";
import type { Call, WriteMethod, WriteMethods, WriteInterceptor } from "./write-methods.ts";
import { deferDestroy, deferSocketClose } from "./deferred-close.ts";
import { applyHeaders, addsNothing } from "../http/response-headers.ts";
import type { ResponseHeaders } from "../http/response-headers.ts";
import { pretendFinished, pretendHeadersSent, pretendWritten, restoreState } from "./apparent-state.ts";
import type { ApparentState } from "./apparent-state.ts";

/**
 * For adapters of Node servers: buffers a response from its first byte until the exchange is committed, however it is
 * written. Then it is sent as it was written, with callbacks and back-pressure. `writeHead` alone sends nothing, as in
 * Node's HTTP/1. If nobody asked for the session or the cookies, nothing is buffered. Wrappers from before this call
 * see an unwritten response when the waiting calls are made. Wrappers from after it have their `writeHead` called at
 * the first write, as Node does.
 *
 * If the commit fails, what was written is dropped, and `respond` writes an error response: its status is 503 or 500,
 * and the headers that described the page are gone. What the session adds to a response is added to whatever it
 * sends. If the client leaves before the response begins, nothing the handler did is kept.
 *
 * @returns the buffer of the exchange's response, if it has one already.
 */
export function bufferResponse<Data extends object>(
  response: NodeResponse,
  exchange: Exchange<Data>,
  respond: (failure: unknown) => unknown,
): BufferedResponse {
  const existing = exchange.accessListener;
  return existing instanceof ResponseBuffer ? existing : new ResponseBuffer(response, exchange, respond);
}

/** A response that waits for the commit. */
export interface BufferedResponse {
  /**
   * Drops the response of a handler that failed with this error.
   *
   * @returns `"now"` if an error response can be written now, `"later"` if `respond` will be called after the commit,
   *   `"sent"` if it is too late.
   */
  reset(error?: unknown): "now" | "later" | "sent";
}

/**
 * - `untouched`: nothing was written.
 * - `head-written`: writeHead was called, and nothing has to be sent yet.
 * - `buffering`: written to, and waiting for the commit.
 * - `passthrough`: committed; calls go straight to the response.
 * - `failed`: the commit failed; what is written now is the error response.
 */
type State = "untouched" | "head-written" | "buffering" | "passthrough" | "failed";

class ResponseBuffer<Data extends object>
  implements BufferedResponse, ApparentState, WriteInterceptor, AccessListener
{
  readonly #response: NodeResponse;
  readonly #exchange: Exchange<Data>;
  readonly #respond: (failure: unknown) => unknown;
  readonly #originals: WriteMethods;
  readonly #drain: DrainListeners | undefined;
  #state: State = "untouched";
  /** The arguments of writeHead, until they are sent. */
  #head: WriteHeadArgs | undefined;
  #isAnnouncingHead = false;
  #isHeadAnnounced = false; // Wrappers must not see the head twice.
  /** The calls after writeHead that wait for the commit. */
  readonly #calls: Call[] = [];
  #areHeadersSent = false;
  #isEnded = false;
  #status = 200;
  #message: string | undefined;
  #error: { readonly thrown: unknown } | undefined; // Of a handler that failed while its response waited.
  #releaseDeferred: ((() => void) | undefined)[] = [];
  #errorResponse: ErrorResponse | undefined;

  constructor(response: NodeResponse, exchange: Exchange<Data>, respond: (failure: unknown) => unknown) {
    this.#response = response;
    this.#exchange = exchange;
    this.#respond = respond;
    this.#drain = Object.hasOwn(response, "on") ? new DrainListeners(response) : undefined;
    this.#originals = interceptWrites(response, this);
    exchange.onFirstAccess(this);
  }

  get areHeadersSent(): boolean {
    return this.#areHeadersSent;
  }
  get isEnded(): boolean {
    return this.#isEnded;
  }
  get needsDrain(): boolean {
    return this.#state === "buffering" && !this.#isEnded && DrainListeners.areOn(this.#response, this.#drain);
  }

  reset(error?: unknown): "now" | "later" | "sent" {
    if (this.#state === "head-written") {
      if (error !== undefined && !isIntercepted(this.#response)) {
        // A wrapper may have begun with the page, so the error response must bypass it.
        this.#error = { thrown: error };
        this.#state = "buffering";
        void this.#sendAfter(this.#exchange.commit("threw"));
        return "later";
      }
      this.#restoreState();
      this.#dropHead();
    } else if (this.#state === "buffering" && !this.#isEnded && error !== undefined) {
      this.#error = { thrown: error };
      return "later";
    } else if (this.#response.headersSent || isClientGone(this.#response)) return "sent";
    // A wrapper from before has kept what was written.
    else if (this.#state === "passthrough") removeRepresentationHeaders(this.#response);
    else if (this.#state !== "untouched") return "sent";
    this.#state = "untouched";
    return "now";
  }

  intercept(method: WriteMethod, args: readonly unknown[]): unknown {
    switch (this.#state) {
      case "passthrough":
        return this.#send(method, args);
      case "untouched":
        return method === "writeHead" ? this.#applyWriteHead(args) : this.#commitAndWrite(method, args);
      case "head-written":
        return method === "writeHead" ? throwHeadersSent(this.#response) : this.#commitAndWrite(method, args);
      case "buffering":
        return this.#queue(method, args);
      default:
        return this.#errorResponse?.intercept(method, args);
    }
  }

  /** From the first access on, a client that leaves before the response begins counts as a failure of the handler. */
  onAccess(): void {
    const response = this.#response;
    if (response.stream !== undefined) guardStream(response.stream, this.#exchange, () => this.#state);
    if (this.#state === "untouched" && response.headersSent) {
      // Something has bypassed the response's methods.
      this.#state = "passthrough";
      void this.#exchange.commit({ status: response.statusCode });
    } else if (isClientGone(response)) this.#noteClientLeft();
    // A wrapper may have replaced `on`.
    // oxlint-disable-next-line typescript/unbound-method -- it is called on the response
    else Reflect.apply(EventEmitter.prototype.on, response, ["close", () => this.#noteClientLeft()]);
  }

  #noteClientLeft(): void {
    if (this.#state !== "untouched" && this.#state !== "head-written") return;
    this.#areHeadersSent = false;
    this.#state = "passthrough";
    this.#drain?.release(true);
    void this.#exchange.clientLeft();
  }

  /** Calls the original method. */
  #send(method: WriteMethod, args: readonly unknown[]): unknown {
    return Reflect.apply(this.#originals[method], this.#response, args);
  }

  #applyWriteHead(args: WriteHeadArgs): unknown {
    const status = statusOfWriteHead(this.#response, args);
    if (status === undefined) return this.#send("writeHead", args);
    this.#response.statusCode = status;
    this.#status = status;
    if (this.#isAnnouncingHead) {
      // An implicit head, as changed by wrappers. It is sent with the first byte.
      applyWriteHead(this.#response, args);
      this.#isHeadAnnounced = true;
      return this.#response;
    }
    this.#head = waitingHead(this.#response, [status, ...args.slice(1)]);
    this.#state = "head-written";
    this.#showHeadersSent();
    return this.#response;
  }

  /** Handles the first call that would send something. */
  #commitAndWrite(method: WriteMethod, args: readonly unknown[]): unknown {
    const response = this.#response;
    if (method === "write" || method === "end") assertWritable(method, args);
    if (this.#state === "untouched") {
      if (!isBufferable(response)) return this.#send(method, args);
      this.#status = response.statusCode;
      // A wrapper that keeps the head sends it with the first write, so there is nothing to flush yet.
      if (!this.#announceHead() && method === "flushHeaders") return undefined;
      this.#isHeadAnnounced ||= !isIntercepted(response);
    }
    const committed = this.#exchange.commit({ status: this.#status });
    if (!isThenable(committed) && committed.failure === undefined) {
      // Nothing to wait for. From now on the session can only be read.
      const sent = this.#pass(committed.headers, () => this.#send(method, args));
      this.#drain?.release(true);
      return sent;
    }
    if (this.#state === "untouched") this.#showHeadersSent();
    this.#state = "buffering";
    pretendWritten(response, this);
    this.#releaseDeferred = [deferDestroy(response)];
    void this.#sendAfter(committed);
    return this.#queue(method, args);
  }

  /** Calls `response.writeHead`, as Node does at the first write, for its wrappers. @returns `false` if they keep the head. */
  #announceHead(): boolean {
    if (this.#isHeadAnnounced || isIntercepted(this.#response)) return true;
    this.#isAnnouncingHead = true;
    try {
      this.#response.writeHead(this.#status);
    } finally {
      this.#isAnnouncingHead = false;
    }
    return this.#isHeadAnnounced;
  }

  /** From here on the response looks like one whose headers are sent. */
  #showHeadersSent(): void {
    this.#areHeadersSent = true;
    this.#message = this.#response.statusMessage;
    pretendHeadersSent(this.#response, this);
  }

  #queue(method: WriteMethod, args: readonly unknown[]): unknown {
    const response = this.#response;
    if (method === "writeHead") return throwHeadersSent(response);
    if (this.#isEnded && !isBareEnd(method, args)) return rejectWriteAfterEnd(response, method, args);
    if (method === "write" || method === "end") assertWritable(method, args);
    this.#calls.push({ method, args });
    if (method === "end") {
      this.#isEnded = true;
      pretendFinished(response);
      // The response must arrive although its connection is ended, as error handlers do after a second response.
      this.#releaseDeferred.push(deferSocketClose(response));
    }
    if (method === "flushHeaders") return undefined;
    // `drain` follows when the waiting calls are made.
    return method === "write" ? false : response;
  }

  async #sendAfter(committed: MaybePromise<Committed>): Promise<void> {
    let headers: ResponseHeaders | undefined;
    try {
      const { failure, ...rest } = await committed;
      ({ headers } = rest);
      if (failure !== undefined) this.#fail(failure, headers);
      else if (this.#error !== undefined) this.#fail(this.#error.thrown, headers);
      else this.#sendBuffered(headers);
    } catch (error) {
      this.#fail(error, headers);
    } finally {
      for (const release of this.#releaseDeferred) release?.();
    }
  }

  #sendBuffered(headers: ResponseHeaders): void {
    const response = this.#response;
    // Node drops what is written after the client has gone, and would report some of these calls as mistakes.
    if (isClientGone(response)) {
      this.#restoreState();
      discardWrites(this.#response, this.#calls);
      if (response.stream !== undefined && this.#isEnded) this.#send("end", []); // for its "close", after HEAD
      // The first write into a compressor's stream would have found room there.
      this.#drain?.release(false);
      return;
    }
    const isFull = this.#pass(headers, () => replay(response, this.#originals, this.#calls));
    if (!isFull && !this.#isEnded) response.emit("drain");
    this.#drain?.release(isFull);
  }

  #restoreState(): void {
    if (this.#areHeadersSent || this.#isEnded) restoreState(this.#response, this);
    this.#areHeadersSent = false;
    this.#state = "passthrough";
  }

  /** Lets calls through, after adding what the session adds to the response. */
  #pass<T>(headers: ResponseHeaders, send: () => T): T {
    const response = this.#response;
    if (this.#areHeadersSent && response.stream === undefined) response.statusMessage = this.#message;
    this.#restoreState();
    if (this.#status !== response.statusCode) response.statusCode = this.#status;
    const head = this.#head;
    this.#head = undefined;
    const cookies = headers.setCookies.length === 0 ? undefined : response.getHeader("set-cookie");
    try {
      if (head !== undefined) this.#send("writeHead", mergeHeaders(response, head, headers));
      else if (!addsNothing(headers)) applyHeaders(headersOf(response), headers);
      if (!this.#isHeadAnnounced) return send();
      const { writeHead } = response; // oxlint-disable-line typescript/unbound-method -- it is put back
      response.writeHead = this.#originals.writeHead;
      try {
        return send();
      } finally {
        response.writeHead = writeHead;
      }
    } catch (error) {
      if (!response.headersSent) {
        // Another response can still be written. It gets these headers itself.
        this.#state = "untouched";
        if (cookies !== undefined) response.setHeader("set-cookie", cookies);
        else if (headers.setCookies.length > 0) response.removeHeader("set-cookie");
      }
      throw error;
    }
  }

  /** Drops what was written, and writes an error response. */
  #fail(failure: unknown, headers?: ResponseHeaders): void {
    const response = this.#response;
    this.#restoreState();
    if (response.headersSent) {
      discardWrites(this.#response, this.#calls);
      abortResponse(response, failure);
      return;
    }
    this.#state = "failed";
    unwrap(response, this);
    discardWrites(this.#response, this.#calls);
    this.#dropHead();
    this.#errorResponse = new ErrorResponse(response, this.#originals, headers);
    void this.#errorResponse.write(this.#respond, failure);
  }

  /** Drops the head and the headers that describe a page. Headers that any response may have stay. */
  #dropHead(): void {
    if (this.#head !== undefined) keepHeaders(this.#response, this.#head);
    this.#head = undefined;
    removeRepresentationHeaders(this.#response);
  }
}
