import type { DatabaseSync, StatementSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { toMilliseconds } from "../runtime/duration.ts";
import type { Duration } from "../runtime/duration.ts";
import { packRecord, unpackRecord } from "../record/binary/record.ts";
import { toBinaryString } from "../runtime/binary-string.ts";
import { fingerprintOf, TwoGenerationCache } from "../runtime/two-generation-cache.ts";
import { expiresAt } from "../record/record.ts";
import { layPatch } from "../record/patch.ts";
import type { SessionRecord } from "../record/record.ts";
import type { Patch, PatchOutcome } from "../record/patch.ts";
import { andThen } from "../runtime/maybe-promise.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import { recordsAtOnce, turn } from "../runtime/time-slices.ts";
import type { Store } from "../record/store.ts";
import { ConfigError, StoreError, unreadableRecord } from "../errors.ts";
import type { StoreErrorCode, StoreOperation } from "../errors.ts";
import { blockingPatience, isBusy, resultCode } from "./sqlite/database.ts";
import { assertKnownOptions, assertOption } from "../runtime/check-options.ts";
import { holdDatabase } from "./sqlite/shared.ts";
import type { HeldDatabase } from "./sqlite/shared.ts";

/** The options of {@link sqliteStore}. */
export interface SqliteStoreOptions {
  /** The database file. It and missing parent folders are created, readable only by their owner. */
  readonly path: string;
  /**
   * What an acknowledged write survives. `"normal"` (the default): a crash of the process, but a power failure
   * may undo the last writes, including logouts. `"full"`: a power failure as well, at the cost of one fsync
   * per write.
   */
  readonly durability?: "normal" | "full";
  /** How long a write waits for other processes' writes, without blocking this process. Default 1.5 seconds. */
  readonly busyTimeout?: Duration;
}

/**
 * Keeps records in an SQLite file, through the SQLite built into Node, Bun and Deno: the store for one machine
 * with one or more processes. It creates its tables in the file, beside any others.
 *
 * The first use or `sessions.check()` opens the file, and throws StoreError if that fails, or ConfigError
 * CONFIG_INVALID if the runtime has no SQLite. Stores in one process on the same file share one open database.
 *
 * @throws ConfigError CONFIG_INVALID if an option is not valid.
 */
export function sqliteStore(options: SqliteStoreOptions): Store {
  assertKnownOptions(options, ["path", "durability", "busyTimeout"], "sqliteStore");
  const { path, durability = "normal", busyTimeout = { milliseconds: 1500 } } = options;
  assertOption(
    typeof path === "string" && path !== "",
    'path must be the path of a file, such as { path: "data/sessions.db" }.',
  );
  assertOption(durability === "normal" || durability === "full", 'durability must be "normal" or "full".');
  const timeout = toMilliseconds(busyTimeout, "busyTimeout");
  return new SqliteStore(() => holdDatabase(path, durability), timeout);
}

/** The prepared statements on the table of records. */
interface Table {
  readonly create: StatementSync;
  readonly read: StatementSync;
  readonly write: StatementSync;
  readonly writeAll: StatementSync;
  readonly list: StatementSync;
  readonly sweep: StatementSync;
}

function prepareTable(database: DatabaseSync): Table {
  return {
    create: database.prepare(
      "INSERT INTO coatcheck_session (id, subject, expires_at, record) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
    ),
    read: database.prepare("SELECT record FROM coatcheck_session WHERE id = ? AND expires_at > ?"),
    // Writes only if the record is still the one that was read: a transaction in one statement.
    write: database.prepare("UPDATE coatcheck_session SET record = ? WHERE id = ? AND record = ?"),
    writeAll: database.prepare(
      "UPDATE coatcheck_session SET record = ?, subject = ?, expires_at = ? WHERE id = ? AND record = ?",
    ),
    list: database.prepare(
      `SELECT id, record FROM coatcheck_session WHERE subject = ? AND expires_at > ? AND id > ? ORDER BY id LIMIT ${recordsAtOnce}`,
    ),
    sweep: database.prepare(
      "DELETE FROM coatcheck_session WHERE id IN (SELECT id FROM coatcheck_session WHERE expires_at <= ? LIMIT ?)",
    ),
  };
}

/** The size in bytes of each of the two generations of recently read records: enough for concurrent requests. */
const recentRoom = 2 ** 16;

/** A page of a subject's records. `last` is the id after which there may be more. */
interface Page {
  readonly records: SessionRecord[];
  readonly last: string | undefined;
}

class SqliteStore implements Store {
  readonly name = "sqlite";
  readonly inProcess = false;
  readonly #hold: () => HeldDatabase;
  readonly #timeout: number;
  #held: HeldDatabase | undefined;
  #prepared: Table | undefined;
  #isClosed = false;
  /** Packed records as this process last saw them. */
  readonly #recent = new TwoGenerationCache<{ readonly id: string; readonly packed: string }>(recentRoom);

  constructor(hold: () => HeldDatabase, timeout: number) {
    this.#hold = hold;
    this.#timeout = timeout;
  }

  create(record: SessionRecord): MaybePromise<boolean> {
    const { id, subject } = record;
    return this.#run("create", () => {
      const blob = Buffer.from(packRecord(record), "latin1");
      return this.#table.create.run(id, subject, expiresAt(record), blob).changes === 1;
    });
  }

  read(id: string, now: number): MaybePromise<SessionRecord | null> {
    return this.#run("read", () => {
      const packed = this.#find(id, now);
      if (packed === null) return null;
      const record = recordOf(id, packed);
      this.#remember(id, packed);
      return record;
    });
  }

  patch(id: string, patch: Patch, now: number): MaybePromise<PatchOutcome> {
    return this.#run("patch", () => {
      // Usually the record has not changed since this process read it. The conditional write proves that.
      const known = this.#recent.get(fingerprintOf(id, 0));
      const outcome = known?.id === id ? this.#patchOver(id, known.packed, patch, now) : undefined;
      if (outcome?.kind === "applied") return outcome;
      for (;;) {
        const packed = this.#find(id, now);
        if (packed === null) return { kind: "gone" };
        const result = this.#patchOver(id, packed, patch, now);
        // Each failure means that another process's write succeeded, so this ends.
        if (result !== undefined) return result;
      }
    });
  }

  list(subject: string, now: number): MaybePromise<SessionRecord[]> {
    return andThen(this.#listAfter("", subject, now), (page) =>
      page.last === undefined ? page.records : this.#listOn(page.records, page.last, subject, now),
    );
  }

  /** Lists the remaining pages, and lets other work run between them. */
  async #listOn(
    records: SessionRecord[],
    from: string,
    subject: string,
    now: number,
  ): Promise<SessionRecord[]> {
    for (let last: string | undefined = from; last !== undefined;) {
      await turn();
      const page: Page = await this.#listAfter(last, subject, now);
      records.push(...page.records);
      ({ last } = page);
    }
    return records;
  }

  #listAfter(last: string, subject: string, now: number): MaybePromise<Page> {
    return this.#run("list", () => {
      const rows = this.#table.list.all(subject, now, last);
      // A damaged record must not hide a person's other sessions.
      const records = rows.flatMap(({ id, record }) =>
        record instanceof Uint8Array ? (unpackRecord(String(id), toBinaryString(record)) ?? []) : [],
      );
      return { records, last: rows.length < recordsAtOnce ? undefined : String(rows.at(-1)?.["id"]) };
    });
  }

  sweep(now: number, limit: number): MaybePromise<number> {
    return this.#run("sweep", () => Number(this.#table.sweep.run(now, limit).changes));
  }

  close(): void {
    this.#isClosed = true;
    this.#held?.release();
    this.#held = undefined;
    this.#prepared = undefined;
  }

  /** Opened at first use: a build of a site also loads its modules, and has no file to open. */
  get #table(): Table {
    if (this.#prepared !== undefined) return this.#prepared;
    if (this.#isClosed) throw new Error("The store was closed.");
    try {
      this.#held ??= this.#hold();
      this.#prepared = prepareTable(this.#held.database);
      return this.#prepared;
    } catch (error) {
      throw isBusy(error) ? error : asStoreError("open", error);
    }
  }

  /** A packed record, with a character for each byte; `null` if it is missing or expired. */
  #find(id: string, now: number): string | null {
    const blob = this.#table.read.get(id, now)?.["record"];
    return blob instanceof Uint8Array ? toBinaryString(blob) : null;
  }

  #remember(id: string, packed: string): void {
    this.#recent.set(fingerprintOf(id, 0), { id, packed }, packed.length + 100);
  }

  /** Patches a record if its stored form is still `packed`. Otherwise does nothing and returns `undefined`. */
  #patchOver(id: string, packed: string, patch: Patch, now: number): PatchOutcome | undefined {
    const record = recordOf(id, packed);
    const { outcome, next } = layPatch(record, patch, now);
    if (next === undefined) return outcome;
    const written = packRecord(next);
    const [blob, held] = [Buffer.from(written, "latin1"), Buffer.from(packed, "latin1")];
    const expiry = expiresAt(next);
    // Unchanged columns are left out, so that their indexes are not written again.
    const { changes } =
      next.subject === record.subject && expiry === expiresAt(record)
        ? this.#table.write.run(blob, id, held)
        : this.#table.writeAll.run(blob, next.subject, expiry, id, held);
    if (changes !== 1) return undefined;
    this.#remember(id, written);
    return outcome;
  }

  /** Runs `work` synchronously, or retries it later if another process is writing. */
  #run<T>(operation: StoreOperation, work: () => T): MaybePromise<T> {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw asStoreError(operation, error);
      return this.#retry(operation, work);
    }
  }

  async #retry<T>(operation: StoreOperation, work: () => T): Promise<T> {
    for (let waited = 0; ; waited += 15 + blockingPatience) {
      // A random pause keeps waiting processes from retrying at the same moment.
      await wait(5 + Math.random() * 20);
      try {
        return work();
      } catch (error) {
        if (!isBusy(error) || waited >= this.#timeout) throw asStoreError(operation, error);
      }
    }
  }
}

