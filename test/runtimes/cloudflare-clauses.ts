import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { ConfigError } from "coatcheck";
import type { Store } from "coatcheck";
import { d1Store, durableObjectStore } from "coatcheck/cloudflare";
import type { D1DatabaseLike, D1StatementLike, DurableObjectNamespaceLike } from "coatcheck/cloudflare";
import { StoreError } from "coatcheck/store";
import type { Patch, SessionRecord } from "coatcheck/store";
import type { RuntimeClause } from "./clause.ts";

interface Bindings {
  readonly DB: D1DatabaseLike;
  readonly EMPTY: D1DatabaseLike;
  readonly SHARDS: DurableObjectNamespaceLike;
  readonly PLAIN: DurableObjectNamespaceLike;
}

const now = Date.now();
const one = Uint8Array.of(1);

function newId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
}

function recordOf(columns: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id: newId(),
    epoch: 0,
    revision: 1,
    verifier: new Uint8Array(32),
    ticketAt: now,
    subject: null,
    createdAt: now,
    authenticatedAt: null,
    lastSeenAt: now,
    idleTimeout: 3_600_000,
    absoluteDeadline: now + 3_600_000,
    permanent: false,
    fields: new Map(),
    ...columns,
  };
}

const setting: Patch = { epoch: 0, set: new Map([["d:a", one]]) };

function isError(code: string, transient: boolean): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StoreError, String(error));
    assert.deepEqual(
      { code: error.code, transient: error.transient },
      { code, transient },
      String(error.cause),
    );
    return true;
  };
}

/** A database whose batches, which are the writes, go through `around`. */
function databaseWith(
  database: D1DatabaseLike,
  around: (run: () => Promise<{ results: unknown[] }[]>) => Promise<{ results: unknown[] }[]>,
): D1DatabaseLike {
  return {
    prepare: (sql) => database.prepare(sql),
    batch: async (statements) => around(async () => database.batch(statements)),
  };
}

/** Objects whose calls go through `around`. */
function objectsWith(
  namespace: DurableObjectNamespaceLike,
  around: <T>(run: () => Promise<T>) => Promise<T>,
): DurableObjectNamespaceLike {
  return {
    idFromName: (name) => namespace.idFromName(name),
    get: (id, options) => ({
      fetch: async (url, init) => around(async () => namespace.get(id, options).fetch(url, init)),
    }),
  };
}

/** What an unreachable or busy database of D1 says, in Cloudflare's words. */
const d1Messages: readonly (readonly [message: string, code: string, transient: boolean])[] = [
  ["D1_ERROR: D1 DB is overloaded. Too many requests queued.", "STORE_BUSY", true],
  ["D1_ERROR: D1 DB is overloaded. Requests queued for too long.", "STORE_BUSY", true],
  ["D1_ERROR: Network connection lost.", "STORE_UNAVAILABLE", true],
  ["D1_ERROR: D1 DB reset because its code was updated.", "STORE_UNAVAILABLE", true],
  [
    "D1_ERROR: Internal error while starting up D1 DB storage caused object to be reset.",
    "STORE_UNAVAILABLE",
    true,
  ],
  [
    "D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.",
    "STORE_TIMEOUT",
    true,
  ],
  ["D1_ERROR: Exceeded maximum DB size.", "STORE_FULL", true],
  ["D1_ERROR: something new", "STORE_FAILED", false],
];

