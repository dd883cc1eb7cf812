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
  #waiting: { readonly listener: Listener; readonly isOnce: boolean }[] | undefined = [];

  /** @returns `undefined` if nothing has replaced the response's `on`. */
  static of(response: NodeResponse): DrainListeners | undefined {
    return Object.hasOwn(response, "on") ? new DrainListeners(response) : undefined;
  }

  private constructor(response: NodeResponse) {
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
    emitter.on = emitter.addListener = listening(false, on);
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
}
