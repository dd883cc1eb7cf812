import { DatabaseSync } from "node:sqlite";
import type { CasStoreOptions } from "coatcheck/store";

/** A table in an SQLite file, without anything that would make it faster. Its functions return values, not promises. */
export function sqliteTable(path: string): CasStoreOptions {
  const db = new DatabaseSync(path);
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS session (
      id TEXT PRIMARY KEY, revision INTEGER NOT NULL, subject TEXT, expires_at INTEGER NOT NULL, bytes BLOB NOT NULL
    );
    CREATE INDEX IF NOT EXISTS session_subject ON session (subject) WHERE subject IS NOT NULL;
    CREATE INDEX IF NOT EXISTS session_expiry ON session (expires_at)`);
  const insert = db.prepare("INSERT INTO session VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING");
  const get = db.prepare("SELECT bytes FROM session WHERE id = ?");
  const replaceIf = db.prepare(
    "UPDATE session SET revision = ?, subject = ?, expires_at = ?, bytes = ? WHERE id = ? AND revision = ?",
  );
  const bySubject = db.prepare("SELECT id, bytes FROM session WHERE subject = ? AND expires_at > ?");
  const sweep = db.prepare(
    "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE expires_at <= ? LIMIT ?)",
  );
  return {
    name: "sqlite table",
    insert: ({ id, revision, subject, expiresAt, bytes }) =>
      insert.run(id, revision, subject, expiresAt, bytes).changes === 1,
    get: (id) => get.get(id) as { bytes: Uint8Array } | undefined,
    replaceIf: ({ id, revision, subject, expiresAt, bytes }, expected) =>
      replaceIf.run(revision, subject, expiresAt, bytes, id, expected).changes === 1,
    bySubject: (subject, now) => bySubject.all(subject, now) as { id: string; bytes: Uint8Array }[],
    sweep: (now, limit) => Number(sweep.run(now, limit).changes),
    close: () => db.close(),
  };
}