function d1Clauses({ DB, EMPTY }: Bindings): RuntimeClause[] {
  return [
    {
      name: "many stores that find no table create it at once, and none of them fails",
      async check() {
        const made = await Promise.all(
          Array.from({ length: 20 }, async () => d1Store({ database: EMPTY }).create(recordOf())),
        );
        assert.ok(made.every((isNew) => isNew));
        await d1Store({ database: EMPTY }).migrate();
        const other = d1Store({ database: EMPTY, table: "another" });
        assert.equal(await other.read(newId(), now), null);
        assert.equal(await other.sweep(now, 10), 0);
      },
    },
    {
      name: "a read is one query, and a patch after it is one batch",
      async check() {
        const calls: string[] = [];
        const counted = (statement: D1StatementLike): D1StatementLike => ({
          bind: (...values) => counted(statement.bind(...values)),
          all: async () => {
            calls.push("all");
            return statement.all();
          },
        });
        const database: D1DatabaseLike = {
          prepare: (sql) => counted(DB.prepare(sql)),
          batch: async () => [],
        };
        const { id } = recordOf();
        await d1Store({ database: DB }).create(recordOf({ id }));
        await d1Store({ database }).read(id, now);
        assert.deepEqual(calls, ["all"]);
        let batches = 0;
        const store = d1Store({
          database: databaseWith(DB, async (run) => {
            batches++;
            return run();
          }),
        });
        await store.read(id, now);
        assert.equal((await store.patch(id, setting, now)).kind, "applied");
        assert.equal(batches, 1);
      },
    },
    {
      name: "what D1 throws becomes a StoreError with a code",
      async check() {
        for (const [message, code, transient] of d1Messages) {
          for (const error of [new Error(message), new Error("D1_ERROR", { cause: new Error(message) })]) {
            const database = databaseWith(DB, async () => Promise.reject(error));
            const store = d1Store({ database });
            await assert.rejects(async () => store.create(recordOf()), isError(code, transient));
          }
        }
        await DB.batch([DB.prepare("CREATE TABLE IF NOT EXISTS unsuitable (id TEXT)")]);
        const store = d1Store({ database: DB, table: "unsuitable" });
        await assert.rejects(async () => store.read(newId(), now), isError("STORE_FAILED", false));
      },
    },
    {
      name: "a write that reaches the database after its caller gave up is not executed",
      async check() {
        const fast = d1Store({ database: DB });
        const slow = d1Store({
          database: databaseWith(DB, async (run) => {
            await wait(60);
            return run();
          }),
        });
        const record = recordOf();
        await assert.rejects(async () => slow.create(record, 20), isError("STORE_TIMEOUT", true));
        assert.equal(await fast.read(record.id, now), null);
        await fast.create(record);
        await assert.rejects(
          async () => slow.patch(record.id, setting, now, 20),
          isError("STORE_TIMEOUT", true),
        );
        assert.equal((await fast.read(record.id, now))?.revision, 1);
        assert.equal((await slow.patch(record.id, setting, now, 5000)).kind, "applied");
      },
    },
    {
      name: "a write whose answer is lost is reported, and not repeated",
      async check() {
        let batches = 0;
        const store = d1Store({
          database: databaseWith(DB, async (run) => {
            batches++;
            await run();
            throw new Error("D1_ERROR: Network connection lost.");
          }),
        });
        const record = recordOf();
        await d1Store({ database: DB }).create(record);
        await assert.rejects(
          async () => store.patch(record.id, setting, now),
          isError("STORE_UNAVAILABLE", true),
        );
        assert.equal(batches, 1);
        assert.equal((await d1Store({ database: DB }).read(record.id, now))?.revision, 2);
      },
    },
    {
      name: "a session of D1, which may read from a replica, is refused, and so is what is no database",
      async check() {
        const session = (DB as unknown as { withSession(): D1DatabaseLike }).withSession();
        for (const options of [
          { database: session },
          { database: undefined },
          { database: DB, table: "a b" },
        ]) {
          assert.throws(() => d1Store(options as { database: D1DatabaseLike }), ConfigError);
        }
      },
    },
  ];
}

