import { AsyncLocalStorage } from "node:async_hooks";

/** A place in the async context: what is current there, and for whom. */
interface Frame {
  readonly owner: object;
  readonly value: unknown;
  readonly outer: Frame | undefined;
}

/**
 * One for all hubs. Node 22 goes through every storage in use whenever a promise is made and never lets
 * one go, so a storage for each hub makes tests, which make many hubs, slower with each.
 */
const storage = new AsyncLocalStorage<Frame>();

/** What is current for one hub, anywhere below `run`. */
export class AsyncVariable<T extends object> {
  /** Runs the work with a value as the current one. Other hubs' values stay current inside it. */
  run<Result>(value: T, work: () => Result): Result {
    let outer = storage.getStore();
    while (outer?.owner === this) ({ outer } = outer);
    return storage.run({ owner: this, value, outer }, work);
  }

  /** The current value. */
  get(): T | undefined {
    let frame = storage.getStore();
    while (frame !== undefined && frame.owner !== this) frame = frame.outer;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `run` makes a frame of this owner
    return frame?.value as T | undefined;
  }
}
