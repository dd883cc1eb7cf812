import type { NodeResponse } from "./node-message.ts";

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
export class HeldDrain {
  readonly #response: NodeResponse;
  readonly #on: Listen;
  readonly #once: Listen;
  readonly #listening: Listen;
  #waiting: { readonly listener: Listener; readonly isOnce: boolean }[] | undefined = [];

  /** @returns `undefined` for a response that has no `on` of its own: its listeners are always its own, too. */
  static of(response: NodeResponse): HeldDrain | undefined {
    return Object.hasOwn(response, "on") ? new HeldDrain(response) : undefined;
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
    this.#listening = listening(false, on);
    emitter.on = emitter.addListener = this.#listening;
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

  /**
   * Whether who listens to a held response for `drain` listens to it, and not to the stream of a compressor that
   * has wrapped it since, and that says itself when there is room.
   *
   * @param drain of this response.
   */
  static isHeardOn(response: NodeResponse, drain: HeldDrain | undefined): boolean {
    if (drain === undefined) return !Object.hasOwn(response, "on");
    return Reflect.get(response, "on") === drain.#listening;
  }
}
