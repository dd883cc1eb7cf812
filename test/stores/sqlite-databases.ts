import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { LibsqlClient, SqliteDatabase } from "coatcheck/sqlite";
import { load } from "./sqlite-clients/load.ts";

const installed = existsSync(
  join(import.meta.dirname, "sqlite-clients", "node_modules", "@libsql", "client"),
);

/** Why the clients that are installed apart can't be tested here. */
export const withoutClients =
  !installed && !process.env["CI"] && "the clients are not installed: npm run databases -- --install";

/** A database that a test opened as an app does. */
export interface AppDatabase {
  readonly database: SqliteDatabase | LibsqlClient;
  exec(sql: string): unknown;
  /** Locks the database against other writers. @returns what ends that. */
  lock(): Promise<() => unknown>;
  close(): unknown;
}

/** A database with its settings for several processes, as an app would have them. */
type Open = (path: string, options?: object) => AppDatabase & { readonly database: SqliteDatabase };

const settings = "PRAGMA journal_mode = wal; PRAGMA synchronous = normal";

const betterSqlite3 = installed ? (await load("better-sqlite3")).default : undefined;
const libsql = installed ? await load("@libsql/client") : undefined;

/** Each way to open a database whose calls are synchronous. */
export const synchronous: Readonly<Record<"node:sqlite" | "better-sqlite3", Open>> = {
  "node:sqlite"(path, options) {
    const database = new DatabaseSync(path, { timeout: 10, ...options });
    return appOf(database);
  },
  "better-sqlite3"(path, options) {
    const database = new betterSqlite3(path, { timeout: 10, ...options });
    return appOf(database);
  },
};

function appOf(database: SqliteDatabase & { close(): unknown }): ReturnType<Open> {
  const exec = (sql: string): unknown => database.exec(sql);
  return {
    database,
    exec,
    async lock() {
      exec("BEGIN IMMEDIATE");
      return () => exec("COMMIT");
    },
    close: () => database.close(),
  };
}

export function openLibsql(
  path: string,
  options?: object,
): AppDatabase & { readonly database: LibsqlClient } {
  // Where SQLite waits itself; see docs/stores.md.
  const client = libsql.createClient({ url: `file:${path}`, timeout: 2000, ...options });
  return {
    database: client,
    exec: async (sql) => client.executeMultiple(sql),
    async lock() {
      const transaction = await client.transaction("write");
      return async () => transaction.commit();
    },
    close: () => client.close(),
  };
}

/** All of them, each with the reason why it can't be tested here. */
export const databases: readonly {
  readonly name: string;
  readonly skip: string | false;
  readonly open: (path: string) => AppDatabase;
}[] = [
  { name: "node:sqlite", skip: false, open: inWal(synchronous["node:sqlite"]) },
  { name: "better-sqlite3", skip: withoutClients, open: inWal(synchronous["better-sqlite3"]) },
  { name: "libSQL", skip: withoutClients, open: (path) => openLibsql(path) },
];

function inWal(open: Open): Open {
  return (path) => {
    const opened = open(path);
    opened.exec(settings);
    return opened;
  };
}
