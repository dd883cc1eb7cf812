import type { CasStoreOptions } from "../../record/compare-and-set.ts";
import type { StoreOperation } from "../../errors.ts";
import { unreadableRecord } from "../../errors.ts";
import { asStoreError, late, messageOf, storeError } from "./errors.ts";

/** What the store uses of a D1 database. */
export interface D1DatabaseLike {
  prepare(sql: string): D1StatementLike;
  batch(statements: D1StatementLike[]): Promise<D1ResultLike[]>;
}

/** What the store uses of a prepared statement of D1. */
export interface D1StatementLike {
  bind(...values: (string | number | null)[]): D1StatementLike;
  all(): Promise<D1ResultLike>;
}

/** What the store uses of a result of D1. */
export interface D1ResultLike {
  readonly results: unknown[];
}

/** The database's clock, in milliseconds since 1970 UTC. */
const clock = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";

/**
 * The functions of `casStore` on a table in D1. Records are stored as base64, because D1 returns a BLOB as a list of numbers in
 * JSON, four times as long.
 */
export function d1Functions(
  database: D1DatabaseLike,
  table: string,
): { readonly functions: Omit<CasStoreOptions, "name">; readonly migrate: () => Promise<void> } {
  const sql = statementsFor(table);
  /** How many milliseconds the database's clock is ahead of this machine's, as of its last answer. */
  let ahead = 0;

  async function migrate(): Promise<void> {
    try {
      await database.batch(sql.migration.map((statement) => database.prepare(statement)));
    } catch (error) {
      throw asStoreError("d1", "open", error);
    }
  }

  /** Runs statements that see the table, which is created if it is missing. */
  async function run<T>(operation: StoreOperation, work: () => Promise<T>): Promise<T> {
    try {
      try {
        return await work();
      } catch (error) {
        if (!messageOf(error).includes(`no such table: ${table}`)) throw error;
        await migrate();
        return await work();
      }
    } catch (error) {
      throw asStoreError("d1", operation, error);
    }
  }

  /** Runs a statement that writes one row, unless it is too late. @returns whether it did. */
  async function write(
    operation: StoreOperation,
    statement: string,
    values: readonly (string | number | null)[],
    timeout: number,
  ): Promise<boolean> {
    // D1 can't be told to give up a statement that waits in its queue, so the statement looks at the clock itself.
    const deadline = Math.floor(Date.now() + timeout + ahead);
    const bound = database.prepare(statement).bind(...values, deadline);
    const [written, time] = await run(operation, async () =>
      database.batch([bound, database.prepare(sql.clock)]),
    );
    const now = numberIn(time?.results[0], "clock") ?? 0;
    ahead = now - Date.now();
    if (written?.results.length === 1) return true;
    if (now >= deadline) throw storeError("d1", operation, late);
    return false;
  }

  const functions: Omit<CasStoreOptions, "name"> = {
    insert: async ({ id, revision, subject, expiresAt, bytes }, timeout) =>
      write("create", sql.insert, [id, revision, subject, expiresAt, toBase64(bytes)], timeout),

    async get(id) {
      const { results } = await run("read", async () => database.prepare(sql.get).bind(id).all());
      return results.length === 0 ? undefined : { bytes: bytesIn("read", results[0]) };
    },

    replaceIf: async ({ id, revision, subject, expiresAt, bytes }, expected, timeout) =>
      write("patch", sql.replaceIf, [id, revision, subject, expiresAt, toBase64(bytes), expected], timeout),

    async bySubject(subject, now) {
      const { results } = await run("list", async () =>
        database.prepare(sql.bySubject).bind(subject, now).all(),
      );
      return results.map((row) => ({ id: textIn(row, "id") ?? "", bytes: bytesIn("list", row) }));
    },

    async sweep(now, limit) {
      const { results } = await run("sweep", async () => database.prepare(sql.sweep).bind(now, limit).all());
      return results.length;
    },
  };
  return { functions, migrate };
}

function statementsFor(table: string) {
  return {
    migration: [
      `CREATE TABLE IF NOT EXISTS ${table} (
        id TEXT PRIMARY KEY,
        revision INTEGER NOT NULL,
        subject TEXT,
        expires_at INTEGER NOT NULL,
        record TEXT NOT NULL
      ) WITHOUT ROWID`,
      `CREATE INDEX IF NOT EXISTS ${table}_subject ON ${table} (subject) WHERE subject IS NOT NULL`,
      `CREATE INDEX IF NOT EXISTS ${table}_expires_at ON ${table} (expires_at)`,
    ],
    clock: `SELECT ${clock} AS clock`,
    // What was written is returned, since D1 says nothing about what its counts of changes mean for a statement in a batch.
    insert: `INSERT INTO ${table} (id, revision, subject, expires_at, record)
      SELECT ?1, ?2, ?3, ?4, ?5 WHERE ${clock} < ?6 ON CONFLICT (id) DO NOTHING RETURNING id`,
    get: `SELECT record FROM ${table} WHERE id = ?1`,
    replaceIf: `UPDATE ${table} SET revision = ?2, subject = ?3, expires_at = ?4, record = ?5
      WHERE id = ?1 AND revision = ?6 AND ${clock} < ?7 RETURNING id`,
    bySubject: `SELECT id, record FROM ${table} WHERE subject = ?1 AND expires_at > ?2`,
    sweep: `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE expires_at <= ?1 LIMIT ?2) RETURNING id`,
  };
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

function bytesIn(operation: StoreOperation, row: unknown): Uint8Array {
  const text = textIn(row, "record");
  if (text === undefined) throw unreadableRecord(operation);
  return Buffer.from(text, "base64");
}

function textIn(row: unknown, column: string): string | undefined {
  const value = valueIn(row, column);
  return typeof value === "string" ? value : undefined;
}

function numberIn(row: unknown, column: string): number | undefined {
  const value = valueIn(row, column);
  return typeof value === "number" ? value : undefined;
}

function valueIn(row: unknown, column: string): unknown {
  return typeof row === "object" && row !== null
    ? Object.getOwnPropertyDescriptor(row, column)?.value
    : undefined;
}
