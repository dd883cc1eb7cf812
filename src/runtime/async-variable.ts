import { AsyncLocalStorage } from "node:async_hooks";

/** One entry of the async context: an owner and its current value. */
interface Frame {
  readonly owner: object;
  value: unknown;
  readonly outer: Frame | undefined;
}

/**
 * One storage for all `sessions` objects. Whenever a promise is created, Node 22 visits every storage in use,
 * and it never releases one. With a storage for each `sessions` object, tests, which create many, would get
 * slower with each.
 */
const storage = new AsyncLocalStorage<Frame>();

/** A value that is current in all code that `run` calls, as in TC39's AsyncContext.Variable. */
export class AsyncVariable<T extends object> {
  /** Runs `work` with a current value. The current values of other variables do not change. */
  run<Result>(value: T, work: () => Result): Result {
    return storage.run(this.#frame(value), work);
  }

  /**
   * Like `run`, and passes `work` a function that ends it: once that is called, nothing that `work` has called or
   * started has a current value.
   */
  runUntil<Result>(value: T, work: (end: () => void) => Result): Result {
    const frame = this.#frame(value);
    const end = (): void => {
      frame.value = undefined;
    };
    return storage.run(frame, () => work(end));
  }

  /** Returns the current value, or `undefined` outside of `run`. */
  get(): T | undefined {
    let frame = storage.getStore();
    while (frame !== undefined && frame.owner !== this) frame = frame.outer;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `run` creates frames with this owner
    return frame?.value as T | undefined;
  }

  #frame(value: T): Frame {
    let outer = storage.getStore();
    while (outer?.owner === this) ({ outer } = outer);
    return { owner: this, value, outer };
  }
}
