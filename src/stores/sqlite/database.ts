import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type * as sqliteModule from "node:sqlite";
import type { DatabaseSync } from "node:sqlite";
import { migrate } from "./schema.ts";

/** How many milliseconds a write may block this process, before it waits without blocking. */
const blockingPatience = 10;

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
    // 16 MB of pages in memory and in the log, so that pages that change often are copied less often.
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
