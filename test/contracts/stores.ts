import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { postgresStore } from "coatcheck/postgres";
import { sqliteStore } from "coatcheck/sqlite";
import { casStore } from "coatcheck/store";
import type { CasRow } from "coatcheck/store";
import { mapTable } from "../stores/cas-map.ts";
import { openMariadb, withoutMariadb } from "../stores/cas-mariadb.ts";
import { sqliteTable } from "../stores/cas-sqlite.ts";
import { doors as mysqlDoors, libraryNames, withoutMysql } from "../stores/mysql-server.ts";
import { clients, schema, withoutPostgres } from "../stores/postgres-server.ts";
import { redisDoors, withoutRedis } from "../stores/redis-doors.ts";
import { databases } from "../stores/sqlite-databases.ts";

/** A store under test: from a folder for its files, a way to open doors to the same records. */
export interface StoreUnderTest {
  readonly name: string;
  readonly open: (folder: string) => () => Store;
  /** Why it can't be tested here; `false` or nothing when it can. */
  readonly skip?: string | false;
}

// A busy machine is no fault of the store's.
const timeout = { seconds: 30 };

export const stores: readonly StoreUnderTest[] = [
  {
    name: "memory",
    open() {
      const store = memoryStore();
      return () => store;
    },
  },
  { name: "sqlite", open: (folder) => () => sqliteStore({ path: join(folder, "sessions.db") }) },
  ...databases.map(({ name, skip, open }) => ({
    name: `sqlite (a database of ${name})`,
    skip,
    open: (folder: string) => () => sqliteStore({ database: open(join(folder, "app.db")).database }),
  })),
  {
    name: "postgres (pg)",
    skip: withoutPostgres,
    open: () => () => postgresStore({ client: clients().pool, schema, timeout }),
  },
  {
    name: "postgres (postgres.js)",
    skip: withoutPostgres,
    open: () => () => postgresStore({ client: clients().sql, schema, timeout }),
  },
  ...Object.entries(redisDoors).map(([library, open]) => ({
    name: `redis (${library})`,
    open,
    skip: withoutRedis,
  })),
  ...libraryNames.map((library) => ({
    name: `mysql (${library})`,
    skip: withoutMysql,
    open: () => mysqlDoors(library, { timeout }),
  })),
  {
    name: "casStore on a map",
    open() {
      const rows = new Map<string, CasRow>();
      return () => casStore(mapTable(rows));
    },
  },
  { name: "casStore on SQLite", open: (folder) => () => casStore(sqliteTable(join(folder, "table.db"))) },
  { name: "casStore on MariaDB", skip: withoutMariadb, open: () => () => openMariadb() },
];

/** A folder that is gone when the test ends. */
export function temporaryFolder(t: { after(fn: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
