import { ConfigError, StoreError } from "../errors.ts";
import type { StoreErrorCode, StoreOperation } from "../errors.ts";
import { attempt, isThenable } from "../runtime/maybe-promise.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Events } from "./events.ts";
import { causeOf, OutageNotice } from "./outage-notice.ts";
import type { SessionRecord } from "../record/record.ts";
import type { Patch, PatchOutcome } from "../record/patch.ts";
import type { Store } from "../record/store.ts";

/**
 * Calls a store. Every call has a deadline, the calls of one request share one, and every failure becomes a
 * {@link StoreError}. Only a ConfigError stays as it is.
 */
export class StoreClient {
  readonly store: Store;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #events: Events;
  readonly #notice: OutageNotice;
  /** How long the request's calls have taken so far, in milliseconds; `undefined` if each call has its own deadline. */
  #elapsed: number | undefined;

  /**
   * @param timeout in milliseconds; a call that takes longer counts as failed, and its late result is ignored.
   * @param notice one for each `sessions` object.
   */
  constructor(store: Store, clock: Clock, timeout: number, events: Events, notice = new OutageNotice()) {
    this.store = store;
    this.#clock = clock;
    this.#timeout = timeout;
    this.#events = events;
    this.#notice = notice;
  }

  /** Returns a client for one request, whose calls share one deadline. Only time spent waiting for the store counts. */
  forRequest(): StoreClient {
    const calls = new StoreClient(this.store, this.#clock, this.#timeout, this.#events, this.#notice);
    calls.#elapsed = 0;
    return calls;
  }

  /** How long the request may still wait for the store, in milliseconds. */
  get remaining(): number {
    return this.#timeout - (this.#elapsed ?? 0);
  }

  /** Counts the time since `start` as waiting for the store, even if it was a wait for another request's call. */
  addElapsedSince(start: number): void {
    if (this.#elapsed !== undefined) this.#elapsed += Math.max(0, this.#clock.now() - start);
  }

  /** Gives the request the full timeout again, for work that the visitor does not wait for. */
  restartDeadline(): void {
    this.#elapsed = 0;
  }

  create(record: SessionRecord): MaybePromise<boolean> {
    return this.#call("create", (remaining) => this.store.create(record, remaining));
  }

  read(id: string, authoritative: boolean): MaybePromise<SessionRecord | null> {
    return this.#call("read", () => this.store.read(id, this.#clock.now(), authoritative));
  }

  patch(id: string, patch: Patch): MaybePromise<PatchOutcome> {
    return this.#call("patch", (remaining) => this.store.patch(id, patch, this.#clock.now(), remaining));
  }

  list(subject: string): MaybePromise<SessionRecord[]> {
    return this.#call("list", () => this.store.list(subject, this.#clock.now()));
  }

  sweep(limit: number): MaybePromise<number> {
    return this.#call("sweep", () => this.store.sweep(this.#clock.now(), limit));
  }

  close(): MaybePromise<void> {
    return this.#call("close", () => this.store.close());
  }

  #call<T>(operation: StoreOperation, run: (remaining: number) => MaybePromise<T>): MaybePromise<T> {
    const { remaining } = this;
    const begun = this.#events.channel.hasSubscribers ? this.#clock.now() : undefined;
    let result: MaybePromise<T>;
    try {
      if (remaining <= 0) throw this.#timeoutError(operation);
      result = run(remaining);
    } catch (error) {
      throw this.#failed(operation, error, begun);
    }
    // A synchronous store needs no timer.
    return isThenable(result) ? this.#withDeadline(operation, result, remaining, begun) : result;
  }

  #withDeadline<T>(
    operation: StoreOperation,
    result: PromiseLike<T>,
    remaining: number,
    begun: number | undefined,
  ): Promise<T> {
    const start = this.#clock.now();
    return new Promise((resolve, reject) => {
      let isOver = false;
      const cancel = this.#clock.after(remaining, () => {
        isOver = true;
        this.addElapsedSince(start);
        reject(this.#failed(operation, this.#timeoutError(operation), begun));
      });
      // A late result is ignored, and a late failure emits no event.
      const settle = (end: () => void): void => {
        if (isOver) return;
        cancel();
        this.addElapsedSince(start);
        end();
      };
      result.then(
        (value) => settle(() => resolve(value)),
        (error: unknown) => settle(() => reject(this.#failed(operation, error, begun))),
      );
    });
  }

  #timeoutError(operation: StoreOperation): StoreError {
    const total = this.#elapsed === undefined ? "" : " (for all calls of the request together)";
    const message = `The ${this.store.name} store did not answer ${operation} within ${this.#timeout} ms${total}.`;
    return new StoreError("STORE_TIMEOUT", operation, message, { transient: true });
  }

  #failed(operation: StoreOperation, cause: unknown, begun: number | undefined): StoreError | ConfigError {
    // A store that connects on its first call finds wrong options only then.
    if (cause instanceof ConfigError) return cause;
    const error =
      cause instanceof StoreError
        ? cause
        : new StoreError("STORE_FAILED", operation, `The ${this.store.name} store failed to ${operation}.`, {
            transient: false,
            cause,
          });
    // An unreadable record does not mean that the store has failed; whoever loads it reports it.
    const code: StoreErrorCode = error.code;
    if (code === "RECORD_UNREADABLE") return error;
    const now = this.#clock.now();
    this.#notice.note(error, now);
    const why = causeOf(error);
    this.#events.emit({
      type: "store-failed",
      operation,
      code,
      milliseconds: Math.max(0, now - (begun ?? now)),
      ...(why === undefined ? {} : { cause: why }),
    });
    return error;
  }
}

/**
 * Runs store calls whose failure the visitor must not notice. It was already reported as an event.
 *
 * @returns `undefined` if they failed.
 */
export function ignoringStoreErrors<T>(work: () => MaybePromise<T>): MaybePromise<T | undefined> {
  return attempt<T, T | undefined>(
    work,
    (value) => value,
    (error) => {
      if (error instanceof StoreError) return undefined;
      throw error;
    },
  );
}
