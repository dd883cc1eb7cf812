import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { SessionRecord } from "./record.ts";
import type { Patch, PatchOutcome } from "./patch.ts";

/**
 * Stores records. A store contains no policy: it sees opaque bytes and a few columns. It has no `set` and no
 * upsert, so a session that has ended can't be brought back.
 *
 * Every call gets the time (`now`, milliseconds since 1970 UTC). A record whose deadline is at or before `now`
 * counts as absent, swept or not. Not finding a record is a result, never an error; a store throws only if it
 * could not do its work, and then a {@link StoreError} if it knows why. What a store keeps and what it returns
 * are its own copies.
 *
 * `storeContract` in `coatcheck/testing` lists the rules that every store must follow.
 */
export interface Store {
  /** The store's name in errors and events: "memory", "sqlite". */
  readonly name: string;
  /** `true` if records never leave this process, so that fields need no sealing. */
  readonly inProcess: boolean;
  /**
   * Stores a new record. Returns `false` if its id is taken; the existing record does not change.
   *
   * @param timeout how long the caller waits, in milliseconds. After that the visitor is told that the call
   *   failed, so a store should not carry it out later if it can avoid that. A synchronous store can ignore it.
   */
  create(record: SessionRecord, timeout?: number): MaybePromise<boolean>;
  /**
   * Returns the record, or `null` if there is none or it has expired. Reading changes nothing.
   *
   * @param authoritative `true`: read the current record itself. Otherwise a store with a near cache may return
   *   a copy, within the bound that it states.
   */
  read(id: string, now: number, authoritative?: boolean): MaybePromise<SessionRecord | null>;
  /** Changes a record atomically, or not at all. @param timeout as in `create`. */
  patch(id: string, patch: Patch, now: number, timeout?: number): MaybePromise<PatchOutcome>;
  /** Returns the records of a subject that have not expired, in any order. */
  list(subject: string, now: number): MaybePromise<SessionRecord[]>;
  /** Deletes at most `limit` expired records and returns how many. Safe to call from many processes at once. */
  sweep(now: number, limit: number): MaybePromise<number>;
  /** Closes the files and timers that the store itself opened. */
  close(): MaybePromise<void>;
}
