import { EventEmitter } from "node:events";
import { isThenable } from "./awaitable.ts";
import type { Awaitable } from "./awaitable.ts";
import type { Exchange, ExchangeWatcher, Settled } from "./exchange.ts";
import { afterEnd, discard, FailureAnswer, giveUp } from "./failure-answer.ts";
import { HeldDrain } from "./held-drain.ts";
import { assertWritable, isBareEnd, refuseHeader } from "./node-errors.ts";
import { canBeHeld, headWith, keepHeaders, statusGiven, takeHead, waitingHead } from "./node-head.ts";
import type { Head } from "./node-head.ts";
import { clearPage, headersOf, isGone } from "./node-message.ts";
import type { NodeResponse } from "./node-message.ts";
import { guardStream } from "./node-stream.ts";
import { interceptOutlets, isIntercepted, replay, unwrap } from "./outlets.ts";
import type { Call, Outlet, Outlets, Taker } from "./outlets.ts";
import { keepResponse, keepSocket } from "./put-off.ts";
import { applyHeaders, isUntouched } from "./response-headers.ts";
import type { ResponseHeaders } from "./response-headers.ts";
import {
  dressAsFinished,
  dressAsHeaded,
  dressAsWritten,
  undressFinish,
  undressHead,
} from "./shut-response.ts";
import type { Appearance } from "./shut-response.ts";

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
export function holdResponse<Data extends object>(
  response: NodeResponse,
  exchange: Exchange<Data>,
  answer: (failure: unknown) => unknown,
): Hold {
  const { watcher } = exchange;
  return watcher instanceof HeldResponse ? watcher : new HeldResponse(response, exchange, answer);
}

/** A response that is held. */
export interface Hold {
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

class HeldResponse<Data extends object> implements Hold, Appearance, Taker, ExchangeWatcher {
  readonly #response: NodeResponse;
  readonly #exchange: Exchange<Data>;
  readonly #answer: (failure: unknown) => unknown;
  readonly #outlets: Outlets;
  readonly #drain: HeldDrain | undefined;
  #state: State = "open";
  /** What writeHead was given, until it leaves. */
  #head: Head | undefined;
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
  #failureAnswer: FailureAnswer | undefined;

  constructor(response: NodeResponse, exchange: Exchange<Data>, answer: (failure: unknown) => unknown) {
    this.#response = response;
    this.#exchange = exchange;
    this.#answer = answer;
    this.#drain = HeldDrain.of(response);
    this.#outlets = interceptOutlets(response, this);
    exchange.watchedBy(this);
  }

  get isShut(): boolean {
    return this.#isShut;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get isFull(): boolean {
    return this.#state === "held" && !this.#isEnded && HeldDrain.isHeardOn(this.#response, this.#drain);
  }

