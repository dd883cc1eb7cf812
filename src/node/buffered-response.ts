import { EventEmitter } from "node:events";
import { isThenable } from "../runtime/maybe-promise.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Exchange, AccessListener, Committed } from "../exchange/exchange.ts";
import { rejectWriteAfterEnd, discardWrite, ErrorResponse, abortResponse } from "./error-response.ts";
import { DrainListeners } from "./drain-listeners.ts";
import { assertWritable, isBareEnd, throwHeadersSent } from "./errors.ts";
import {
  assertWriteHead,
  mergeHeaders,
  isStatus,
  keepHeaders,
  statusOfWriteHead,
  applyWriteHead,
} from "./write-head.ts";
import type { WriteHeadArgs } from "./write-head.ts";
import { removeRepresentationHeaders, headersOf, isClientGone } from "./messages.ts";
import type { NodeResponse } from "./messages.ts";
import { guardStream } from "./http2-stream.ts";
import { interceptWrites, isIntercepted, replay, unwrap } from "./write-methods.ts";
import type { Call, WriteMethod, WriteMethods, WriteInterceptor } from "./write-methods.ts";
import { deferDestroy, deferSocketClose } from "./deferred-close.ts";
import { applyHeaders, addsNothing } from "../http/response-headers.ts";
import type { ResponseHeaders } from "../http/response-headers.ts";
import {
  pretendFinished,
  pretendHeadersSent,
  pretendWritten,
  restoreFinished,
  restoreHeadersSent,
} from "./apparent-state.ts";
import type { ApparentState } from "./apparent-state.ts";

/**
 * For adapters of Node servers: holds a response back from its first byte until the exchange is settled, however it is
 * written. `writeHead` alone sends nothing yet, as in Node's HTTP/1. Then it goes out as it was written, callbacks,
 * back-pressure and all. Where nobody asked for the session or the cookies nothing is held.
 *
 * What wrapped the response before this sees one that nobody has written to yet, when the waiting calls are
 * made; what wraps it later has its `writeHead` called at the first write, as Node does.
 *
 * If the commit fails what was written is dropped, and `answer` has the response to itself: status
 * 503 or 500, without the headers that described the page. What the session makes a response carry
 * is added to whatever it sends. When the client goes away before the response began, nothing of it is kept.
 *
 * @returns the hold there is, if the exchange's response is held already.
 */
export function bufferResponse<Data extends object>(
  response: NodeResponse,
  exchange: Exchange<Data>,
  answer: (failure: unknown) => unknown,
): BufferedResponse {
  const { accessListener } = exchange;
  return accessListener instanceof ResponseBuffer
    ? accessListener
    : new ResponseBuffer(response, exchange, answer);
}

/** A response that is held. */
export interface BufferedResponse {
  /**
   * Drops the answer of a handler that failed with this error. @returns `"now"` if the response can be answered anew,
   * `"later"` if it will be when the commit is through, `"sent"` if it is too late.
   */
  abandon(error?: unknown): "now" | "later" | "sent";
}

/**
 * - `open`: nothing written yet.
 * - `headed`: writeHead was called, and nothing has to leave yet.
 * - `held`: written to, and waiting for the commit.
 * - `passing`: the commit is acknowledged; everything goes straight through.
 * - `answering`: the commit failed; what is written now is the error's answer.
 */
type State = "open" | "headed" | "held" | "passing" | "answering";

