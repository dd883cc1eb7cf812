import { ConfigError } from "../../errors.ts";
import { sqliteMigrations } from "./migrations.ts";
import { foreignTable } from "./own-schema.ts";
import type { OpenDatabase } from "./store.ts";

/** Processes that start together take turns: all but the first get SQLITE_BUSY until it is done. */
export function migrate(database: OpenDatabase): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    for (const script of scriptsAfter(versionOf(database))) database.exec(script);
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

/** The version of the tables; 0 if there are none. @throws ConfigError if the app has a table of that name. */
export function versionOf(database: OpenDatabase): number {
  const has = (name: string): boolean =>
    Boolean(database.prepare("SELECT 1 FROM sqlite_master WHERE name = ?").get(name));
  const found = has("coatcheck_schema")
    ? database.prepare("SELECT max(version) AS version FROM coatcheck_schema").get()
    : undefined;
  return versionFrom(found?.["version"], () => has("coatcheck_session"));
}

/** @param newest what `max(version)` is: `null` in an empty table, `undefined` without one. */
export function versionFrom(newest: unknown, hasSessions: () => boolean): number {
  const version = Number(newest ?? 0);
  if (version === 0 && hasSessions()) throw foreignTable();
  return version;
}

export function scriptsAfter(version: number): readonly string[] {
  // Version 1 was never released. People with such a file log in again.
  if (version === 1) return ["DROP TABLE IF EXISTS coatcheck_session", ...sqliteMigrations];
  if (version > sqliteMigrations.length + 1) {
    throw new ConfigError(
      "CONFIG_INVALID",
      "A newer version of coatcheck made this database. Update coatcheck here.",
    );
  }
  return sqliteMigrations.slice(Math.max(version - 1, 0));
}
