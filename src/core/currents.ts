import { AsyncLocalStorage } from "node:async_hooks";

/** A place in the async context. What it stands for is known to one hub only. */
interface Frame {
  readonly outer: Frame | undefined;
}

/**
 * One for all hubs. Node 22 goes through every storage in use whenever a promise is made and never lets
 * one go, so a storage for each hub makes tests, which make many hubs, slower with each.
 */
const storage = new AsyncLocalStorage<Frame>();

/** What is current for one hub, anywhere below `run`. */
export class Currents<T extends object> {
  readonly #values = new WeakMap<Frame, T>();

  /** Runs the work with a value as the current one. Other hubs' values stay current inside it. */
  run<Result>(value: T, work: () => Result): Result {
    let outer = storage.getStore();
    while (outer !== undefined && this.#values.has(outer)) ({ outer } = outer);
    const frame: Frame = { outer };
    this.#values.set(frame, value);
    return storage.run(frame, work);
  }

  /** The current value. */
  get(): T | undefined {
    for (let frame = storage.getStore(); frame !== undefined; frame = frame.outer) {
      const value = this.#values.get(frame);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}
