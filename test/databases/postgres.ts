// What holds for every recipe over PostgreSQL, beside the contract.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "coatcheck";
import type { Pool, PoolConfig } from "pg";
import { newId, recordOf } from "../support/records.ts";
import { databaseUrl, pgPool, schema, withoutPostgres } from "../stores/postgres-server.ts";
import { missing, recipeTests } from "./recipes.ts";

/** Why a recipe can't be tested here, or `false`. */
export const skip: string | false = missing || withoutPostgres;

/** Settings of a pool in which the table `session` is this process's own. */
export const poolConfig: PoolConfig = {
  connectionString: databaseUrl,
  max: 5,
  options: `-c search_path=${schema}`,
};

/** The same, and the database gives up what takes too long. */
export const impatient: PoolConfig = { ...poolConfig, statement_timeout: 300 };

/**
 * Declares the tests of a recipe.
 *
 * @param open opens another store on the same table.
 * @param openImpatient opens one whose pool has a `statement_timeout`, if the recipe does not use the timeout that it is given.
 */
export function postgresTests(name: string, open: () => Store, openImpatient: () => Store = open): void {
  recipeTests(name, skip, open);
  const now = Date.now();
  let shared: Pool | undefined;
  const pool = (): Pool => (shared ??= pgPool(poolConfig));

  /** Resolves when a statement on this table waits for a lock, or when none does. */
  async function until(statement: string, waits: boolean): Promise<void> {
    const deadline = AbortSignal.timeout(10_000);
    for (;;) {
      const { rows } = await pool().query(
        `SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE $1 AND pid IN (
           SELECT pid FROM pg_locks WHERE relation = 'session'::regclass)`,
        [`${statement}%session%`],
      );
      if (rows.length > 0 === waits) return;
      assert.ok(!deadline.aborted, waits ? `no ${statement} waits` : `the ${statement} still waits`);
    }
  }

  test(`a sweep over ${name} keeps a session that is prolonged meanwhile`, { skip }, async () => {
    const store = open();
    const record = recordOf({ id: newId(), idleTimeout: 1, absoluteDeadline: now + 1 });
    await store.create(record);
    const other = await pool().connect();
    await other.query("BEGIN");
    await other.query("UPDATE session SET expires_at = $1 WHERE id = $2", [now + 60_000, record.id]);
    const swept = store.sweep(now + 2, 1_000_000);
    await until("DELETE", true);
    await other.query("COMMIT");
    other.release();
    await swept;
    assert.equal((await pool().query("SELECT FROM session WHERE id = $1", [record.id])).rowCount, 1);
  });

  test(`a write over ${name} that waits for a lock is given up by the database, too`, { skip }, async () => {
    const store = openImpatient();
    const id = newId();
    await store.create(recordOf({ id }));
    const other = await pool().connect();
    await other.query("BEGIN");
    await other.query("SELECT FROM session WHERE id = $1 FOR UPDATE", [id]);
    const written = Promise.resolve(
      store.patch(id, { epoch: 0, set: new Map([["d:a", Uint8Array.of(1)]]) }, now, 300),
    );
    await until("UPDATE", true);
    await assert.rejects(written);
    await until("UPDATE", false);
    await other.query("COMMIT");
    other.release();
    assert.equal((await store.read(id, now))?.revision, 1);
  });
}
