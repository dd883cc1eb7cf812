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
 * Keeps those who wait for `drain` while a response is held. Compressors put an `on` of their own on a
 * response, and send `drain` to its listeners or to those of their own stream; which of the two they know
 * when they get the first byte. Until then nobody could tell the listeners that there is room again.
 */
export class DrainListeners {
  readonly #response: NodeResponse;
  readonly #on: Listen;
  readonly #once: Listen;
  #waiting: { readonly listener: Listener; readonly isOnce: boolean }[] | undefined = [];

  /** @returns `undefined` for a response that has no `on` of its own: its listeners are always its own, too. */
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
   * Lets them listen where the wrapper sends them.
   *
   * @param isFull `false` if there is room now: they are told so here, since nobody else will.
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
