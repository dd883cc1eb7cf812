/**
 * The SQL of the tables, for migration tools: a script for each change. Execute each once, in order, in a transaction.
 */
export const sqliteMigrations: readonly string[] = [
  `CREATE TABLE coatcheck_session (
  id TEXT NOT NULL PRIMARY KEY, subject TEXT, expires_at INTEGER NOT NULL, record BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX coatcheck_session_subject ON coatcheck_session (subject) WHERE subject IS NOT NULL;
CREATE INDEX coatcheck_session_expiry ON coatcheck_session (expires_at);
CREATE TABLE IF NOT EXISTS coatcheck_schema (version INTEGER NOT NULL) STRICT;
INSERT INTO coatcheck_schema (version) VALUES (2);
`,
];
