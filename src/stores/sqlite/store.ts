import { setTimeout as wait } from "node:timers/promises";
import { packRecord, unpackRecord } from "../../record/binary/record.ts";
import { layPatch } from "../../record/patch.ts";
import type { Patch, PatchOutcome } from "../../record/patch.ts";
import { expiresAt } from "../../record/record.ts";
import type { SessionRecord } from "../../record/record.ts";
import type { Store } from "../../record/store.ts";
import { unreadableRecord } from "../../errors.ts";
import type { StoreOperation } from "../../errors.ts";
import { toBinaryString } from "../../runtime/binary-string.ts";
import { andThen } from "../../runtime/maybe-promise.ts";
import type { MaybePromise } from "../../runtime/maybe-promise.ts";
import { recordsAtOnce, turn } from "../../runtime/time-slices.ts";
import { fingerprintOf, TwoGenerationCache } from "../../runtime/two-generation-cache.ts";
import type { SqliteValue } from "./clients.ts";
import { asStoreError, isBusy, resultCode } from "./errors.ts";

export type Row = Readonly<Record<string, unknown>>;

interface Statement {
  run(...values: SqliteValue[]): { readonly changes: number | bigint };
  get(...values: SqliteValue[]): Row | undefined;
  all(...values: SqliteValue[]): Row[];
}

/** What the store uses of a database of `node:sqlite`. */
export interface OpenDatabase {
  prepare(sql: string): Statement;
  exec(sql: string): unknown;
}

/** The prepared statements on the table of records. */
interface Table {
  readonly create: Statement;
  readonly read: Statement;
  readonly write: Statement;
  readonly writeAll: Statement;
  readonly list: Statement;
  readonly sweep: Statement;
}

function prepareTable(database: OpenDatabase): Table {
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

/** The size in bytes of each generation of recent records: enough for concurrent requests. */
const recentRoom = 2 ** 16;

/** A page of a subject's records. `last` is the id after which there may be more. */
interface Page {
  readonly records: SessionRecord[];
  readonly last: string | undefined;
}

/** A share of an open database. */
export interface HeldDatabase {
  readonly database: OpenDatabase;
  /** How many milliseconds SQLite waits for another process's write, and blocks this one, if that is long. */
  readonly patience?: number;
  /** Gives the share up. */
  release(): void;
}

export class SessionTable implements Store {
  readonly name = "sqlite";
  readonly inProcess = false;
  readonly #hold: (mayMigrate: boolean) => HeldDatabase;
  readonly #timeout: number;
  #held: HeldDatabase | undefined;
  #prepared: Table | undefined;
  #isClosed = false;
  /** Packed records as this process last saw them. */
  readonly #recent = new TwoGenerationCache<{ readonly id: string; readonly packed: string }>(recentRoom);

  /** @param timeout how long to wait for locks, in milliseconds. */
  constructor(hold: (mayMigrate: boolean) => HeldDatabase, timeout: number) {
    this.#hold = hold;
    this.#timeout = timeout;
  }

  create(record: SessionRecord): MaybePromise<boolean> {
    const { id, subject } = record;
    return this.#run("create", () => {
      const blob = Buffer.from(packRecord(record), "latin1");
      return this.#table.create.run(id, subject, expiresAt(record), blob).changes > 0;
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

  async migrate(): Promise<void> {
    await this.#run("open", () => this.#open(true));
  }

  /** Opened at first use: a build of a site loads its modules, too. */
  get #table(): Table {
    return this.#prepared ?? this.#open(false);
  }

  #open(mayMigrate: boolean): Table {
    if (this.#isClosed) throw new Error("The store was closed.");
    try {
      this.#held ??= this.#hold(mayMigrate);
      return (this.#prepared ??= prepareTable(this.#held.database));
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
    if (!(changes > 0)) return undefined;
    this.#remember(id, written);
    return outcome;
  }

  /** Runs `work` synchronously, or retries it later if another process is writing. */
  #run<T>(operation: StoreOperation, work: () => T): MaybePromise<T> {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw asStoreError(operation, error);
      return this.#retry(operation, work, error);
    }
  }

  async #retry<T>(operation: StoreOperation, work: () => T, first: unknown): Promise<T> {
    let error = first;
    let waited = resultCode(error) === 5 ? (this.#held?.patience ?? 0) : 0;
    while (isBusy(error) && waited <= this.#timeout) {
      // A random pause keeps waiting processes from retrying at the same moment.
      await wait(5 + Math.random() * 20);
      const start = performance.now();
      try {
        return work();
      } catch (caught) {
        error = caught;
      }
      waited += 15 + performance.now() - start;
    }
    throw asStoreError(operation, error);
  }
}

/** @throws StoreError RECORD_UNREADABLE */
function recordOf(id: string, packed: string): SessionRecord {
  const record = unpackRecord(id, packed);
  if (record !== undefined) return record;
  throw unreadableRecord("read");
}