class ResponseBuffer<Data extends object>
  implements BufferedResponse, ApparentState, WriteInterceptor, AccessListener
{
  readonly #response: NodeResponse;
  readonly #exchange: Exchange<Data>;
  readonly #answer: (failure: unknown) => unknown;
  readonly #outlets: WriteMethods;
  readonly #drain: DrainListeners | undefined;
  #state: State = "open";
  /** What writeHead was given, until it leaves. */
  #head: WriteHeadArgs | undefined;
  /** What wraps the response from outside has seen its head; it must not see it twice. */
  #hasShownHead = false;
  #isShowingHead = false;
  /** What came after, while it waits for the commit. */
  readonly #calls: Call[] = [];
  #isShut = false;
  #isEnded = false;
  #status = 200;
  #message: string | undefined;
  /** What the handler failed with while its answer waited. */
  #error: { readonly thrown: unknown } | undefined;
  #letGo: ((() => void) | undefined)[] = [];
  #failureAnswer: ErrorResponse | undefined;

  constructor(response: NodeResponse, exchange: Exchange<Data>, answer: (failure: unknown) => unknown) {
    this.#response = response;
    this.#exchange = exchange;
    this.#answer = answer;
    this.#drain = DrainListeners.of(response);
    this.#outlets = interceptWrites(response, this);
    exchange.onFirstAccess(this);
  }

  get isShut(): boolean {
    return this.#isShut;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get isFull(): boolean {
    return this.#state === "held" && !this.#isEnded;
  }

  abandon(error?: unknown): "now" | "later" | "sent" {
    if (this.#state === "headed") {
      if (error !== undefined && !isIntercepted(this.#response)) {
        // Whoever wraps the response may have begun with the page: the answer must go round it.
        this.#error = { thrown: error };
        this.#state = "held";
        void this.#releaseAfter(this.#exchange.commit("threw"));
        return "later";
      }
      this.#dropHead();
    } else if (this.#state === "held" && !this.#isEnded && error !== undefined) {
      this.#error = { thrown: error };
      return "later";
    } else if (this.#response.headersSent || isClientGone(this.#response)) return "sent";
    // Who wrapped the response before has kept what passed here.
    else if (this.#state === "passing") removeRepresentationHeaders(this.#response);
    else if (this.#state !== "open") return "sent";
    this.#state = "open";
    return "now";
  }

  take(outlet: WriteMethod, args: readonly unknown[]): unknown {
    switch (this.#state) {
      case "passing":
        return this.#send(outlet, args);
      case "open":
        return outlet === "writeHead" ? this.#applyWriteHead(args) : this.#hold(outlet, args);
      case "headed":
        return outlet === "writeHead" ? throwHeadersSent(this.#response) : this.#hold(outlet, args);
      case "held":
        return this.#queue(outlet, args);
      default:
        return this.#failureAnswer?.take(outlet, args);
    }
  }

  /** From the first look at the session on: if the client goes before the response began, the handler has failed. */
  onAccess(): void {
    const response = this.#response;
    if (response.stream !== undefined) guardStream(response.stream, this.#exchange, () => this.#state);
    if (this.#state === "open" && response.headersSent) {
      // It was answered past the response.
      this.#state = "passing";
      void this.#exchange.commit({ status: response.statusCode });
    } else if (isClientGone(response)) this.#leave();
    // A wrapper's own `on` may have other ideas of where an event comes from.
    // oxlint-disable-next-line typescript/unbound-method -- it is called on the response
    else Reflect.apply(EventEmitter.prototype.on, response, ["close", () => this.#leave()]);
  }

  #leave(): void {
    if (this.#state !== "open" && this.#state !== "headed") return;
    this.#isShut = false;
    this.#state = "passing";
    void this.#exchange.clientLeft();
  }

  /** Does what the response itself does. */
  #send(outlet: WriteMethod, args: readonly unknown[]): unknown {
    return Reflect.apply(this.#outlets[outlet], this.#response, args);
  }

  #applyWriteHead(args: WriteHeadArgs): unknown {
    const status = statusOfWriteHead(this.#response, args[0]);
    if (status === undefined) return this.#send("writeHead", args);
    if (args.length > 1) assertWriteHead(this.#response, args);
    this.#response.statusCode = status;
    this.#status = status;
    if (this.#isShowingHead) {
      // The head that nobody wrote, and what wrappers have made of it: it leaves with the first byte.
      applyWriteHead(this.#response, args);
      this.#hasShownHead = true;
      return this.#response;
    }
    this.#head = [status, ...args.slice(1)];
    this.#state = "headed";
    this.#shut();
    return this.#response;
  }

  /** The first call that would have sent something. */
  #hold(outlet: WriteMethod, args: readonly unknown[]): unknown {
    const response = this.#response;
    if (outlet === "write" || outlet === "end") assertWritable(outlet, args);
    if (this.#state === "open") {
      if (!isStatus(response.statusCode)) return this.#send(outlet, args);
      this.#status = response.statusCode;
      // A wrapper that keeps the head to itself sends it with the first write; there is nothing to flush before.
      if (!this.#showHead() && outlet === "flushHeaders") return undefined;
      this.#hasShownHead ||= !isIntercepted(response);
    }
    const settled = this.#exchange.commit({ status: this.#status });
    if (!isThenable(settled) && settled.failure === undefined) {
      // Nothing to wait for; from now on a session can be read, but no longer written to.
      const sent = this.#pass(settled.headers, () => this.#send(outlet, args));
      this.#drain?.release(true);
      return sent;
    }
    if (this.#state === "open") this.#shut();
    this.#state = "held";
    pretendWritten(response, this);
    this.#letGo = [deferDestroy(response)];
    void this.#releaseAfter(settled);
    return this.#queue(outlet, args);
  }

  /** Node calls `response.writeHead` at the first write, and so tells those who wrapped it. @returns `false` if they keep it. */
  #showHead(): boolean {
    if (this.#hasShownHead || isIntercepted(this.#response)) return true;
    this.#isShowingHead = true;
    try {
      this.#response.writeHead(this.#status);
    } finally {
      this.#isShowingHead = false;
    }
    return this.#hasShownHead;
  }

  /** From here on the response looks like one whose headers have left. */
  #shut(): void {
    this.#isShut = true;
    this.#message = this.#response.statusMessage;
    pretendHeadersSent(this.#response, this);
  }

  #queue(outlet: WriteMethod, args: readonly unknown[]): unknown {
    const response = this.#response;
    if (outlet === "writeHead") return throwHeadersSent(response);
    if (this.#isEnded && !isBareEnd(outlet, args)) return rejectWriteAfterEnd(response, outlet, args);
    if (outlet === "write" || outlet === "end") assertWritable(outlet, args);
    this.#calls.push({ outlet, args });
    if (outlet === "end") {
      this.#isEnded = true;
      pretendFinished(response);
      // What is answered arrives, though its connection is given up: error handlers do that after a second answer.
      this.#letGo.push(deferSocketClose(response));
    }
    if (outlet === "flushHeaders") return undefined;
    // More is welcome at `drain`, when what is here has left.
    return outlet === "write" ? false : response;
  }

  async #releaseAfter(settled: MaybePromise<Committed>): Promise<void> {
    let headers: ResponseHeaders | undefined;
    try {
      const { failure, ...rest } = await settled;
      ({ headers } = rest);
      if (failure !== undefined) this.#fail(failure, headers);
      else if (this.#error !== undefined) this.#fail(this.#error.thrown, headers);
      else this.#release(headers);
    } catch (error) {
      this.#fail(error, headers);
    } finally {
      for (const letGo of this.#letGo) letGo?.();
    }
  }

  #release(headers: ResponseHeaders): void {
    const response = this.#response;
    // Node drops what is written when the client has gone; it would take some of these calls for mistakes.
    if (isClientGone(response)) {
      this.#reveal();
      this.#dropCalls();
      if (response.stream !== undefined && this.#isEnded) this.#send("end", []); // for its "close", after HEAD
      return;
    }
    const isFull = this.#pass(headers, () => replay(response, this.#outlets, this.#calls));
    if (!isFull && !this.#isEnded) response.emit("drain");
    this.#drain?.release(isFull);
  }

  #reveal(): void {
    if (this.#isShut) restoreHeadersSent(this.#response);
    if (this.#isEnded) restoreFinished(this.#response);
    this.#isShut = false;
    this.#state = "passing";
  }

  /** Opens the way, with the head that waited and what the session makes the response carry. */
  #pass<T>(headers: ResponseHeaders, send: () => T): T {
    const response = this.#response;
    if (this.#isShut && response.stream === undefined) response.statusMessage = this.#message;
    this.#reveal();
    if (this.#status !== response.statusCode) response.statusCode = this.#status;
    const head = this.#head;
    this.#head = undefined;
    const cookies = headers.setCookies.length === 0 ? undefined : response.getHeader("set-cookie");
    try {
      if (head !== undefined) this.#send("writeHead", mergeHeaders(response, head, headers));
      else if (!addsNothing(headers)) applyHeaders(headersOf(response), headers);
      if (!this.#hasShownHead) return send();
      const { writeHead } = response; // oxlint-disable-line typescript/unbound-method -- it is put back
      response.writeHead = this.#outlets.writeHead;
      try {
        return send();
      } finally {
        response.writeHead = writeHead;
      }
    } catch (error) {
      if (!response.headersSent) {
        // It can still be answered otherwise, and then gets what it must carry.
        this.#state = "open";
        if (cookies !== undefined) response.setHeader("set-cookie", cookies);
        else if (headers.setCookies.length > 0) response.removeHeader("set-cookie");
      }
      throw error;
    }
  }

  /** Drops what was written; the response is for the error's answer alone. */
  #fail(failure: unknown, headers?: ResponseHeaders): void {
    const response = this.#response;
    this.#reveal();
    if (response.headersSent) {
      this.#dropCalls();
      abortResponse(response, failure);
      return;
    }
    this.#state = "answering";
    unwrap(response, this);
    this.#dropCalls();
    this.#dropHead();
    this.#failureAnswer = new ErrorResponse(response, this.#outlets, headers);
    void this.#failureAnswer.give(this.#answer, failure);
  }

  #dropCalls(): void {
    for (const { outlet, args } of this.#calls.splice(0)) discardWrite(this.#response, outlet, args);
  }

  /** Takes the head back, and what describes a page; headers that any answer may have stay. */
  #dropHead(): void {
    if (this.#isShut) restoreHeadersSent(this.#response);
    this.#isShut = false;
    if (this.#head !== undefined) keepHeaders(this.#response, this.#head);
    this.#head = undefined;
    removeRepresentationHeaders(this.#response);
  }
}
