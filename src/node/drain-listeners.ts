import type { NodeResponse } from "./messages.ts";

type Listener = (...args: unknown[]) => void;
type Listen = (name: string | symbol, listener: Listener) => unknown;

/** The methods of a response by which its events are listened to. */
interface Emitter {
  on: Listen;
  addListener: Listen;
  once: Listen;
  off: Listen;
  removeListener: Listen;
}

/**
 * Keeps the listeners for `drain` while a response is buffered. Compressors replace a response's `on`, and emit `drain`
 * on the response or on their own stream; they know which when they get the first byte.
 */
export class DrainListeners {
  readonly #response: NodeResponse;
  readonly #on: Listen;
  readonly #once: Listen;
  readonly #replacement: Listen;
  #waiting: { readonly listener: Listener; readonly isOnce: boolean }[] | undefined = [];

  /** @param response one whose `on` was replaced. */
  constructor(response: NodeResponse) {
    const emitter = response as unknown as Emitter; // oxlint-disable-line no-unsafe-type-assertion
    const { on, once, off } = emitter;
    this.#response = response;
    this.#on = on;
    this.#once = once;
    const listening =
      (isOnce: boolean, listen: Listen): Listen =>
      (name, listener) => {
        if (name !== "drain" || this.#waiting === undefined)
          return Reflect.apply(listen, response, [name, listener]);
        this.#waiting.push({ listener, isOnce });
        return response;
      };
    const leaving: Listen = (name, listener) => {
      const at = name === "drain" ? (this.#waiting?.findIndex((one) => one.listener === listener) ?? -1) : -1;
      if (at === -1) return Reflect.apply(off, response, [name, listener]);
      this.#waiting?.splice(at, 1);
      return response;
    };
    this.#replacement = listening(false, on);
    emitter.on = emitter.addListener = this.#replacement;
    emitter.once = listening(true, once);
    emitter.off = emitter.removeListener = leaving;
  }

  /**
   * Registers the listeners with the wrapper.
   *
   * @param isFull `false` if there is room now: the listeners are then called here, because nothing else will.
   */
  release(isFull: boolean): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const { listener, isOnce } of waiting) {
      if (isFull || !isOnce)
        Reflect.apply(isOnce ? this.#once : this.#on, this.#response, ["drain", listener]);
      if (!isFull) Reflect.apply(listener, this.#response, []);
    }
  }

  /**
   * Whether listeners for `drain` are on a buffered response itself, and not on the stream of a compressor that has
   * wrapped it since and emits `drain` by itself.
   *
   * @param drain those of this response.
   */
  static areOn(response: NodeResponse, drain: DrainListeners | undefined): boolean {
    if (drain === undefined) return !Object.hasOwn(response, "on");
    return Reflect.get(response, "on") === drain.#replacement;
  }
}
