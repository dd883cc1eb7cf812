import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/**
 * Opens one of the site's own SQLite files, readable only by its owner, and migrates it.
 *
 * Several processes may start at once. The file is created with its mode before SQLite opens it, and the
 * migration holds a write lock, so that one process migrates and the others find it done.
 */
export function openDatabase(
  path: string,
  migrations: readonly ((db: DatabaseSync) => void)[],
): DatabaseSync {
  if (!existsSync(path)) writeFileSync(path, "", { mode: 0o600, flag: "a" });
  chmodSync(path, 0o600);
  const db = new DatabaseSync(path, { timeout: 5_000 });
  useWriteAheadLog(db);
  db.exec("BEGIN IMMEDIATE");
  try {
    const row = db.prepare("PRAGMA user_version").get();
    const version = Number(row?.["user_version"] ?? 0);
    for (const migrate of migrations.slice(version)) migrate(db);
    db.exec(`PRAGMA user_version = ${Math.max(version, migrations.length)}`);
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    db.close();
    throw error;
  }
  return db;
}

/** Retries the change of mode, for which SQLite does not wait, whatever the timeout. */
function useWriteAheadLog(db: DatabaseSync): void {
  for (let tries = 1; ; tries += 1) {
    try {
      db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
      return;
    } catch (error) {
      if (tries === 100) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    }
  }
}

/** Whether an error came from SQLite. The page then says "try again" instead of "something broke". */
export function isDatabaseError(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR";
}
