import { StoreError } from "../errors.ts";
import type { Exchange, Settled } from "./exchange.ts";
import { clearPage, headersOf } from "./node-message.ts";
import type { NodeResponse } from "./node-message.ts";
import { applyHeaders } from "./response-headers.ts";
import type { ResponseHeaders } from "./response-headers.ts";

/** Everything by which bytes leave a Node response. */
const outlets = ["writeHead", "flushHeaders", "write", "end"] as const;

/** What throws in Node once headers have left; `setHeaders` is a layer over these. */
const headerChanges = ["setHeader", "appendHeader", "removeHeader"] as const;

/**
 * For adapters of Node servers: holds a response back from its first byte until the exchange is
 * settled, however it is written. Then it goes out as it was written, callbacks, back-pressure and all.
 * Where nobody asked for the session or the cookies nothing is held.
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
): void {
  const held = new HeldResponse(response, exchange, answer);
  held.begin();
}

type Outlet = (typeof outlets)[number];

/**
 * - `open`: nothing written yet.
 * - `held`: written to, and waiting for the commit.
 * - `passing`: the commit is acknowledged; everything goes straight through.
 * - `answering`: the commit failed; what is written now is the error's answer.
 * - `closed`: the error is answered; what the handler still writes goes nowhere.
 */
type State = "open" | "held" | "passing" | "answering" | "closed";

class HeldResponse<Data extends object> {
  readonly #response: NodeResponse;
  readonly #exchange: Exchange<Data>;
  readonly #answer: (failure: unknown) => unknown;
  readonly #originals = new Map<Outlet, unknown>();
  readonly #shadowed = new Map<string, PropertyDescriptor | undefined>();
  #state: State = "open";
  #calls: { readonly outlet: Outlet; readonly args: unknown[] }[] = [];
  #isEnded = false;
  /** What the error's answer must carry, until it does. */
  #owed: ResponseHeaders | undefined;

  constructor(response: NodeResponse, exchange: Exchange<Data>, answer: (failure: unknown) => unknown) {
    this.#response = response;
    this.#exchange = exchange;
    this.#answer = answer;
  }

  begin(): void {
    for (const outlet of outlets) {
      this.#originals.set(outlet, Reflect.get(this.#response, outlet));
      const take = (...args: unknown[]): unknown =>
        this.#state === "passing" ? this.#send(outlet, args) : this.#take(outlet, args);
      Object.defineProperty(this.#response, outlet, { value: take, configurable: true, writable: true });
    }
    this.#response.once("close", () => {
      if (this.#state !== "open") return;
      this.#state = "passing";
      void this.#exchange.settle("threw");
    });
  }

  #send(outlet: Outlet, args: readonly unknown[]): unknown {
    const original = this.#originals.get(outlet);
    return typeof original === "function" ? Reflect.apply(original, this.#response, args) : undefined;
  }

  #take(outlet: Outlet, args: unknown[]): unknown {
    switch (this.#state) {
      case "passing":
        return this.#send(outlet, args);
      case "open":
        if (!this.#exchange.isUntouched) return this.#hold(outlet, args);
        // Nothing to wait for; from now on a session can be read, but no longer written to.
        this.#state = "passing";
        void this.#exchange.settle({ status: this.#response.statusCode });
        return this.#send(outlet, args);
      case "held":
        return this.#queue(outlet, args);
      case "answering":
        return this.#sendAnswer(outlet, args);
      default:
        return this.#discard(outlet, args);
    }
  }

  /** The first call that would have sent something. */
  #hold(outlet: Outlet, args: unknown[]): unknown {
    if (outlet === "writeHead") this.#takeHead(args);
    const { statusCode } = this.#response;
    // Node's own error for a status that is none comes before anything is sent.
    if (!(statusCode >= 100 && statusCode <= 999)) return this.#send(outlet, args);
    assertWritable(outlet, args);
    this.#state = "held";
    this.#shadow("headersSent", { get: () => true });
    this.#shadow("writableEnded", { get: () => this.#isEnded });
    this.#shadow("writableNeedDrain", { get: () => !this.#isEnded });
    for (const name of headerChanges) this.#shadow(name, { value: refuseHeader });
    const result = this.#queue(outlet, outlet === "writeHead" ? headOf(args) : args);
    void this.#exchange
      .settle({ status: statusCode })
      .then((settled) => this.#release(statusCode, settled))
      .catch((error: unknown) => this.#fail(error));
    return result;
  }

  /** Sets the headers that writeHead was given as Node does, so that ours can be merged with them. */
  #takeHead(args: readonly unknown[]): void {
    const response = this.#response;
    const [status] = args;
    if (typeof status === "number") response.statusCode = status;
    const headers = typeof args[1] === "string" ? args[2] : (args[2] ?? args[1]);
    if (typeof headers !== "object" || headers === null) return;
    if (!Array.isArray(headers)) {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      return;
    }
    const flat: unknown[] = headers.flat();
    for (let at = 0; at < flat.length; at += 2) response.removeHeader(String(flat[at]));
    for (let at = 0; at < flat.length; at += 2) response.appendHeader(String(flat[at]), String(flat[at + 1]));
  }

