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
import { holdDatabase } from "./sqlite/shared.ts";
import type { HeldDatabase } from "./sqlite/shared.ts";

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
 * Opens nothing yet: the first use does, or `sessions.check()`, and then says what is wrong with the file (StoreError,
 * or ConfigError CONFIG_INVALID where there is no SQLite). Stores of one process on one file share what they open.
 *
 * @throws ConfigError CONFIG_INVALID for wrong options.
 */
export function sqliteStore(options: SqliteStoreOptions): Store {
  const { path, durability = "normal", busyTimeout = { milliseconds: 1500 } } = options;
  if (typeof path !== "string" || path === "") {
    const message = 'sqliteStore needs a path, such as { path: "data/sessions.db" }.';
    throw new ConfigError("CONFIG_INVALID", message);
  }
  if (durability !== "normal" && durability !== "full")
    throw new ConfigError("CONFIG_INVALID", 'durability must be "normal" or "full".');
  const timeout = toMilliseconds(busyTimeout, "busyTimeout");
  return new SqliteStore(() => holdDatabase(path, durability), timeout);
}

/** What can be done with the table of records. */
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
    // Only where the record is still the one that was read: a transaction in one statement.
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

/** How much of what was read is kept in mind, in bytes and twice at most: as much as requests at one time need. */
const recentRoom = 2 ** 16;

/** Some of a subject's records; `last` is the id after which there may be more. */
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
  /** Records as this process last saw them, packed. */
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
      // Mostly nobody has written since this process read the record, and a write that finds it as it was is the proof.
      const known = this.#recent.get(fingerprintOf(id, 0));
      const outcome = known?.id === id ? this.#patchOver(id, known.packed, patch, now) : undefined;
      if (outcome?.kind === "applied") return outcome;
      for (;;) {
        const packed = this.#find(id, now);
        if (packed === null) return { kind: "gone" };
        const told = this.#patchOver(id, packed, patch, now);
        // Where another process was faster it has moved the record on, so this ends.
        if (told !== undefined) return told;
      }
    });
  }

  list(subject: string, now: number): MaybePromise<SessionRecord[]> {
    return andThen(this.#listAfter("", subject, now), (page) =>
      page.last === undefined ? page.records : this.#listOn(page.records, page.last, subject, now),
    );
  }

  /** So many that everything else must get its turn between them. */
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
      // One damaged record must not hide a person's other sessions from them.
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

  /** Opened when it is first needed: programs that only build a site load its modules, and have no file to open. */
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

  /** A record's packing, with a character for each byte. */
  #find(id: string, now: number): string | null {
    const blob = this.#table.read.get(id, now)?.["record"];
    return blob instanceof Uint8Array ? toBinaryString(blob) : null;
  }

  #remember(id: string, packed: string): void {
    this.#recent.set(fingerprintOf(id, 0), { id, packed }, packed.length + 100);
  }

  /** Applies a patch to a record that is packed like this. `undefined` where it is no longer, and nothing was done. */
  #patchOver(id: string, packed: string, patch: Patch, now: number): PatchOutcome | undefined {
    const record = recordOf(id, packed);
    const { outcome, next } = layPatch(record, patch, now);
    if (next === undefined) return outcome;
    const written = packRecord(next);
    const [blob, held] = [Buffer.from(written, "latin1"), Buffer.from(packed, "latin1")];
    const expiry = expiresAt(next);
    // An index whose columns stay as they are is not to be written anew.
    const { changes } =
      next.subject === record.subject && expiry === expiresAt(record)
        ? this.#table.write.run(blob, id, held)
        : this.#table.writeAll.run(blob, next.subject, expiry, id, held);
    if (changes !== 1) return undefined;
    this.#remember(id, written);
    return outcome;
  }

  /** Answers at once, or, where another process is writing, as soon as it can. */
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
      // An uneven pause keeps processes that wait for each other from waking together.
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
  5: ["STORE_BUSY", true, "another process kept it locked"],
  6: ["STORE_BUSY", true, "another process kept it locked"],
  8: ["STORE_READ_ONLY", false, "the database can't be written to"],
  10: ["STORE_UNAVAILABLE", true, "the disk did not do its work"],
  11: ["STORE_FAILED", false, "the database file is damaged"],
  13: ["STORE_FULL", true, "the disk is full"],
  26: ["STORE_FAILED", false, "the file is no SQLite database"],
};

function asStoreError(operation: StoreOperation, cause: unknown): StoreError | ConfigError {
  if (cause instanceof StoreError || cause instanceof ConfigError) return cause;
  const other =
    operation === "open" ? (["STORE_UNAVAILABLE", false, "is the path right?"] as const) : undefined;
  const [code, transient, what] = faults[resultCode(cause)] ??
    other ?? ["STORE_FAILED", false, "the database failed"];
  return new StoreError(code, operation, `The sqlite store could not ${operation}: ${what}.`, {
    transient,
    cause,
  });
}
