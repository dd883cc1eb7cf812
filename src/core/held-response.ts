import { isThenable } from "./awaitable.ts";
import type { Awaitable } from "./awaitable.ts";
import type { Exchange, ExchangeWatcher, Settled } from "./exchange.ts";
import { discard, FailureAnswer } from "./failure-answer.ts";
import { assertWritable, refuseHeader } from "./node-errors.ts";
import { checkHead, headWith, isStatus, keepHeaders } from "./node-head.ts";
import type { Head } from "./node-head.ts";
import { clearPage, headersOf } from "./node-message.ts";
import type { NodeResponse } from "./node-message.ts";
import { interceptOutlets, replay } from "./outlets.ts";
import type { Call, Outlet, Outlets, Taker } from "./outlets.ts";
import { applyHeaders, isUntouched } from "./response-headers.ts";
import type { ResponseHeaders } from "./response-headers.ts";
import { dressAsHeaded, dressAsWritten, undressHead } from "./shut-response.ts";
import type { Appearance } from "./shut-response.ts";

/**
 * For adapters of Node servers: holds a response back from its first byte until the exchange is
 * settled, however it is written. `writeHead` alone sends nothing yet, as in Node's HTTP/1. Then it
 * goes out as it was written, callbacks, back-pressure and all. Where nobody asked for the session or
 * the cookies nothing is held.
 *
 * If the commit fails what was written is dropped, and `answer` has the response to itself: status
 * 503 or 500, without the headers that described the page. What the session makes a response carry
 * is added to whatever it sends.
 *
 * When the client goes away before the response began, the exchange is settled as failed.
 */
export function holdResponse<Data extends object>(
  response: NodeResponse,
  exchange: Exchange<Data>,
  answer: (failure: unknown) => unknown,
): Hold {
  return new HeldResponse(response, exchange, answer);
}

/** A response that is held. */
export interface Hold {
  /** Drops the headers of an answer that went no further. `true` when the response can be answered anew. */
  abandon(): boolean;
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
  #state: State = "open";
  /** What writeHead was given, until it leaves. */
  #head: Head | undefined;
  /** What came after, while it waits for the commit. */
  #calls: Call[] | undefined;
  #isShut = false;
  #isEnded = false;
  #status = 200;
  #failureAnswer: FailureAnswer | undefined;

  constructor(response: NodeResponse, exchange: Exchange<Data>, answer: (failure: unknown) => unknown) {
    this.#response = response;
    this.#exchange = exchange;
    this.#answer = answer;
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
    return this.#state === "held" && !this.#isEnded;
  }

