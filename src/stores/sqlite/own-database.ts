import type { SqliteDatabase, SqliteStatement, SqliteValue } from "./clients.ts";
import { asStoreError, failed, isBusy } from "./errors.ts";
import { columnOf, notMigrated, resultCodeOf } from "./own-schema.ts";
import { migrate, scriptsAfter, versionOf } from "./schema.ts";
import { SessionTable } from "./store.ts";
import type { HeldDatabase, OpenDatabase, Row } from "./store.ts";

/**
 * A store in a database that the app has opened and configured, and will close.
 *
 * @param timeout how long to wait for locks, in milliseconds.
 */
export function storeIn(database: SqliteDatabase, autoMigrate: boolean, timeout: number): SessionTable {
  return new SessionTable((mayMigrate) => {
    try {
      return hold(database, autoMigrate || mayMigrate);
    } catch (error) {
      throw isBusy(error) ? error : asStoreError("open", error, failed);
    }
  }, timeout);
}

function hold(database: SqliteDatabase, mayMigrate: boolean): HeldDatabase {
  const open = adapted(database, () => assertFree(database));
  // Looks first: a database that needs no migration may be one that can't be written to.
  if (scriptsAfter(versionOf(open)).length > 0) {
    if (!mayMigrate) throw notMigrated();
    migrate(adapted(database, () => {}));
  }
  // Read, never written: settings are the app's.
  const patience = Number(columnOf(open.prepare("PRAGMA busy_timeout").get(), "timeout"));
  return { database: open, patience, release() {} };
}

/** A database whose rows are objects, and whose errors have the `errcode` of `node:sqlite`. @param before runs before each call. */
function adapted(database: SqliteDatabase, before: () => void): OpenDatabase {
  const call = <T>(work: () => T): T =>
    checked(() => {
      before();
      return work();
    });
  return {
    exec: (sql) => call(() => database.exec(sql)),
    prepare(sql) {
      const statement: SqliteStatement = call(() => database.prepare(sql));
      // node:sqlite can be told to return arrays.
      statement.setReturnArrays?.(false);
      return {
        run: (...values: SqliteValue[]) => call(() => statement.run(...values)),
        get: (...values: SqliteValue[]) => call(() => asRow(statement.get(...values))),
        all: (...values: SqliteValue[]) =>
          call(() => statement.all(...values).map((row) => asRow(row) ?? {})),
      };
    },
  };
}

function asRow(value: unknown): Row | undefined {
  return isRow(value) ? value : undefined;
}

function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null;
}

function checked<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof Error && !("errcode" in error)
      ? Object.assign(error, { errcode: resultCodeOf(error) })
      : error;
  }
}

/**
 * Throws as SQLite does if the database is locked, while a transaction is open on the same connection: it would contain what the
 * store writes, and its rollback would undo a logout that has been acknowledged.
 */
function assertFree(database: SqliteDatabase): void {
  if (!(database.isTransaction ?? database.inTransaction)) return;
  throw Object.assign(new Error("A transaction of the app is open on the connection that the store uses."), {
    errcode: 6, // SQLITE_LOCKED: a conflict on the connection itself
  });
}