function objectClauses({ SHARDS, PLAIN }: Bindings): RuntimeClause[] {
  const shards = 3;
  const open = (namespace = SHARDS): Store => durableObjectStore({ namespace, shards });
  const tell = async (path: string): Promise<void> => {
    for (let at = 0; at < shards; at++) {
      const stub = SHARDS.get(SHARDS.idFromName(`coatcheck-${at}-of-${shards}`));
      await stub.fetch(`https://test.invalid${path}`, { method: "POST", body: "" });
    }
  };
  return [
    {
      name: "an object that restarts keeps its records, and the next call finds them",
      async check() {
        const store = open();
        const record = recordOf();
        await store.create(record);
        await tell("/restart-before");
        await assert.rejects(
          async () => store.patch(record.id, setting, now),
          isError("STORE_UNAVAILABLE", true),
        );
        assert.equal((await store.read(record.id, now))?.revision, 1);
        assert.equal((await store.patch(record.id, setting, now)).kind, "applied");
        await tell("/restart-before");
        await Promise.allSettled([1, 2, 3].map(async () => store.list("ana", now)));
        assert.equal((await store.read(record.id, now))?.revision, 2);
      },
    },
    {
      name: "a write whose object restarts before it answers is reported, and is whole or not there at all",
      async check() {
        const store = open();
        const record = recordOf();
        await store.create(record);
        await tell("/restart-after");
        await assert.rejects(
          async () => store.patch(record.id, setting, now),
          isError("STORE_UNAVAILABLE", true),
        );
        const found = await store.read(record.id, now);
        assert.equal(found?.fields.size, (found?.revision ?? 0) - 1);
        await tell("/restart-before");
        await Promise.allSettled([1, 2, 3].map(async () => store.list("ana", now)));
      },
    },
    {
      name: "what an object's runtime throws becomes a StoreError with a code",
      async check() {
        for (const [error, code, transient] of [
          [
            Object.assign(new Error("Durable Object is overloaded. Too many requests queued."), {
              overloaded: true,
            }),
            "STORE_BUSY",
            true,
          ],
          [Object.assign(new Error("new words"), { overloaded: true, retryable: true }), "STORE_BUSY", true],
          [new Error("Network connection lost."), "STORE_UNAVAILABLE", true],
          [Object.assign(new Error("new words"), { retryable: true }), "STORE_UNAVAILABLE", true],
          [new Error("new words"), "STORE_FAILED", false],
        ] as const) {
          const store = open(objectsWith(SHARDS, async () => Promise.reject(error)));
          await assert.rejects(async () => store.create(recordOf()), isError(code, transient));
          await assert.rejects(async () => store.read(newId(), now), isError(code, transient));
        }
      },
    },
    {
      name: "a read that may be repeated is, once, and nothing else",
      async check() {
        let calls = 0;
        const failing = objectsWith(SHARDS, async () => {
          calls++;
          throw Object.assign(new Error("restarting"), { retryable: true });
        });
        await assert.rejects(async () => open(failing).read(newId(), now));
        assert.equal(calls, 2);
        await assert.rejects(async () => open(failing).patch(newId(), setting, now));
        assert.equal(calls, 3);
      },
    },
    {
      name: "a write that reaches its object after its caller gave up is not executed",
      async check() {
        const slow = open(
          objectsWith(SHARDS, async (run) => {
            await wait(60);
            return run();
          }),
        );
        const record = recordOf();
        await assert.rejects(async () => slow.create(record, 20), isError("STORE_TIMEOUT", true));
        assert.equal(await open().read(record.id, now), null);
        await open().create(record);
        await assert.rejects(
          async () => slow.patch(record.id, setting, now, 20),
          isError("STORE_TIMEOUT", true),
        );
        assert.equal((await open().read(record.id, now))?.revision, 1);
        assert.equal((await slow.patch(record.id, setting, now, 5000)).kind, "applied");
      },
    },
    {
      name: "every call but list and sweep asks one object, and all objects get records",
      async check() {
        const asked = new Map<string, number>();
        const namespace: DurableObjectNamespaceLike = {
          idFromName(name) {
            asked.set(name, (asked.get(name) ?? 0) + 1);
            return SHARDS.idFromName(name);
          },
          get: (id, options) => SHARDS.get(id, options),
        };
        const store = open(namespace);
        const total = (): number => [...asked.values()].reduce((sum, count) => sum + count, 0);
        for (let at = 0; at < 60; at++) await store.create(recordOf({ subject: "everywhere" }));
        assert.equal(total(), 60);
        assert.ok([...asked.values()].length === 3 && [...asked.values()].every((count) => count > 5));
        asked.clear();
        assert.equal((await store.list("everywhere", now)).length, 60);
        assert.equal(total(), 3);
      },
    },
    {
      name: "a sweep deletes what is expired in all objects, and never more than its limit",
      async check() {
        const store = open();
        while ((await store.sweep(now, 100)) > 0);
        for (let at = 0; at < 40; at++) await store.create(recordOf({ absoluteDeadline: now - 1 }));
        const live = recordOf();
        await store.create(live);
        assert.equal(await store.sweep(now, 2), 2);
        assert.equal(await store.sweep(now, 7), 7);
        assert.equal(await store.sweep(now, 200), 31, "all of them, wherever they are");
        assert.equal(await store.sweep(now, 200), 0);
        assert.notEqual(await store.read(live.id, now), null);
      },
    },
    {
      name: "a class without SQLite storage is a mistake in the configuration, and the error says which",
      async check() {
        const store = durableObjectStore({ namespace: PLAIN });
        await assert.rejects(
          async () => store.create(recordOf()),
          (error) => error instanceof ConfigError && /new_sqlite_classes/.test(error.message),
        );
      },
    },
    {
      name: "what is no namespace is refused, and so are shards that can't be",
      async check() {
        for (const options of [
          { namespace: {} },
          { namespace: SHARDS, shards: 0 },
          { namespace: SHARDS, shards: 1.5 },
        ]) {
          assert.throws(
            () => durableObjectStore(options as { namespace: DurableObjectNamespaceLike }),
            ConfigError,
          );
        }
      },
    },
  ];
}

/** What must hold of the stores of Cloudflare beside the contract, by store. */
export function cloudflareClauses(
  bindings: Bindings,
): Readonly<Record<"d1" | "objects", readonly RuntimeClause[]>> {
  return { d1: d1Clauses(bindings), objects: objectClauses(bindings) };
}
