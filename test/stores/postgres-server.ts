import { randomBytes } from "node:crypto";
import { after } from "node:test";
import { Pool } from "pg";
import type { PoolConfig } from "pg";
import postgres from "postgres";

/** Where the tests find a PostgreSQL that they may make a schema of their own in. */
export const databaseUrl: string = process.env["DATABASE_URL"] ?? "postgres://postgres@127.0.0.1:5432/test";

/** A schema that no other run uses; gone when this process's tests have ended. */
export const schema: string = `coatcheck_test_${process.pid}_${randomBytes(4).toString("hex")}`;

const ends: (() => Promise<void>)[] = [];
let admin: Pool | undefined;

/** Why the tests that need PostgreSQL can't run here; `false` when they can. In CI they always do. */
export const withoutPostgres: string | false = await (async () => {
  const pool = new Pool({ connectionString: databaseUrl, max: 2, connectionTimeoutMillis: 5000 });
  pool.on("error", () => {});
  try {
    await pool.query(`CREATE SCHEMA ${schema}`);
    admin = pool;
    return false;
  } catch (error) {
    await pool.end();
    const reason =
      error instanceof Error ? error.message || String(Reflect.get(error, "code")) : String(error);
    if (process.env["CI"]) throw error;
    return `there is no PostgreSQL at ${databaseUrl} (${reason}); start one, or set DATABASE_URL`;
  }
})();

after(async () => {
  await Promise.all(ends.map(async (end) => end()));
  await admin?.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  await admin?.end();
});

/** Rows of a statement of the test's own, past the store. */
export async function ask(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  if (admin === undefined) throw new Error("There is no PostgreSQL.");
  return (await admin.query<Record<string, unknown>>(text, values)).rows;
}

/** A pool of pg, ended with the tests. */
export function pgPool(options: PoolConfig = {}): Pool {
  const pool = new Pool({
    connectionString: databaseUrl,
    max: 5,
    connectionTimeoutMillis: 5000,
    ...options,
  });
  ends.push(async () => pool.end());
  return pool;
}

/** A client of postgres.js, ended with the tests. */
export function postgresJs(options: postgres.Options<Record<string, never>> = {}): postgres.Sql {
  const sql = postgres(databaseUrl, { max: 5, fetch_types: false, ...options });
  ends.push(async () => sql.end({ timeout: 1 }));
  return sql;
}

let shared: { readonly pool: Pool; readonly sql: postgres.Sql } | undefined;

/** One client of each kind for all tests of a file. */
export function clients(): { readonly pool: Pool; readonly sql: postgres.Sql } {
  shared ??= { pool: pgPool(), sql: postgresJs() };
  return shared;
}