  abandon(): boolean {
    if (this.#state === "open") return !this.#response.headersSent;
    if (this.#state !== "headed") return false;
    this.#dropHead();
    this.#state = "open";
    return true;
  }

  take(outlet: Outlet, args: readonly unknown[]): unknown {
    switch (this.#state) {
      case "passing":
        return this.#send(outlet, args);
      case "open":
        return outlet === "writeHead" ? this.#takeHead(args) : this.#hold(outlet, args);
      case "headed":
        return outlet === "writeHead" ? this.#headAgain(args) : this.#hold(outlet, args);
      case "held":
        return this.#queue(outlet, args);
      default:
        return this.#failureAnswer?.take(outlet, args);
    }
  }

  /** From the first look at the session on: where the client goes before the response began, the handler has failed. */
  onTouched(): void {
    const { destroyed, stream } = this.#response;
    if (destroyed === true || stream?.destroyed === true) this.#leave();
    else this.#response.on("close", () => this.#leave()); // which comes once; `once` would make two functions more
  }

  #leave(): void {
    if (this.#state !== "open" && this.#state !== "headed") return;
    this.#isShut = false;
    this.#state = "passing";
    void this.#exchange.settle("threw");
  }

  /** Does what the response itself does. */
  #send(outlet: Outlet, args: readonly unknown[]): unknown {
    return Reflect.apply(this.#outlets[outlet], this.#response, args);
  }

  #takeHead(args: Head): unknown {
    const [status] = args;
    // Node has its own error for a status that is none.
    if (typeof status !== "number" || !isStatus(status)) return this.#send("writeHead", args);
    // Where nothing is to be written, Node's own look at the headers is soon enough.
    if (!this.#exchange.isQuiet) checkHead(args);
    this.#response.statusCode = status;
    this.#status = status;
    this.#head = args;
    this.#state = "headed";
    this.#shut();
    return this.#response;
  }

  /** Node's own way to send headers that nobody wrote; libraries call it without looking. */
  #headAgain(args: Head): unknown {
    if (args.length !== 1 || args[0] !== this.#status) refuseHeader();
    return this.#response;
  }

  /** The first call that would have sent something. */
  #hold(outlet: Outlet, args: readonly unknown[]): unknown {
    const response = this.#response;
    if (this.#state === "open") {
      if (!isStatus(response.statusCode)) return this.#send(outlet, args);
      this.#status = response.statusCode;
    }
    if (!this.#exchange.isQuiet) {
      try {
        if (this.#head !== undefined) checkHead(this.#head);
      } catch (error) {
        this.abandon();
        throw error;
      }
      if (outlet === "write" || outlet === "end") assertWritable(outlet, args[0]);
    }
    const settled = this.#exchange.settle({ status: this.#status });
    if (!isThenable(settled) && settled.failure === undefined) {
      // Nothing to wait for; from now on a session can be read, but no longer written to.
      this.#sendHead(settled.headers);
      return this.#send(outlet, args);
    }
    if (this.#state === "open") this.#shut();
    this.#state = "held";
    dressAsWritten(response, this);
    void this.#releaseAfter(settled);
    return this.#queue(outlet, args);
  }

  /** From here on the response looks like one whose headers have left. */
  #shut(): void {
    this.#isShut = true;
    dressAsHeaded(this.#response, this);
  }

  #queue(outlet: Outlet, args: readonly unknown[]): unknown {
    if (outlet === "writeHead") return this.#headAgain(args);
    if (outlet === "write" || outlet === "end") assertWritable(outlet, args[0]);
    (this.#calls ??= []).push({ outlet, args });
    if (outlet === "end") this.#isEnded = true;
    // More is welcome at `drain`, when what is here has left.
    return outlet === "write" ? false : this.#response;
  }

  async #releaseAfter(settled: Awaitable<Settled>): Promise<void> {
    try {
      this.#release(await settled);
    } catch (error) {
      this.#fail(error);
    }
  }

  #release({ headers, failure }: Settled): void {
    if (failure !== undefined) {
      this.#fail(failure, headers);
      return;
    }
    this.#sendHead(headers);
    const calls = this.#calls ?? [];
    this.#calls = undefined;
    if (!replay(this.#response, this.#outlets, calls) && !this.#isEnded) this.#response.emit("drain");
  }

  /** Opens the way, with the head that waited and what the session makes the response carry. */
  #sendHead(headers: ResponseHeaders): void {
    const response = this.#response;
    const head = this.#head;
    this.#isShut = false;
    this.#state = "passing";
    if (this.#status !== response.statusCode) response.statusCode = this.#status;
    if (head === undefined) {
      if (!isUntouched(headers)) applyHeaders(headersOf(response), headers);
      return;
    }
    this.#head = undefined;
    try {
      this.#send("writeHead", headWith(response, head, headers));
    } catch (error) {
      undressHead(response);
      this.#state = "open";
      throw error;
    }
  }

  /** Drops what was written; the response is for the error's answer alone. */
  #fail(failure: unknown, headers?: ResponseHeaders): void {
    const response = this.#response;
    this.#isShut = false;
    if (this.#state === "passing") {
      undressHead(response);
      if (response.headersSent) {
        response.destroy();
        return;
      }
    }
    this.#state = "answering";
    for (const { outlet, args } of this.#calls ?? []) discard(response, outlet, args);
    this.#calls = undefined;
    this.#dropHead();
    this.#failureAnswer = new FailureAnswer(response, this.#outlets, headers);
    void this.#failureAnswer.give(this.#answer, failure);
  }

  /** Takes the head back, and what describes a page; headers that any answer may have stay. */
  #dropHead(): void {
    this.#isShut = false;
    undressHead(this.#response);
    if (this.#head !== undefined) keepHeaders(this.#response, this.#head);
    this.#head = undefined;
    clearPage(this.#response);
  }
}
