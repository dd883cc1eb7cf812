import { setTimeout as wait } from "node:timers/promises";
import { CasStore } from "../../record/compare-and-set.ts";
import type { CasTable } from "../../record/compare-and-set.ts";
import type { Store } from "../../record/store.ts";
import { StoreError, unreadableRecord } from "../../errors.ts";
import type { ConfigError, StoreOperation } from "../../errors.ts";
import type { LibsqlClient, LibsqlResult, LibsqlStatement, SqliteValue } from "./clients.ts";
import { asStoreError, failed } from "./errors.ts";
import type { Fault } from "./errors.ts";
import { columnOf, notMigrated, resultCodeOf } from "./own-schema.ts";
import { scriptsAfter, versionFrom } from "./schema.ts";

// All statements are in batches, whose COMMIT can fail. In a file, a statement that has met a lock stays active on its connection until it is
// garbage: meanwhile single statements would write without a commit, and read an old snapshot, which lacks the logouts of other processes.

/** The database's clock, in milliseconds since 1970 UTC. */
const clock = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";

// What was written is returned, since clients count the changes of a statement that returns nothing in different ways.
const insert = `INSERT INTO coatcheck_session (id, subject, expires_at, record)
  SELECT ?1, ?2, ?3, ?4 WHERE ${clock} < ?5 ON CONFLICT (id) DO NOTHING RETURNING id`;
const replace = `UPDATE coatcheck_session SET record = ?3
  WHERE id = ?1 AND record = ?2 AND ${clock} < ?4 RETURNING id`;
const move = `UPDATE coatcheck_session SET record = ?3, subject = ?4, expires_at = ?5
  WHERE id = ?1 AND record = ?2 AND ${clock} < ?6 RETURNING id`;
const sweep = `DELETE FROM coatcheck_session
  WHERE id IN (SELECT id FROM coatcheck_session WHERE expires_at <= ?1 LIMIT ?2) RETURNING id`;

/**
 * A store over a client of libSQL, in the same table as the other SQLite stores. Others may write while a call waits for its answer,
 * so a change is one statement that writes only if the record is still the one that was read.
 *
 * @param timeout how long to wait for locks, in milliseconds.
 */
