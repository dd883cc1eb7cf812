import { setTimeout as wait } from "node:timers/promises";
import { StoreError, unreadableRecord } from "../errors.ts";
import type { StoreOperation } from "../errors.ts";
import { toBinaryString } from "../runtime/binary-string.ts";
import type { BinaryString } from "../runtime/binary-string.ts";
import { andThen } from "../runtime/maybe-promise.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import { recordsAtOnce, turn } from "../runtime/time-slices.ts";
import { fingerprintOf, TwoGenerationCache } from "../runtime/two-generation-cache.ts";
import { packRecord, unpackRecord } from "./binary/record.ts";
import { layPatch } from "./patch.ts";
import type { Patch, PatchOutcome } from "./patch.ts";
import { expiresAt } from "./record.ts";
import type { SessionRecord } from "./record.ts";
import type { Store } from "./store.ts";

/** A record as {@link casStore} writes it: the columns that a database has to search, and everything else as bytes. */
export interface CasRow {
  /** The primary key: 22 base64url characters. Ids that differ only in upper and lower case are different. */
  readonly id: string;
  /** Counts the changes. It is different after each one. */
  readonly revision: number;
  /** Who is logged in, 1 to 255 characters, or `null`. */
  readonly subject: string | null;
  /** When the record expires: whole milliseconds since 1970 UTC. */
  readonly expiresAt: number;
  /**
   * The whole record, usually less than 1,000 bytes. The default limits allow 65,536 bytes of data, and the messages that wait.
   * It is a `Buffer` with memory of its own, which you may keep. The data in it is sealed; the subject, the times and the names
   * of the fields are not.
   */
  readonly bytes: Uint8Array;
}

/**
 * What {@link casStore} needs: a table's name and five functions. Each may return a value or a promise. If one can't do its
 * work, it throws: a {@link StoreError} if it knows why; anything else becomes `STORE_FAILED`. A function that
 * throws may or may not have written, and is not called again for that.
 *
 * `timeout` is how long the caller still waits, in whole milliseconds, as `AbortSignal.timeout` takes them. The function should pass it on to the database, since what the
 * database writes later was already reported as failed.
 */
export interface CasStoreOptions {
  /** The store's name in errors and events: "mariadb". */
  readonly name: string;
  /**
   * Adds a row. Returns `false`, and changes nothing, if there is one with this id, expired or not. Two calls with the same id
   * must never both return `true`.
   */
  insert(row: CasRow, timeout: number): MaybePromise<boolean>;
  /**
   * Returns the row, or at least its `bytes`; `null` or `undefined` only if there is none. It returns expired rows, too. It sees each
   * write that has been acknowledged to anybody, so it must not read from a replica or a cache.
   */
  get(id: string): MaybePromise<Pick<CasRow, "bytes"> | null | undefined>;
  /**
   * Replaces the row with the id `row.id` only if its revision is still `revision`, as one atomic step. Returns `true` if it did.
   * Returns `false`, and changes nothing, if there is no such row or it has another revision. It never creates a row.
   *
   * It must not repeat a write whose result was lost, since its first attempt may have succeeded: it throws then.
   *
   * @param isMoved `false` if `subject` and `expiresAt` are what they were, so that their columns need not be written, nor their indexes.
   */
  replaceIf(row: CasRow, revision: number, timeout: number, isMoved: boolean): MaybePromise<boolean>;
  /**
   * Returns all rows of a subject, in any order: at least their `id` and `bytes`. A row that has this subject must not be missing, or the session stays
   * open when all of the user's sessions are ended. So an index that is updated later does not do. More than that does no harm: expired rows,
   * rows of other subjects, and the same row more than once.
   *
   * @param now to leave out the rows whose `expiresAt` is not above it. Do not use a clock of your own.
   */
  bySubject(subject: string, now: number): MaybePromise<readonly Pick<CasRow, "id" | "bytes">[]>;
  /**
   * Deletes at most `limit` rows whose `expiresAt` is at or below `now`, and returns how many. Deletes no other row, even one that was
   * expired when the function looked for such rows and is not when it deletes them: a server whose clock is behind may have prolonged it. Many
   * processes may sweep at once.
   */
  sweep(now: number, limit: number): MaybePromise<number>;
  /** Closes what these functions opened, if anything. */
  close?(): MaybePromise<void>;
}

/** The functions of a table that compares whole records (`packed`), not revisions. */
export type CasTable = Omit<CasStoreOptions, "replaceIf"> & {
  replaceIf(...args: [...Parameters<CasStoreOptions["replaceIf"]>, packed: string]): MaybePromise<boolean>;
};

/** An attempt to patch a record: until when, by `performance.now()`, and how many have failed before. */
interface Attempt {
  readonly end: number;
  readonly failures: number;
}

/** How long a patch is tried if its caller does not say, in milliseconds. Requests always do. */
const defaultTimeout = 10_000;

