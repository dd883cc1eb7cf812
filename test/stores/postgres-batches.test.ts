import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Pool } from "pg";
import { StoreError } from "coatcheck";
import type { Patch, SessionRecord } from "coatcheck/store";
import { postgresStore } from "coatcheck/postgres";
import type { PostgresStore } from "coatcheck/postgres";
import { recordOf } from "../support/record.ts";
import { ask, pgPool, schema, withoutPostgres } from "./postgres-server.ts";

const now = Date.UTC(2026, 5, 1);
const fields = (value: string): Map<string, Uint8Array> => new Map([["d:a", Buffer.from(value)]]);
const setting = (value: string): Patch => ({ epoch: 0, set: fields(value) });
let numbers = 0;

function newRecord(): SessionRecord {
  return recordOf({
    id: `batch-${++numbers}`.padEnd(22, "_"),
    lastSeenAt: now,
    absoluteDeadline: now + 86_400_000,
  });
}

/** A store with a table of its own, and records in it. */
async function storeWith(count: number) {
  const table = `batches_${++numbers}`;
  const pool = pgPool();
  const store = postgresStore({ client: pool, schema, table });
  const records = Array.from({ length: count }, newRecord);
  await Promise.all(records.map(async (record) => store.create(record)));
  let statements = 0;
  pool.on("acquire", () => {
    statements += 1;
  });
  return {
    table: `${schema}.${table}`,
    pool,
    store,
    ids: records.map(({ id }) => id),
    statements: () => statements,
  };
}

/** Locks rows, or the whole table, until it is let go. */
async function locked(pool: Pool, statement: string): Promise<() => Promise<void>> {
  const client = await pool.connect();
  await client.query("BEGIN");
  await client.query(statement);
  return async () => {
    await client.query("COMMIT");
    client.release();
  };
}

/** The server's processes that wait for a lock in a statement about the table, as soon as there are any. */
async function waiting(table: string): Promise<number[]> {
  const [, name] = table.split(".");
  const end = performance.now() + 5000;
  while (performance.now() < end) {
    const rows = await ask(
      "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND position($1 IN query) > 0",
      [`"${schema}"."${name}_`],
    );
    if (rows.length > 0) return rows.map(({ pid }) => Number(pid));
  }
  throw new Error("Nobody waits for a lock.");
}

const value = async (store: PostgresStore, id: string): Promise<string> =>
  Buffer.from((await store.read(id, now))?.fields.get("d:a") ?? []).toString();