export function libsqlStore(
  client: LibsqlClient,
  autoMigrate: boolean,
  timeout: number,
): Store & { migrate(): Promise<void> } {
  /** How many milliseconds the database's clock is ahead of this machine's, as of its last answer. */
  let ahead = 0;
  let ready: Promise<void> | undefined;

  /** Runs `work`, and again if the database was locked: then nothing of it was executed. */
  async function patiently<T>(operation: StoreOperation, work: () => Promise<T>): Promise<T> {
    const end = performance.now() + timeout;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const fault = libsqlError(operation, error);
        if (!(fault instanceof StoreError && fault.code === "STORE_BUSY") || performance.now() >= end)
          throw fault;
      }
      await wait(5 + Math.random() * 20);
    }
  }

  async function query(sql: string, ...args: SqliteValue[]): Promise<LibsqlResult["rows"]> {
    const [result] = await client.batch([{ sql, args }], "read");
    return result?.rows ?? [];
  }

  async function prepareTables(mayMigrate: boolean): Promise<void> {
    const scripts = await missing();
    if (scripts.length === 0) return;
    if (!mayMigrate) throw notMigrated();
    try {
      await client.batch(
        scripts.flatMap((script) =>
          script
            .split(";")
            .filter((sql) => sql.trim() !== "")
            .map((sql) => ({ sql, args: [] })),
        ),
        "write",
      );
    } catch (error) {
      // Of several processes that start together, one creates the tables.
      if ((await missing()).length > 0) throw error;
    }
  }

  async function missing(): Promise<readonly string[]> {
    const tables = await query(
      "SELECT name FROM sqlite_master WHERE name IN ('coatcheck_schema', 'coatcheck_session')",
    );
    const names = new Set(tables.map((row) => columnOf(row, "name")));
    const [row] = names.has("coatcheck_schema")
      ? await query("SELECT max(version) AS version FROM coatcheck_schema")
      : [];
    return scriptsAfter(versionFrom(columnOf(row, "version"), () => names.has("coatcheck_session")));
  }

  async function open(mayMigrate: boolean): Promise<void> {
    ready ??= patiently("open", async () => prepareTables(mayMigrate));
    try {
      await ready;
    } catch (error) {
      // The next call tries again.
      ready = undefined;
      throw error;
    }
  }

  async function run(
    operation: StoreOperation,
    sql: string,
    ...args: SqliteValue[]
  ): Promise<LibsqlResult["rows"]> {
    await open(autoMigrate);
    return patiently(operation, async () => query(sql, ...args));
  }

  /** Runs a statement that writes one row, unless it is too late. @returns whether it did. */
  async function write(
    operation: StoreOperation,
    remaining: number,
    sql: string,
    ...args: SqliteValue[]
  ): Promise<boolean> {
    await open(autoMigrate);
    // A client can't be told to give up a statement that waits, so the statement looks at the clock itself.
    const deadline = Math.floor(Date.now() + remaining + ahead);
    const statements: LibsqlStatement[] = [
      { sql, args: [...args, deadline] },
      { sql: `SELECT ${clock} AS clock`, args: [] },
    ];
    const [written, time] = await patiently(operation, async () => client.batch(statements, "write"));
    const now = Number(columnOf(time?.rows[0], "clock"));
    ahead = now - Date.now();
    if (written?.rows.length === 1) return true;
    if (now < deadline) return false;
    throw new StoreError(
      "STORE_TIMEOUT",
      operation,
      `The sqlite store could not ${operation}: it came too late and was not executed.`,
      { transient: true },
    );
  }

  const table: CasTable = {
    name: "sqlite",
    insert: async ({ id, subject, expiresAt, bytes }, remaining) =>
      write("create", remaining, insert, id, subject, expiresAt, bytes),

    async get(id) {
      const [row] = await run("read", "SELECT record FROM coatcheck_session WHERE id = ?1", id);
      return row && { bytes: bytesOf("read", row) };
    },

    async replaceIf({ id, subject, expiresAt, bytes }, _revision, remaining, isMoved, packed) {
      const held = Buffer.from(packed, "latin1");
      return isMoved
        ? write("patch", remaining, move, id, held, bytes, subject, expiresAt)
        : write("patch", remaining, replace, id, held, bytes);
    },

    async bySubject(subject, now) {
      const rows = await run(
        "list",
        "SELECT id, record FROM coatcheck_session WHERE subject = ?1 AND expires_at > ?2",
        subject,
        now,
      );
      return rows.map((row) => ({ id: String(columnOf(row, "id")), bytes: bytesOf("list", row) }));
    },

    async sweep(now, limit) {
      await open(autoMigrate);
      const statements = [{ sql: sweep, args: [now, limit] }];
      const [deleted] = await patiently("sweep", async () => client.batch(statements, "write"));
      return deleted?.rows.length ?? 0;
    },
  };
  return Object.assign(new CasStore(table), { migrate: async () => open(true) });
}

function bytesOf(operation: StoreOperation, row: object): Uint8Array {
  const record = columnOf(row, "record");
  if (record instanceof Uint8Array) return record;
  if (record instanceof ArrayBuffer) return new Uint8Array(record);
  throw unreadableRecord(operation);
}

/** Errors that the client throws itself: what they mean. Any other without a code of SQLite's comes from the network. */
const clientFaults: Readonly<Record<string, Fault>> = {
  TRANSACTION_ACTIVE: ["STORE_BUSY", true, "a transaction of the app held the client's only connection"],
  CLIENT_CLOSED: ["STORE_FAILED", false, "the client was closed"],
};

const unreachable: Fault = ["STORE_UNAVAILABLE", true, "the database could not be reached"];

function libsqlError(operation: StoreOperation, error: unknown): StoreError | ConfigError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!(error instanceof Error) || !code.startsWith("SQLITE_")) {
    return asStoreError(operation, error, clientFaults[code] ?? unreachable);
  }
  return asStoreError(operation, Object.assign(error, { errcode: resultCodeOf(error) }), failed);
}
