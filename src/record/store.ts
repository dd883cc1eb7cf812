import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { SessionRecord } from "./record.ts";
import type { Patch, PatchOutcome } from "./patch.ts";

/**
 * Where records live. A store is dumb: it sees opaque bytes and a few columns, and all policy is the
 * core's. It has no `set` and no upsert, so a session that has ended can't be brought back.
 *
 * Time comes in with every call (`now`, milliseconds since 1970 UTC): a record whose deadline is at
 * or before `now` is as good as absent, swept or not. Not finding something is an answer, never an
 * error; throwing means that the store could not do its work ({@link StoreError} where it knows why).
 * What goes in and comes out is the store's own copy.
 *
 * `storeContract` in `coatcheck/testing` is the list of what must hold.
 */
export interface Store {
  /** What errors and events call it: "memory", "sqlite". */
  readonly name: string;
  /** `true` when records never leave this process, so that fields need no sealing. */
  readonly inProcess: boolean;
  /**
   * Keeps a new record. `false` when its id is taken; the record that has it stays as it is.
   *
   * @param timeout for how many milliseconds the caller waits. After that the visitor is told that it
   *   failed, so a store that can should not do it later. One that answers at once need not look.
   */
  create(record: SessionRecord, timeout?: number): MaybePromise<boolean>;
  /**
   * The record, or `null` when there is none or it has expired. Reading changes nothing.
   *
   * @param authoritative `true`: what is true now, from the records themselves. A store that keeps
   *   copies nearby may otherwise answer from them, within the bound that it states.
   */
  read(id: string, now: number, authoritative?: boolean): MaybePromise<SessionRecord | null>;
  /** Changes a record atomically, or not at all. @param timeout as `create` has it. */
  patch(id: string, patch: Patch, now: number, timeout?: number): MaybePromise<PatchOutcome>;
  /** The records of a subject that have not expired, in no order. */
  list(subject: string, now: number): MaybePromise<SessionRecord[]>;
  /** Deletes at most `limit` expired records; answers how many. Safe from many processes at once. */
  sweep(now: number, limit: number): MaybePromise<number>;
  /** Lets go of files and timers that the store itself opened. */
  close(): MaybePromise<void>;
}
