import { StoreError } from "../errors.ts";
import type { StoreErrorCode, StoreOperation } from "../errors.ts";
import { isThenable } from "./awaitable.ts";
import type { Awaitable } from "./awaitable.ts";
import type { Clock } from "./clock.ts";
import type { Events } from "./events.ts";
import type { Patch, PatchOutcome, SessionRecord } from "./record.ts";
import type { Store } from "./store.ts";

/** How the core calls a store: every call has a deadline, and whatever goes wrong becomes a {@link StoreError}. */
export class StoreCalls {
  readonly store: Store;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #events: Events;

  /** @param timeout in milliseconds; a call that takes longer counts as failed, and its late answer is ignored. */
  constructor(store: Store, clock: Clock, timeout: number, events: Events) {
    this.store = store;
    this.#clock = clock;
    this.#timeout = timeout;
    this.#events = events;
  }

  create(record: SessionRecord): Awaitable<boolean> {
    return this.#call("create", () => this.store.create(record));
  }

  read(id: string, authoritative: boolean): Awaitable<SessionRecord | null> {
    return this.#call("read", () => this.store.read(id, this.#clock.now(), authoritative));
  }

  patch(id: string, patch: Patch): Awaitable<PatchOutcome> {
    return this.#call("patch", () => this.store.patch(id, patch, this.#clock.now()));
  }

  list(subject: string): Awaitable<SessionRecord[]> {
    return this.#call("list", () => this.store.list(subject, this.#clock.now()));
  }

  sweep(limit: number): Awaitable<number> {
    return this.#call("sweep", () => this.store.sweep(this.#clock.now(), limit));
  }

  close(): Awaitable<void> {
    return this.#call("close", () => this.store.close());
  }

  #call<T>(operation: StoreOperation, run: () => Awaitable<T>): Awaitable<T> {
    let answer: Awaitable<T>;
    try {
      answer = run();
    } catch (error) {
      throw this.#failed(operation, error);
    }
    // A store that answers at once needs no timer.
    return isThenable(answer) ? this.#inTime(operation, answer) : answer;
  }

  #inTime<T>(operation: StoreOperation, answer: PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      const cancel = this.#clock.after(this.#timeout, () => {
        const message = `The ${this.store.name} store did not answer ${operation} within ${this.#timeout} ms.`;
        isOver = true;
        reject(
          this.#failed(operation, new StoreError("STORE_TIMEOUT", operation, message, { transient: true })),
        );
      });
      answer.then(
        (value) => {
          cancel();
          resolve(value);
        },
        (error: unknown) => {
          // Nobody waits for a failure that comes late, and it is no event either.
          if (isOver) return;
          cancel();
          reject(this.#failed(operation, error));
        },
      );
    });
  }

  #failed(operation: StoreOperation, cause: unknown): StoreError {
    const error =
      cause instanceof StoreError
        ? cause
        : new StoreError("STORE_FAILED", operation, `The ${this.store.name} store failed to ${operation}.`, {
            transient: false,
            cause,
          });
    // An unreadable record is that record's trouble, not the store's; whoever opens it says so.
    const code: StoreErrorCode = error.code;
    if (code !== "RECORD_UNREADABLE") this.#events.emit({ type: "store-failed", operation, code });
    return error;
  }
}