  abandon(error?: unknown): "now" | "later" | "sent" {
    if (this.#state === "headed") {
      if (error !== undefined && !isIntercepted(this.#response)) {
        // Whoever wraps the response may have begun with the page: the answer must go round it.
        this.#error = { thrown: error };
        this.#state = "held";
        void this.#releaseAfter(this.#exchange.settle("threw"));
        return "later";
      }
      this.#dropHead();
    } else if (this.#state === "held" && !this.#isEnded && error !== undefined) {
      this.#error = { thrown: error };
      return "later";
    } else if (this.#response.headersSent || isGone(this.#response)) return "sent";
    // Who wrapped the response before has kept what passed here.
    else if (this.#state === "passing") clearPage(this.#response);
    else if (this.#state !== "open") return "sent";
    this.#state = "open";
    return "now";
  }

  take(outlet: Outlet, args: readonly unknown[]): unknown {
    switch (this.#state) {
      case "passing":
        return this.#send(outlet, args);
      case "open":
        return outlet === "writeHead" ? this.#takeHead(args) : this.#hold(outlet, args);
      case "headed":
        return outlet === "writeHead" ? refuseHeader(this.#response) : this.#hold(outlet, args);
      case "held":
        return this.#queue(outlet, args);
      default:
        return this.#failureAnswer?.take(outlet, args);
    }
  }

  /** From the first look at the session on: if the client goes before the response began, the handler has failed. */
  onTouched(): void {
    const response = this.#response;
    if (response.stream !== undefined) guardStream(response.stream, this.#exchange, () => this.#state);
    if (this.#state === "open" && response.headersSent) {
      // It was answered past the response.
      this.#state = "passing";
      void this.#exchange.settle({ status: response.statusCode });
    } else if (isGone(response)) this.#leave();
    // A wrapper's own `on` may have other ideas of where an event comes from.
    // oxlint-disable-next-line typescript/unbound-method -- it is called on the response
    else Reflect.apply(EventEmitter.prototype.on, response, ["close", () => this.#leave()]);
  }

  #leave(): void {
    if (this.#state !== "open" && this.#state !== "headed") return;
    this.#isShut = false;
    this.#state = "passing";
    this.#drain?.release(true);
    void this.#exchange.leave();
  }

  /** Does what the response itself does. */
  #send(outlet: Outlet, args: readonly unknown[]): unknown {
    return Reflect.apply(this.#outlets[outlet], this.#response, args);
  }

  #takeHead(args: Head): unknown {
    const status = statusGiven(this.#response, args);
    if (status === undefined) return this.#send("writeHead", args);
    this.#response.statusCode = status;
    this.#status = status;
    if (this.#isShowingHead) {
      // The head that nobody wrote, and what wrappers have made of it: it leaves with the first byte.
      takeHead(this.#response, args);
      this.#hasShownHead = true;
      return this.#response;
    }
    this.#head = waitingHead(this.#response, [status, ...args.slice(1)]);
    this.#state = "headed";
    this.#shut();
    return this.#response;
  }

  /** The first call that would have sent something. */
  #hold(outlet: Outlet, args: readonly unknown[]): unknown {
    const response = this.#response;
    if (outlet === "write" || outlet === "end") assertWritable(outlet, args);
    if (this.#state === "open") {
      if (!canBeHeld(response)) return this.#send(outlet, args);
      this.#status = response.statusCode;
      // A wrapper that keeps the head to itself sends it with the first write; there is nothing to flush before.
      if (!this.#showHead() && outlet === "flushHeaders") return undefined;
      this.#hasShownHead ||= !isIntercepted(response);
    }
    const settled = this.#exchange.settle({ status: this.#status });
    if (!isThenable(settled) && settled.failure === undefined) {
      // Nothing to wait for; from now on a session can be read, but no longer written to.
      const sent = this.#pass(settled.headers, () => this.#send(outlet, args));
      this.#drain?.release(true);
      return sent;
    }
    if (this.#state === "open") this.#shut();
    this.#state = "held";
    dressAsWritten(response, this);
    this.#letGo = [keepResponse(response)];
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
    dressAsHeaded(this.#response, this);
  }

  #queue(outlet: Outlet, args: readonly unknown[]): unknown {
    const response = this.#response;
    if (outlet === "writeHead") return refuseHeader(response);
    if (this.#isEnded && !isBareEnd(outlet, args)) return afterEnd(response, outlet, args);
    if (outlet === "write" || outlet === "end") assertWritable(outlet, args);
    this.#calls.push({ outlet, args });
    if (outlet === "end") {
      this.#isEnded = true;
      dressAsFinished(response);
      // What is answered arrives, though its connection is given up: error handlers do that after a second answer.
      this.#letGo.push(keepSocket(response));
    }
    if (outlet === "flushHeaders") return undefined;
    // More is welcome at `drain`, when what is here has left.
    return outlet === "write" ? false : response;
  }

  async #releaseAfter(settled: Awaitable<Settled>): Promise<void> {
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
    if (isGone(response)) {
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
    if (this.#isShut) undressHead(this.#response);
    if (this.#isEnded) undressFinish(this.#response);
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
      if (head !== undefined) this.#send("writeHead", headWith(response, head, headers));
      else if (!isUntouched(headers)) applyHeaders(headersOf(response), headers);
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
      giveUp(response, failure);
      return;
    }
    this.#state = "answering";
    unwrap(response, this);
    this.#dropCalls();
    this.#dropHead();
    this.#failureAnswer = new FailureAnswer(response, this.#outlets, headers);
    void this.#failureAnswer.give(this.#answer, failure);
  }

  #dropCalls(): void {
    for (const { outlet, args } of this.#calls.splice(0)) discard(this.#response, outlet, args);
  }

  /** Takes the head back, and what describes a page; headers that any answer may have stay. */
  #dropHead(): void {
    if (this.#isShut) undressHead(this.#response);
    this.#isShut = false;
    if (this.#head !== undefined) keepHeaders(this.#response, this.#head);
    this.#head = undefined;
    clearPage(this.#response);
  }
}