/** How often in a row `replaceIf` may refuse a revision that `get` still returns. */
const maxStale = 8;

/** The size in bytes of each of the two generations of recent records: enough for concurrent requests. */
const recentRoom = 2 ** 16;

/**
 * Makes a {@link Store} of any database that can replace a row only if it has not changed: compare-and-set, a conditional write.
 *
 * A patch is applied to the record as this process last saw it, or else as `get` returns it, and `replaceIf` writes the result. If
 * somebody else has written in between, that is repeated, with random and growing pauses, until the caller's timeout. There is no limit on the number of
 * attempts: each one that fails means that another one succeeded. If the time is up first, the error is `STORE_CONTENDED`. Patches of one
 * process do not queue up, since the one in front might wait for a connection that hangs.
 *
 * Check what you made with `storeContract` and `races` from `coatcheck/testing`.
 */
export function casStore(options: CasStoreOptions): Store {
  return new CasStore(options);
}

export class CasStore implements Store {
  readonly name: string;
  readonly inProcess = false;
  readonly #table: CasTable;
  /** Packed records as this process last saw them. `replaceIf` proves whether they still are the current ones. */
  readonly #recent = new TwoGenerationCache<{ readonly id: string; readonly packed: BinaryString }>(
    recentRoom,
  );

  constructor(table: CasTable) {
    this.name = table.name;
    this.#table = table;
  }

  create(record: SessionRecord, timeout = defaultTimeout): MaybePromise<boolean> {
    const packed = packRecord(record);
    return andThen(this.#table.insert(rowOf(record, packed), Math.ceil(timeout)), (inserted) => {
      const isNew = this.#checked("create", "insert", inserted, "boolean");
      if (isNew) this.#remember(record.id, packed);
      return isNew;
    });
  }

  read(id: string, now: number): MaybePromise<SessionRecord | null> {
    return andThen(this.#get("read", id), (packed) => {
      if (packed === undefined) return null;
      const record = recordOf("read", id, packed);
      return expiresAt(record) <= now ? null : record;
    });
  }

  patch(id: string, patch: Patch, now: number, timeout = defaultTimeout): MaybePromise<PatchOutcome> {
    const start = performance.now();
    const attempt = { end: start + timeout, failures: 0 };
    const known = this.#recent.get(fingerprintOf(id, 0));
    const first = known?.id === id ? this.#patchOver(id, known.packed, patch, now, attempt) : undefined;
    return andThen(first, (guess) =>
      // Any other outcome may be that of an old record.
      guess !== undefined && guess.kind === "applied"
        ? guess
        : andThen(this.#patchCurrent(id, patch, now, attempt), (outcome) =>
            typeof outcome === "number"
              ? this.#contend(id, patch, now, start, attempt.end, outcome)
              : outcome,
          ),
    );
  }

  list(subject: string, now: number): MaybePromise<SessionRecord[]> {
    return andThen(this.#table.bySubject(subject, now), (rows) => {
      const found = new Map<string, SessionRecord>();
      if (rows.length <= recordsAtOnce) {
        this.#collect(found, rows, subject, now);
        return [...found.values()];
      }
      return this.#collectInTurns(found, rows, subject, now);
    });
  }

  sweep(now: number, limit: number): MaybePromise<number> {
    // Both times are rounded so that no row is deleted early.
    return andThen(this.#table.sweep(Math.floor(now), limit), (deleted) =>
      this.#checked("sweep", "sweep", deleted, "number"),
    );
  }

  close(): MaybePromise<void> {
    return this.#table.close?.();
  }

  /** Returns the packed record under an id, expired or not. */
  #get(operation: StoreOperation, id: string): MaybePromise<BinaryString | undefined> {
    return andThen(this.#table.get(id), (row) => {
      if (row === null || row === undefined) return undefined;
      const packed = this.#packedOf(operation, "get", row);
      this.#remember(id, packed);
      return packed;
    });
  }

  /** Patches the current record. Returns the revision that was current if somebody else was faster. */
  #patchCurrent(
    id: string,
    patch: Patch,
    now: number,
    attempt: Attempt,
  ): MaybePromise<PatchOutcome | number> {
    return andThen(this.#get("patch", id), (packed) => {
      if (packed === undefined) return { kind: "gone" };
      return andThen(
        this.#patchOver(id, packed, patch, now, attempt),
        (outcome) => outcome ?? recordOf("patch", id, packed).revision,
      );
    });
  }

  /** Patches a record if `packed` is still the current one. Otherwise does nothing and returns `undefined`. */
  #patchOver(
    id: string,
    packed: BinaryString,
    patch: Patch,
    now: number,
    attempt: Attempt,
  ): MaybePromise<PatchOutcome | undefined> {
    const record = recordOf("patch", id, packed);
    const { outcome, next } = layPatch(record, patch, now);
    if (next === undefined) return outcome;
    const written = packRecord(next);
    const remaining = Math.ceil(attempt.end - performance.now());
    if (remaining <= 0) throw this.#outOfTime(attempt.failures);
    const row = rowOf(next, written);
    const isMoved = row.subject !== record.subject || row.expiresAt !== expiryOf(record);
    return andThen(this.#table.replaceIf(row, record.revision, remaining, isMoved, packed), (replaced) => {
      if (!this.#checked("patch", "replaceIf", replaced, "boolean")) return undefined;
      this.#remember(id, written);
      return outcome;
    });
  }

  /** Tries again until no other write comes first. The pauses grow, so that any number of writers get their turn. */
  async #contend(
    id: string,
    patch: Patch,
    now: number,
    start: number,
    end: number,
    refused: number,
  ): Promise<PatchOutcome> {
    let began = start;
    let last = refused;
    for (let [failures, stale] = [1, 0]; stale < maxStale; failures++) {
      // An attempt that fails overlapped another one. So its own time says how far the next ones must be apart.
      const took = Math.max(performance.now() - began, 0.5);
      const spare = end - performance.now() - took;
      if (spare < 0) throw this.#outOfTime(failures);
      const pause = failures === 1 ? 0 : Math.random() * Math.min(took * Math.min(2 ** failures, 32), spare);
      if (pause > 0) await wait(pause);
      began = performance.now();
      const outcome = await this.#patchCurrent(id, patch, now, { end, failures });
      if (typeof outcome !== "number") return outcome;
      stale = outcome === last ? stale + 1 : 0;
      last = outcome;
    }
    throw this.#error(
      "STORE_FAILED",
      "patch",
      `replaceIf keeps refusing revision ${last}, which get still returns: one of them reads an old copy, or compares wrongly`,
    );
  }

  /** Adds the rows that belong to a subject and have not expired. */
  #collect(
    found: Map<string, SessionRecord>,
    rows: readonly Pick<CasRow, "id" | "bytes">[],
    subject: string,
    now: number,
  ): void {
    for (const row of rows) {
      // A damaged record must not hide a person's other sessions.
      const record = unpackRecord(row.id, this.#packedOf("list", "bySubject", row));
      if (record === undefined || record.subject !== subject || expiresAt(record) <= now) continue;
      if (record.revision >= (found.get(row.id)?.revision ?? 0)) found.set(row.id, record);
    }
  }

  async #collectInTurns(
    found: Map<string, SessionRecord>,
    rows: readonly Pick<CasRow, "id" | "bytes">[],
    subject: string,
    now: number,
  ): Promise<SessionRecord[]> {
    for (let at = 0; at < rows.length; at += recordsAtOnce) {
      if (at !== 0) await turn();
      this.#collect(found, rows.slice(at, at + recordsAtOnce), subject, now);
    }
    return [...found.values()];
  }

  #remember(id: string, packed: BinaryString): void {
    this.#recent.set(fingerprintOf(id, 0), { id, packed }, packed.length + 100);
  }

  #packedOf(operation: StoreOperation, from: string, row: Pick<CasRow, "bytes">): BinaryString {
    const { bytes } = row;
    if (bytes instanceof Uint8Array) return toBinaryString(bytes);
    throw this.#error("STORE_FAILED", operation, `${from} returned a row whose bytes are not a Uint8Array`);
  }

  /** Returns a function's result. A forgotten `return` must not count as `false`. */
  #checked<T>(operation: StoreOperation, from: string, result: T, type: "boolean" | "number"): T {
    if (typeof result === type) return result;
    throw this.#error(
      "STORE_FAILED",
      operation,
      `${from} must return a ${type}, and returned ${typeof result}`,
    );
  }

  #outOfTime(failures: number): StoreError {
    return failures === 0
      ? this.#error("STORE_TIMEOUT", "patch", "the time was up before it could write")
      : this.#error("STORE_CONTENDED", "patch", `${failures} other writes of the same session came first`);
  }

  #error(
    code: "STORE_CONTENDED" | "STORE_FAILED" | "STORE_TIMEOUT",
    operation: StoreOperation,
    what: string,
  ): StoreError {
    return new StoreError(code, operation, `The ${this.name} store could not ${operation}: ${what}.`, {
      transient: code !== "STORE_FAILED",
    });
  }
}

function rowOf(record: SessionRecord, packed: BinaryString): CasRow {
  const { id, revision, subject } = record;
  // `Buffer.from` would use a pool, and with it hand out other sessions' bytes to those who look at `bytes.buffer`.
  const bytes = Buffer.alloc(packed.length);
  bytes.write(packed, "latin1");
  return { id, revision, subject, expiresAt: expiryOf(record), bytes };
}

function expiryOf(record: SessionRecord): number {
  return Math.ceil(expiresAt(record));
}

/** @throws StoreError RECORD_UNREADABLE */
function recordOf(operation: StoreOperation, id: string, packed: BinaryString): SessionRecord {
  const record = unpackRecord(id, packed);
  if (record !== undefined) return record;
  throw unreadableRecord(operation);
}
