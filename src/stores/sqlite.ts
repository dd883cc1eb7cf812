import type { DatabaseSync, StatementSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { toMilliseconds } from "../core/duration.ts";
import type { Duration } from "../core/duration.ts";
import { packRecord, unpackRecord } from "../core/packed-record.ts";
import { latin1Of } from "../core/packing.ts";
import { layPatch, expiresAt } from "../core/record.ts";
import type { Patch, PatchOutcome, SessionRecord } from "../core/record.ts";
import type { Awaitable } from "../core/awaitable.ts";
import type { Store } from "../core/store.ts";
import { ConfigError, StoreError, unreadableRecord } from "../errors.ts";
import type { StoreErrorCode, StoreOperation } from "../errors.ts";
import { blockingPatience, isBusy, openDatabase, resultCode } from "./sqlite/database.ts";

/** The options of {@link sqliteStore}. */
export interface SqliteStoreOptions {
  /** The database's file. It, and folders on the way, are made when missing, readable by the owner alone. */
  readonly path: string;
  /**
   * What an acknowledged write survives. `"normal"` (the default): the end of the process, however
   * sudden; after a loss of power the last writes, logouts among them, may be undone. `"full"`: that,
   * too, for one fsync a write.
   */
  readonly durability?: "normal" | "full";
  /** How long a write waits for other processes' writes, without blocking this one. Default 1.5 seconds. */
  readonly busyTimeout?: Duration;
}

/**
 * Keeps records in an SQLite file, through the SQLite built into Node, Bun and Deno: the store for one
 * machine, also for several processes on it. It makes its tables in the file, beside any others there.
 *
 * @throws ConfigError CONFIG_INVALID for wrong options, or where there is no SQLite; StoreError when the file can't be opened.
 */
export function sqliteStore(options: SqliteStoreOptions): Store {
  const { path, durability = "normal", busyTimeout = { milliseconds: 1500 } } = options;
  if (typeof path !== "string" || path === "") {
    const message = 'sqliteStore needs a path, such as { path: "data/sessions.db" }.';
    throw new ConfigError("CONFIG_INVALID", message);
  }
  if (durability !== "normal" && durability !== "full")
    throw new ConfigError("CONFIG_INVALID", 'durability must be "normal" or "full".');
  const patience = toMilliseconds(busyTimeout, "busyTimeout");
  try {
    return new SqliteStore(openDatabase(path, durability), patience);
  } catch (error) {
    throw error instanceof ConfigError ? error : asStoreError("open", error);
  }
}

class SqliteStore implements Store {
  readonly name = "sqlite";
  readonly inProcess = false;
  readonly #database: DatabaseSync;
  readonly #patience: number;
  readonly #create: StatementSync;
  readonly #read: StatementSync;
  readonly #write: StatementSync;
  readonly #writeAll: StatementSync;
  readonly #list: StatementSync;
  readonly #sweep: StatementSync;

  constructor(database: DatabaseSync, patience: number) {
    this.#database = database;
    this.#patience = patience;
    this.#create = database.prepare(
      "INSERT INTO coatcheck_session (id, subject, expires_at, record) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
    );
    this.#read = database.prepare("SELECT record FROM coatcheck_session WHERE id = ? AND expires_at > ?");
    // Only where the record is still the one that was read: a transaction in one statement.
    this.#write = database.prepare("UPDATE coatcheck_session SET record = ? WHERE id = ? AND record = ?");
    this.#writeAll = database.prepare(
      "UPDATE coatcheck_session SET record = ?, subject = ?, expires_at = ? WHERE id = ? AND record = ?",
    );
    this.#list = database.prepare(
      "SELECT id, record FROM coatcheck_session WHERE subject = ? AND expires_at > ?",
    );
    this.#sweep = database.prepare(
      "DELETE FROM coatcheck_session WHERE id IN (SELECT id FROM coatcheck_session WHERE expires_at <= ? LIMIT ?)",
    );
  }

  create(record: SessionRecord): Awaitable<boolean> {
    const { id, subject } = record;
    return this.#run(
      "create",
      () => this.#create.run(id, subject, expiresAt(record), toBlob(record)).changes === 1,
    );
  }

  read(id: string, now: number): Awaitable<SessionRecord | null> {
    return this.#run("read", () => {
      const blob = this.#find(id, now);
      return blob === null ? null : recordOf(id, blob);
    });
  }

  patch(id: string, patch: Patch, now: number): Awaitable<PatchOutcome> {
    return this.#run("patch", () => {
      for (;;) {
        const blob = this.#find(id, now);
        const record = blob === null ? null : recordOf(id, blob);
        const { outcome, next } = layPatch(record, patch, now);
        if (record === null || blob === null || next === undefined) return outcome;
        const written = toBlob(next);
        const expiry = expiresAt(next);
        // An index whose columns stay as they are is not to be written anew.
        const { changes } =
          next.subject === record.subject && expiry === expiresAt(record)
            ? this.#write.run(written, id, blob)
            : this.#writeAll.run(written, next.subject, expiry, id, blob);
        if (changes === 1) return outcome;
        // Another process was faster; it has moved the record on, so this ends.
      }
    });
  }

  list(subject: string, now: number): Awaitable<SessionRecord[]> {
    // One damaged record must not hide a person's other sessions from them.
    return this.#run("list", () =>
      this.#list.all(subject, now).flatMap(({ id, record }) => fromBlob(String(id), record) ?? []),
    );
  }

  sweep(now: number, limit: number): Awaitable<number> {
    return this.#run("sweep", () => Number(this.#sweep.run(now, limit).changes));
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #find(id: string, now: number): Uint8Array | null {
    const record = this.#read.get(id, now)?.["record"];
    return record instanceof Uint8Array ? record : null;
  }

  /** Answers at once, or, where another process is writing, as soon as it can. */
  #run<T>(operation: StoreOperation, work: () => T): Awaitable<T> {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw asStoreError(operation, error);
      return this.#retry(operation, work);
    }
  }

  async #retry<T>(operation: StoreOperation, work: () => T): Promise<T> {
    for (let waited = 0; ; waited += 15 + blockingPatience) {
      // An uneven pause keeps processes that wait for each other from waking together.
      await wait(5 + Math.random() * 20);
      try {
        return work();
      } catch (error) {
        if (!isBusy(error) || waited >= this.#patience) throw asStoreError(operation, error);
      }
    }
  }
}

