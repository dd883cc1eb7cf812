import { ConfigError } from "../../errors.ts";

/** The error for a database whose tables are missing or old. */
export function notMigrated(): ConfigError {
  return new ConfigError(
    "CONFIG_INVALID",
    "The tables of coatcheck are missing in this database, or of an older version. Execute sqliteMigrations, or call store.migrate().",
  );
}

/** The error for a table of the app's that has the name of ours. */
export function foreignTable(): ConfigError {
  return new ConfigError(
    "CONFIG_INVALID",
    "Coatcheck did not make the table coatcheck_session in this database. Rename that table, or keep sessions in another database.",
  );
}

const resultCodes: Readonly<Record<string, number>> = {
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  NOTADB: 26,
};

/** The number of an error's primary result code, or 1. better-sqlite3, bun:sqlite and libSQL have names: "SQLITE_BUSY_SNAPSHOT". */
export function resultCodeOf(error: Error): number {
  const name = "code" in error ? /^SQLITE_([A-Z]+)/.exec(String(error.code))?.[1] : undefined;
  if (name !== undefined) return resultCodes[name] ?? 1;
  // What they throw themselves: better-sqlite3 while rows are iterated, and all of them when they are closed.
  if (error.message.includes("busy executing a query")) return 6;
  return /not open|closed|finalized/.test(error.message) ? 21 : 1;
}

/** A column of a row. */
export function columnOf(row: object | null | undefined, name: string): unknown {
  return row === null || row === undefined ? undefined : Object.getOwnPropertyDescriptor(row, name)?.value;
}
