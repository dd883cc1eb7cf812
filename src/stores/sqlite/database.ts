import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type * as sqliteModule from "node:sqlite";
import type { DatabaseSync } from "node:sqlite";
import { ConfigError } from "../../errors.ts";

/** Add new versions at the end. Never change a released one. */
const migrations = [
  // This version had a column for each part of a record. It was never released; people with such a file log in again.
  "",
  `DROP TABLE IF EXISTS coatcheck_session;
  CREATE TABLE coatcheck_session (
    id TEXT NOT NULL PRIMARY KEY, subject TEXT, expires_at INTEGER NOT NULL, record BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX coatcheck_session_subject ON coatcheck_session (subject) WHERE subject IS NOT NULL;
  CREATE INDEX coatcheck_session_expiry ON coatcheck_session (expires_at);`,
];

/** How many milliseconds a write may block this process for another's, before it waits without blocking. */
export const blockingPatience = 10;

/** Opens the file and creates what is missing. @throws SQLite's errors, including SQLITE_BUSY. */
export function openDatabase(
  sqlite: typeof sqliteModule,
  path: string,
  durability: "normal" | "full",
): DatabaseSync {
  if (path !== ":memory:") {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // SQLite gives its -wal and -shm files the mode of the database (requirement 52).
    closeSync(openSync(path, "a", 0o600));
    chmodSync(path, 0o600);
  }
  const database = new sqlite.DatabaseSync(path, { timeout: blockingPatience });
  try {
    // Needs exclusive access for a moment, for which SQLite itself does not wait.
    database.exec("PRAGMA journal_mode = wal");
    // At most 16 MB of pages in memory, and as many in the log before they are copied to the file, so that
    // pages that change often are copied less often.
    database.exec(
      `PRAGMA synchronous = ${durability}; PRAGMA secure_delete = on; PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 4000`,
    );
    migrate(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Processes that start together take turns: the first migrates, the others get SQLITE_BUSY until it is done. */
function migrate(database: DatabaseSync): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    database.exec("CREATE TABLE IF NOT EXISTS coatcheck_schema (version INTEGER NOT NULL) STRICT");
    const found = database.prepare("SELECT max(version) AS version FROM coatcheck_schema").get();
    const version = typeof found?.["version"] === "number" ? found["version"] : 0;
    if (version > migrations.length) {
      throw new ConfigError(
        "CONFIG_INVALID",
        "A newer version of coatcheck made this database. Update coatcheck here.",
      );
    }
    for (const [done, migration] of migrations.entries()) {
      if (done < version) continue;
      database.exec(migration);
      database.prepare("INSERT INTO coatcheck_schema (version) VALUES (?)").run(done + 1);
    }
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

/** SQLite's primary result code (the low byte of the extended one) of an error of `node:sqlite`, or 0. */
export function resultCode(error: unknown): number {
  const code: unknown = error instanceof Error && "errcode" in error ? error.errcode : 0;
  return typeof code === "number" ? code & 0xff : 0;
}

/** Whether an error is SQLITE_BUSY or SQLITE_LOCKED: another connection is writing. */
export function isBusy(error: unknown): boolean {
  return [5, 6].includes(resultCode(error));
}
