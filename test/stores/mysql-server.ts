import { randomBytes } from "node:crypto";
import { after } from "node:test";
import type { Store } from "coatcheck";
import { mysqlStore } from "coatcheck/mysql";
import type { MysqlStoreOptions } from "coatcheck/mysql";
import * as mariadb from "mariadb";
import * as callbacks from "mysql2";
import * as mysql from "mysql2/promise";

/** Where the tests find a MySQL or MariaDB that they may make tables in. */
export const databaseUrl: string =
  process.env["MYSQL_URL"] ?? process.env["MARIADB_URL"] ?? "mysql://root@127.0.0.1:3306/test";

/** What the names of this process's tables begin with; they are gone when its tests have ended. */
export const prefix: string = `coatcheck_test_${process.pid}_${randomBytes(4).toString("hex")}`;

const ends: (() => Promise<unknown>)[] = [];
let admin: mysql.Pool | undefined;

/** Why the tests that need MySQL or MariaDB can't run here; `false` when they can. In CI they always do. */
export const withoutMysql: string | false = await (async () => {
  const pool = mysql.createPool({ uri: databaseUrl, connectionLimit: 2, connectTimeout: 5000 });
  try {
    await pool.query("SELECT 1");
    admin = pool;
    return false;
  } catch (error) {
    await pool.end();
    if (process.env["CI"]) throw error;
    const reason =
      error instanceof Error ? error.message || String(Reflect.get(error, "code")) : String(error);
    return `there is no MySQL or MariaDB at ${databaseUrl} (${reason}); start one, or set MYSQL_URL`;
  }
})();

after(async () => {
  await Promise.all(ends.map(async (end) => end()));
  if (admin === undefined) return;
  const tables = await ask(`SHOW TABLES LIKE '${prefix}%'`);
  for (const table of tables) await ask(`DROP TABLE \`${String(Object.values(table)[0])}\``);
  await admin.end();
});

/** Rows of a statement of the test's own, past the store. */
export async function ask(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  if (admin === undefined) throw new Error("There is no database.");
  const [rows] = await admin.query(text, values);
  return rows as Record<string, unknown>[];
}

let numbers = 0;

/** A table that only one test uses. */
export function newTable(): string {
  return `${prefix}_${++numbers}`;
}

/** Options of `mariadb` for an address, which it does not take with the scheme of MySQL. */
export function mariadbOptions(address: string): mariadb.PoolConfig {
  const url = new URL(address);
  return {
    host: url.hostname,
    port: Number(url.port || 3306),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: url.pathname.slice(1),
  };
}

/** The ways to make a pool, as a user would. */
export const libraries = {
  mysql2(options: mysql.PoolOptions = {}, address = databaseUrl) {
    const pool = mysql.createPool({ uri: address, connectionLimit: 5, connectTimeout: 5000, ...options });
    return { client: pool, end: async () => pool.end() };
  },
  "mysql2 with callbacks"(options: mysql.PoolOptions = {}, address = databaseUrl) {
    const pool = callbacks.createPool({ uri: address, connectionLimit: 5, connectTimeout: 5000, ...options });
    return { client: pool, end: async () => pool.promise().end() };
  },
  mariadb(options: mariadb.PoolConfig = {}, address = databaseUrl) {
    const pool = mariadb.createPool({
      ...mariadbOptions(address),
      connectionLimit: 5,
      connectTimeout: 5000,
      ...options,
    });
    return { client: pool, end: async () => pool.end() };
  },
} as const;

export type Library = keyof typeof libraries;

export const libraryNames = Object.keys(libraries) as Library[];

/** A pool, ended with the tests. */
export function poolOf<Name extends Library>(
  library: Name,
  options: Parameters<(typeof libraries)[Name]>[0] = {},
): ReturnType<(typeof libraries)[Name]>["client"] {
  const make: (options: never) => { client: unknown; end: () => Promise<unknown> } = libraries[library];
  const { client, end } = make(options as never);
  ends.push(end);
  return client as ReturnType<(typeof libraries)[Name]>["client"];
}

const shared = new Map<Library, MysqlStoreOptions["client"]>();

/** One pool of each kind for all tests of a file. */
export function sharedPool(library: Library): MysqlStoreOptions["client"] {
  const pool = shared.get(library) ?? poolOf(library);
  shared.set(library, pool);
  return pool;
}

/** Doors to one table of each kind of pool. */
export function doors(library: Library, options: Partial<MysqlStoreOptions> = {}): () => Store {
  const table = `${prefix}_${library.replaceAll(" ", "_")}`;
  return () => mysqlStore({ client: sharedPool(library), table, ...options });
}

/** A store on a table without records. */
export async function emptyStore(library: Library): Promise<Store> {
  const table = `${prefix}_races_${library}`;
  const store = mysqlStore({ client: sharedPool(library), table });
  await store.migrate();
  await ask(`DELETE FROM ${table}`);
  return store;
}
