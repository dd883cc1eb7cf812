import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type * as sqliteModule from "node:sqlite";
import type { DatabaseSync } from "node:sqlite";
import { ConfigError } from "../../errors.ts";

/** Later versions add statements at the end; one that is out is never changed. */
const migrations = [
  // What stood here kept a column for each part of a record; it was never released, and whoever has such a file logs in again.
  "",
  `DROP TABLE IF EXISTS coatcheck_session;
  CREATE TABLE coatcheck_session (
    id TEXT NOT NULL PRIMARY KEY, subject TEXT, expires_at INTEGER NOT NULL, record BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX coatcheck_session_subject ON coatcheck_session (subject) WHERE subject IS NOT NULL;
  CREATE INDEX coatcheck_session_expiry ON coatcheck_session (expires_at);`,
];

/** How many milliseconds the process may stand still for another one's write before it waits without blocking. */
export const blockingPatience = 10;
/** Opens the file, and makes what is missing. @throws as SQLite does, also that others are writing at the moment. */
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
    // Needs the file for itself for a moment, and SQLite does not wait for that by itself.
    database.exec("PRAGMA journal_mode = wal");
    // At most 16 MB of pages in memory, and as many in the log before they are copied into the file: a page
    // that changes often is so copied less often.
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

/** Processes that start together take turns here: the first migrates, the others find it busy, then done. */
function migrate(database: DatabaseSync): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    database.exec("CREATE TABLE IF NOT EXISTS coatcheck_schema (version INTEGER NOT NULL) STRICT");
    const found = database.prepare("SELECT max(version) AS version FROM coatcheck_schema").get();
    const version = typeof found?.["version"] === "number" ? found["version"] : 0;
    if (version > migrations.length) {
      throw new ConfigError(
        "CONFIG_INVALID",
        "The database was made by a newer version of coatcheck; update this one.",
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

/** SQLite's primary result code in an error of `node:sqlite` (the low byte of the extended one), or 0. */
export function resultCode(error: unknown): number {
  const code: unknown = error instanceof Error && "errcode" in error ? error.errcode : 0;
  return typeof code === "number" ? code & 0xff : 0;
}

/** SQLITE_BUSY and SQLITE_LOCKED: somebody else is writing. */
export function isBusy(error: unknown): boolean {
  return [5, 6].includes(resultCode(error));
}