function toBlob(record: SessionRecord): Uint8Array {
  return Buffer.from(packRecord(record), "latin1");
}

/** `undefined` for what is no record. */
function fromBlob(id: string, blob: unknown): SessionRecord | undefined {
  return blob instanceof Uint8Array ? unpackRecord(id, latin1Of(blob)) : undefined;
}

/** @throws StoreError RECORD_UNREADABLE */
function recordOf(id: string, blob: Uint8Array): SessionRecord {
  const record = fromBlob(id, blob);
  if (record !== undefined) return record;
  throw unreadableRecord("read");
}

const faults: Readonly<Record<number, readonly [StoreErrorCode, transient: boolean, what: string]>> = {
  5: ["STORE_BUSY", true, "another process kept it locked"],
  6: ["STORE_BUSY", true, "another process kept it locked"],
  8: ["STORE_READ_ONLY", false, "the database can't be written to"],
  10: ["STORE_UNAVAILABLE", true, "the disk did not do its work"],
  11: ["STORE_FAILED", false, "the database file is damaged"],
  13: ["STORE_FULL", true, "the disk is full"],
  26: ["STORE_FAILED", false, "the file is no SQLite database"],
};

function asStoreError(operation: StoreOperation, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  const other =
    operation === "open" ? (["STORE_UNAVAILABLE", false, "is the path right?"] as const) : undefined;
  const [code, transient, what] = faults[resultCode(cause)] ??
    other ?? ["STORE_FAILED", false, "the database failed"];
  return new StoreError(code, operation, `The sqlite store could not ${operation}: ${what}.`, {
    transient,
    cause,
  });
}