/** @throws StoreError RECORD_UNREADABLE */
function recordOf(id: string, packed: string): SessionRecord {
  const record = unpackRecord(id, packed);
  if (record !== undefined) return record;
  throw unreadableRecord("read");
}

const faults: Readonly<Record<number, readonly [StoreErrorCode, transient: boolean, what: string]>> = {
  5: ["STORE_BUSY", true, "another process kept the database locked"],
  6: ["STORE_BUSY", true, "another process kept the database locked"],
  8: ["STORE_READ_ONLY", false, "the database can't be written to"],
  10: ["STORE_UNAVAILABLE", true, "the disk failed"],
  11: ["STORE_FAILED", false, "the database file is damaged"],
  13: ["STORE_FULL", true, "the disk is full"],
  26: ["STORE_FAILED", false, "the file is not an SQLite database"],
};

function asStoreError(operation: StoreOperation, cause: unknown): StoreError | ConfigError {
  if (cause instanceof StoreError || cause instanceof ConfigError) return cause;
  const other = operation === "open" ? (["STORE_UNAVAILABLE", false, "check the path"] as const) : undefined;
  const [code, transient, what] = faults[resultCode(cause)] ??
    other ?? ["STORE_FAILED", false, "the database failed"];
  return new StoreError(code, operation, `The sqlite store could not ${operation}: ${what}.`, {
    transient,
    cause,
  });
}
