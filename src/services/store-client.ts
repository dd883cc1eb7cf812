import { ConfigError, StoreError } from "../errors.ts";
import type { StoreErrorCode, StoreOperation } from "../errors.ts";
import { attempt, isThenable } from "../runtime/maybe-promise.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Clock } from "../runtime/clock.ts";
import { areEventsHeard } from "./events.ts";
import type { Events } from "./events.ts";
import { causeOf, OutageNotice } from "./outage-notice.ts";
import type { SessionRecord } from "../record/record.ts";
import type { Patch, PatchOutcome } from "../record/patch.ts";
import type { Store } from "../record/store.ts";

/**
 * How the core calls a store: every call has a deadline, those of one request a common one, and
 * whatever goes wrong becomes a {@link StoreError}.
 */
export class StoreClient {
  readonly store: Store;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #events: Events;
  readonly #notice: OutageNotice;
  /** How long a request's calls have taken so far, in milliseconds; `undefined` where each counts by itself. */
  #elapsed: number | undefined;

  /** @param timeout in milliseconds; a call that takes longer counts as failed, and its late answer is ignored. @param notice one for the hub. */
  constructor(store: Store, clock: Clock, timeout: number, events: Events, notice = new OutageNotice()) {
    this.store = store;
    this.#clock = clock;
    this.#timeout = timeout;
    this.#events = events;
    this.#notice = notice;
  }

  /** The calls of one request: together they may take as long as one. What its handler does meanwhile is not counted. */
  forRequest(): StoreClient {
    const calls = new StoreClient(this.store, this.#clock, this.#timeout, this.#events, this.#notice);
    calls.#elapsed = 0;
    return calls;
  }

  /** How long the request may still wait for the store, in milliseconds. */
  get remaining(): number {
    return this.#timeout - (this.#elapsed ?? 0);
  }

  /** Counts a wait since `start` that was one for the store, though not for a call of this request's own. */
  addElapsedSince(start: number): void {
    if (this.#elapsed !== undefined) this.#elapsed += Math.max(0, this.#clock.now() - start);
  }

  /** Begins anew, for what the visitor does not wait for. */
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
    const begun = areEventsHeard() ? this.#clock.now() : undefined;
    let answer: MaybePromise<T>;
    try {
      if (remaining <= 0) throw this.#late(operation);
      answer = run(remaining);
    } catch (error) {
      throw this.#failed(operation, error, begun);
    }
    // A store that answers at once needs no timer.
    return isThenable(answer) ? this.#inTime(operation, answer, remaining, begun) : answer;
  }

  #inTime<T>(
    operation: StoreOperation,
    answer: PromiseLike<T>,
    remaining: number,
    begun: number | undefined,
  ): Promise<T> {
    const start = this.#clock.now();
    return new Promise((resolve, reject) => {
      let isOver = false;
      const cancel = this.#clock.after(remaining, () => {
        isOver = true;
        this.addElapsedSince(start);
        reject(this.#failed(operation, this.#late(operation), begun));
      });
      // What comes late is nobody's any more, and no event either.
      const settle = (end: () => void): void => {
        if (isOver) return;
        cancel();
        this.addElapsedSince(start);
        end();
      };
      answer.then(
        (value) => settle(() => resolve(value)),
        (error: unknown) => settle(() => reject(this.#failed(operation, error, begun))),
      );
    });
  }

  #late(operation: StoreOperation): StoreError {
    const all = this.#elapsed === undefined ? "" : ", all calls of the request together";
    const message = `The ${this.store.name} store did not answer ${operation} within ${this.#timeout} ms${all}.`;
    return new StoreError("STORE_TIMEOUT", operation, message, { transient: true });
  }

  #failed(operation: StoreOperation, cause: unknown, begun: number | undefined): StoreError | ConfigError {
    // A store that opens what it needs at its first use finds only then that it can't.
    if (cause instanceof ConfigError) return cause;
    const error =
      cause instanceof StoreError
        ? cause
        : new StoreError("STORE_FAILED", operation, `The ${this.store.name} store failed to ${operation}.`, {
            transient: false,
            cause,
          });
    // An unreadable record is that record's trouble, not the store's; whoever opens it says so.
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

/** Calls the store for what no visitor should suffer from; its trouble has been told as an event. @returns `undefined` where it failed. */
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