  #queue(outlet: Outlet, args: unknown[]): unknown {
    // Node's own way to send headers that nobody wrote: libraries call it without looking.
    const isAgain = outlet === "writeHead" && this.#calls.length > 0;
    if (isAgain && (args.length !== 1 || args[0] !== this.#response.statusCode)) refuseHeader();
    if (isAgain) return this.#response;
    assertWritable(outlet, args);
    this.#calls.push({ outlet, args });
    if (outlet === "end") this.#isEnded = true;
    // More is welcome at `drain`, when what is here has left.
    return outlet === "write" ? false : this.#response;
  }

  #release(status: number, { headers, failure }: Settled): void {
    this.#unshadow();
    if (failure !== undefined) return this.#fail(failure, headers);
    this.#response.statusCode = status;
    applyHeaders(headersOf(this.#response), headers);
    this.#state = "passing";
    const calls = this.#calls;
    this.#calls = [];
    let isFull = false;
    for (const { outlet, args } of calls) {
      const result = this.#send(outlet, args);
      if (outlet === "write") isFull = result === false;
    }
    if (!this.#isEnded && !isFull) this.#response.emit("drain");
    return undefined;
  }

  /** Drops what was written; the response is for the error's answer alone. */
  #fail(failure: unknown, headers?: ResponseHeaders): void {
    const response = this.#response;
    this.#unshadow();
    if (response.headersSent) {
      response.destroy();
      return;
    }
    this.#state = "answering";
    this.#owed = headers;
    for (const { outlet, args } of this.#calls) this.#discard(outlet, args);
    this.#calls = [];
    clearPage(response);
    // An accessor in HTTP/2, which has no such thing and warns.
    if (Object.hasOwn(response, "statusMessage")) Reflect.set(response, "statusMessage", "");
    response.statusCode = failure instanceof StoreError ? 503 : 500;
    try {
      this.#answer(failure);
    } catch (error) {
      response.destroy();
      throw error;
    }
  }

  #sendAnswer(outlet: Outlet, args: unknown[]): unknown {
    let sent = args;
    if (this.#owed !== undefined) {
      if (outlet === "writeHead") {
        this.#takeHead(args);
        sent = headOf(args);
      }
      const owed = this.#owed;
      this.#owed = undefined;
      applyHeaders(headersOf(this.#response), owed);
    }
    const result = this.#send(outlet, sent);
    if (outlet === "end") this.#state = "closed";
    return result;
  }

  #discard(outlet: Outlet, args: readonly unknown[]): unknown {
    const callback = args.at(-1);
    if (typeof callback === "function") process.nextTick(callback);
    return outlet === "write" ? false : this.#response;
  }

  #shadow(name: string, property: { get: () => unknown } | { value: unknown }): void {
    this.#shadowed.set(name, Object.getOwnPropertyDescriptor(this.#response, name));
    Object.defineProperty(this.#response, name, { ...property, configurable: true });
  }

  #unshadow(): void {
    for (const [name, own] of this.#shadowed) {
      if (own === undefined) Reflect.deleteProperty(this.#response, name);
      else Object.defineProperty(this.#response, name, own);
    }
    this.#shadowed.clear();
  }
}

/** What is left to give to writeHead when its headers have been taken. */
function headOf([status, message]: readonly unknown[]): unknown[] {
  return typeof message === "string" ? [status, message] : [status];
}

/** What Node throws at once must not wait for the commit: it is the handler's failure. */
function assertWritable(outlet: Outlet, [chunk]: readonly unknown[]): void {
  if (outlet !== "write" && (outlet !== "end" || !chunk || typeof chunk === "function")) return;
  if (typeof chunk === "string" || chunk instanceof Uint8Array) return;
  const error = new TypeError("A response is written in strings and Uint8Arrays.");
  throw Object.assign(error, { code: "ERR_INVALID_ARG_TYPE" });
}

function refuseHeader(): never {
  const error = new Error("The response has been written to; its headers can't be changed any more.");
  throw Object.assign(error, { code: "ERR_HTTP_HEADERS_SENT" });
}