describe("calls of one turn, in the postgres store", { skip: withoutPostgres }, () => {
  test("go to the database as one statement, each with its own answer", async () => {
    const { store, ids, statements } = await storeWith(20);
    const outcomes = await Promise.all(ids.map(async (id, at) => store.patch(id, setting(`v${at}`), now)));
    assert.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(["applied"]));
    assert.equal(statements(), 1);
    const read = await Promise.all([...ids, "nobody"].map(async (id) => store.read(id, now)));
    assert.equal(statements(), 2);
    assert.deepEqual(
      read.map((record) => record && [record.id, Buffer.from(record.fields.get("d:a") ?? []).toString()]),
      [...ids.map((id, at) => [id, `v${at}`]), null],
    );
    const created = [newRecord(), newRecord()];
    const twice = [...created, ...created].map(async (record) => store.create(record));
    assert.deepEqual(await Promise.all(twice), [true, true, false, false]);
    assert.equal(statements(), 3);
  });

  test("are several statements where they are very many, and leave nobody out", async () => {
    const { store, ids, statements } = await storeWith(120);
    const found = await Promise.all(ids.map(async (id) => store.read(id, now)));
    assert.deepEqual(
      found.map((record) => record?.id),
      ids,
    );
    assert.equal(statements(), 3);
  });

  test("follow each other on the same record", async () => {
    const { store, ids } = await storeWith(1);
    const id = ids[0] ?? "";
    const first: Patch = { epoch: 0, expect: { fields: new Map([["d:a", null]]) }, set: fields("first") };
    const [one, other, third] = await Promise.all([
      store.patch(id, first, now),
      store.patch(id, first, now),
      store.patch(id, { epoch: 0, remove: ["d:a"] }, now),
    ]);
    assert.deepEqual(one, { kind: "applied", revision: 2, removed: [] });
    assert.ok(other?.kind === "conflict");
    assert.equal(Buffer.from(other.record.fields.get("d:a") ?? []).toString(), "first");
    assert.deepEqual(third, { kind: "applied", revision: 3, removed: ["d:a"] });
  });

  test("don't wait for a row of another's that is locked", async () => {
    const { table, pool, store, ids } = await storeWith(5);
    const unlock = await locked(pool, `SELECT FROM ${table} WHERE id = '${ids[2]}' FOR UPDATE`);
    const calls = ids.map(async (id) => store.patch(id, setting("new"), now));
    const others = await Promise.all(calls.filter((_, at) => at !== 2));
    assert.deepEqual(new Set(others.map(({ kind }) => kind)), new Set(["applied"]));
    assert.equal((await waiting(table)).length, 1);
    await unlock();
    assert.equal((await calls[2])?.kind, "applied");
    assert.equal(await value(store, ids[2] ?? ""), "new");
  });

  test("find a record gone that is gone, beside others", async () => {
    const { store, ids } = await storeWith(2);
    const outcomes = await Promise.all([
      store.patch("nobody", setting("a"), now),
      store.patch(ids[0] ?? "", { ...setting("a"), epoch: 1 }, now),
      store.patch(ids[1] ?? "", setting("a"), now + 3_600_000),
      store.patch(ids[1] ?? "", setting("a"), now),
    ]);
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ["gone", "gone", "gone", "applied"],
    );
  });

  test("don't fail for a value of another's that the database can't hold", async () => {
    const { store, ids } = await storeWith(3);
    const bad: Patch = { epoch: 0, set: new Map([["\0", Buffer.from("a")]]) };
    const calls = ids.map(async (id, at) => store.patch(id, at === 1 ? bad : setting("new"), now));
    const settled = await Promise.allSettled(calls);
    assert.deepEqual(
      settled.map((one) => (one.status === "fulfilled" ? one.value.kind : one.reason.code)),
      ["applied", "STORE_FAILED", "applied"],
    );
  });

  test("don't fail for a record of another's that is damaged", async () => {
    const { table, store, ids } = await storeWith(3);
    await ask(`UPDATE ${table} SET verifier = '\\x00' WHERE id = $1`, [ids[1]]);
    const settled = await Promise.allSettled(ids.map(async (id) => store.read(id, now)));
    assert.deepEqual(
      settled.map((one) => (one.status === "fulfilled" ? one.value?.id : one.reason.code)),
      [ids[0], "RECORD_UNREADABLE", ids[2]],
    );
  });

  test("don't end with another whose visitor waits no longer", async () => {
    const { table, pool, store, ids } = await storeWith(2);
    const unlock = await locked(pool, `LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
    const [hurried, patient] = [
      store.patch(ids[0] ?? "", setting("new"), now, 100),
      store.patch(ids[1] ?? "", setting("new"), now),
    ];
    // The server ends the wait a little earlier, if it has the time to.
    await assert.rejects(
      async () => hurried,
      (error) => error instanceof StoreError && /^STORE_(?:BUSY|TIMEOUT)$/.test(error.code),
    );
    await unlock();
    assert.equal((await patient)?.kind, "applied");
    assert.equal((await store.read(ids[0] ?? "", now))?.revision, 1);
  });

  test("are asked again when their connection is lost, if they only read", async () => {
    const { table, pool, store, ids } = await storeWith(3);
    const unlock = await locked(pool, `LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
    const reads = Promise.all(ids.map(async (id) => store.read(id, now)));
    for (const pid of await waiting(table)) await ask("SELECT pg_terminate_backend($1)", [pid]);
    await unlock();
    assert.deepEqual(
      (await reads).map((record) => record?.id),
      ids,
    );
    const again = await locked(pool, `LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
    const patches = Promise.allSettled(ids.map(async (id) => store.patch(id, setting("new"), now)));
    for (const pid of await waiting(table)) await ask("SELECT pg_terminate_backend($1)", [pid]);
    await again();
    for (const patch of await patches) {
      assert.equal(patch.status === "rejected" && patch.reason.code, "STORE_UNAVAILABLE");
    }
  });
});
