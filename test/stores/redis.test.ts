import assert from "node:assert/strict";
import { once } from "node:events";
import { afterEach, describe, test } from "node:test";
import { inspect } from "node:util";
import { StoreError } from "coatcheck";
import type { Store } from "coatcheck";
import type { Patch, SessionRecord } from "coatcheck/store";
import { memoryStore } from "coatcheck/memory";
import { redisStore } from "coatcheck/redis";
import type { RedisStoreOptions, RedisWarning } from "coatcheck/redis";
import { storeContract } from "coatcheck/testing";
import * as fc from "fast-check";
import { Redis as Redis5 } from "ioredis5";
import { createClient as createClient5 } from "redis5";
import { recordOf } from "../support/records.ts";
import {
  RedisServer,
  atEnd,
  ioClient,
  ioOptions,
  nodeClient,
  nodeOptions,
  until,
  withoutRedis,
} from "./redis-server.ts";

const hour = 3_600_000;
const now = Date.now();
let ids = 0;

function recordWith(columns: Partial<SessionRecord> = {}): SessionRecord {
  const id = `id-${process.pid}-${ids++}`.padEnd(22, "x");
  const verifier = Buffer.alloc(32, 7);
  return recordOf({ id, verifier, absoluteDeadline: now + 24 * hour, ...columns }, now);
}

/** The code of the error that a call fails with; anything else fails the test. */
async function codeOf(call: unknown): Promise<string> {
  const error = await failure(call);
  assert.ok(error instanceof StoreError, inspect(error));
  return error.code;
}

async function failure(call: unknown): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  return assert.fail("it should have failed");
}

describe("redisStore", { skip: withoutRedis }, async () => {
  if (withoutRedis !== false) return;
  const server = await RedisServer.start();
  const client = await nodeClient(server.url);
  let places = 0;
  const opened: Store[] = [];
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });

  /** A store with keys of its own. */
  function open(options: Partial<RedisStoreOptions> = {}): { store: Store; prefix: string } {
    const prefix = `place${places++}:`;
    const store = redisStore({ client, prefix, onWarning: () => {}, ...options });
    opened.push(store);
    return { prefix, store };
  }

  /** Every key of a store with its TTL in milliseconds. */
  async function ttls(prefix: string): Promise<Map<string, number>> {
    const keys = await client.keys(`${prefix}*`);
    return new Map(await Promise.all(keys.map(async (key) => [key, await client.pTTL(key)] as const)));
  }

  describe("holds to the contract, whatever the client is set to", () => {
    const clients: Readonly<Record<string, () => Promise<RedisStoreOptions["client"]>>> = {
      "node-redis 6, RESP2": async () => nodeClient(server.url, { RESP: 2 } as object),
      "node-redis 6, replies as maps and buffers": async () => {
        const made = await nodeClient(server.url, { RESP: 3 });
        return made.withTypeMapping({ 37: Map, 36: Buffer });
      },
      "node-redis 5": async () => {
        const made = createClient5({ url: server.url, ...nodeOptions });
        atEnd(() => made.destroy());
        return made.connect();
      },
      "node-redis 5, RESP3": async () => {
        const made = createClient5({ url: server.url, ...nodeOptions, RESP: 3 });
        atEnd(() => made.destroy());
        return made.connect();
      },
      "a pool of node-redis": async () => {
        const pool = client.createPool({ minimum: 2, maximum: 4 });
        atEnd(() => pool.destroy());
        await pool.connect();
        return pool;
      },
      "ioredis 6, RESP2": async () => ioClient(server.url, { protocol: 2 }),
      "ioredis 6, numbers as text": async () => ioClient(server.url, { stringNumbers: true }),
      "ioredis 6, with a key prefix of its own": async () => ioClient(server.url, { keyPrefix: "outer:" }),
      "ioredis 6, pipelining by itself": async () => ioClient(server.url, { enableAutoPipelining: true }),
      "ioredis 5": async () => {
        const made = new Redis5(server.url, ioOptions);
        atEnd(() => made.disconnect());
        await once(made, "ready");
        return made;
      },
    };
    for (const [name, connect] of Object.entries(clients)) {
      test(name, async () => {
        const under = await connect();
        const prefix = `place${places++}:`;
        for (const clause of storeContract) {
          await clause.check(() => redisStore({ client: under, prefix, onWarning: () => {} }));
        }
      });
    }
  });

  test("does to any record what the rules of a patch say, and leaves no key without an end", async () => {
    const name = fc.constantFrom("d:a", "d:b", "f:1");
    const bytes = fc.constantFrom("", "1", "2").map((text) => Buffer.from(text));
    const names = fc.uniqueArray(name);
    const fields = fc.uniqueArray(fc.tuple(name, bytes), { selector: ([key]) => key });
    const verifier = fc.constantFrom(7, 8).map((fill) => Buffer.alloc(32, fill));
    const columns = fc.record(
      {
        epoch: fc.nat(1),
        verifier,
        subject: fc.constantFrom(null, "ana", "ben"),
        authenticatedAt: fc.constantFrom(null, now),
        lastSeenAt: fc.constantFrom(now, now + hour),
        idleTimeout: fc.constantFrom(0, 1000, hour, 48 * hour),
        absoluteDeadline: fc.constantFrom(now - 1, now + hour, now + 400 * 24 * hour),
        permanent: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    const patches = fc.record(
      {
        epoch: fc.nat(1),
        expect: fc.record(
          {
            verifier,
            fields: fc
              .uniqueArray(fc.tuple(name, fc.option(bytes)), { selector: ([key]) => key })
              .map((pairs) => new Map(pairs)),
          },
          { requiredKeys: [] },
        ),
        retain: names,
        remove: names,
        set: fields.map((pairs) => new Map(pairs)),
        columns,
      },
      { requiredKeys: ["epoch"] },
    );
    const property = fc.asyncProperty(
      fc.array(patches, { minLength: 1, maxLength: 12 }),
      fields,
      async (steps, held) => {
        const { store, prefix } = open();
        const model = memoryStore();
        const record = recordWith({ fields: new Map(held), subject: "ana" });
        for (const each of [store, model]) assert.equal(await each.create(record), true);
        for (const step of steps) {
          const outcomes = await Promise.all(
            [store, model].map(async (each) => each.patch(record.id, step as Patch, now)),
          );
          assert.deepEqual(shown(outcomes[0]), shown(outcomes[1]));
          assert.deepEqual(shown(await store.read(record.id, now)), shown(await model.read(record.id, now)));
          for (const [key, ttl] of await ttls(prefix)) assert.ok(ttl >= 0, `${key} has no end`);
          for (const subject of ["ana", "ben"]) {
            assert.equal((await store.list(subject, now)).length, (await model.list(subject, now)).length);
          }
        }
        await store.close();
      },
    );
    await fc.assert(property, { numRuns: Number(process.env["PROPERTY_RUNS"] ?? 150) });
  });

  test("takes more fields at once than Lua gives to one command", async () => {
    const store = redisStore({ client: await nodeClient(server.url) });
    const many = (value: string) =>
      new Map(Array.from({ length: 5000 }, (_, at) => [`d:${at}`, Buffer.from(`${value}${at}`)] as const));
    const record = recordWith({ fields: many("old") });
    await store.create(record);
    assert.deepEqual((await store.read(record.id, now))?.fields, many("old"));
    const patch: Patch = { epoch: 0, remove: ["d:0"], set: many("new") };
    assert.deepEqual(await store.patch(record.id, patch, now), {
      kind: "applied",
      revision: 2,
      removed: ["d:0"],
    });
    assert.deepEqual((await store.read(record.id, now))?.fields, many("new"));
  });

  test("lets a record end in Redis when it ends", async () => {
    const { store, prefix } = open();
    const record = recordWith({ idleTimeout: 100 });
    await store.create(record);
    assert.ok((await client.pTTL(`${prefix}session:${record.id}`)) < 100);
    await until("the key is gone", async () => (await ttls(prefix)).size === 0, 1000);
  });

  test("goes on when the server has forgotten its scripts", async () => {
    for (const under of [client, await ioClient(server.url)]) {
      const { store } = open({ client: under });
      const record = recordWith({ subject: "ana" });
      await server.ask("SCRIPT", "FLUSH");
      assert.equal(await store.create(record), true);
      await server.ask("SCRIPT", "FLUSH");
      assert.equal((await store.patch(record.id, { epoch: 0 }, now)).kind, "applied");
      const scripts = await server.ask("INFO", "memory");
      assert.match(scripts, /number_of_cached_scripts:[1-9]/);
    }
  });

  test("keeps each session under one key, and no subject's name in any", async () => {
    const { store, prefix } = open();
    for (let count = 0; count < 3; count++) await store.create(recordWith({ subject: "ana@example.org" }));
    const keys = [...(await ttls(prefix)).keys()];
    assert.equal(keys.filter((key) => key.startsWith(`${prefix}session:`)).length, 3);
    assert.equal(keys.length, 4);
    assert.ok(keys.every((key) => !key.includes("ana")));
  });

  test("does not read what is damaged, of another format or foreign, nor let it hide other sessions", async () => {
    const { store, prefix } = open();
    const [whole, broken] = [recordWith({ subject: "ana" }), recordWith({ subject: "ana" })];
    for (const record of [whole, broken]) await store.create(record);
    const key = `${prefix}session:${broken.id}`;
    const columns = (await client.hGet(key, "c")) ?? "";
    const damage: (() => Promise<unknown>)[] = [
      () => client.hSet(key, "c", columns.replace(/^1/, "2")),
      () => client.hSet(key, "c", columns.slice(0, 20)),
      () => client.hSet(key, "c", columns.replace(/\d+ \d+$/, "x 0")),
      () => client.hDel(key, "c"),
      () => client.hDel(key, "v"),
      () => client.hSet(key, "v", "short"),
      async () => {
        await client.del(key);
        await client.set(key, "something else");
      },
    ];
    for (const spoil of damage) {
      await client.del(key);
      await client.hSet(key, { c: columns, v: Buffer.alloc(32), s: "ana" });
      await spoil();
      assert.equal(await codeOf(store.read(broken.id, now)), "RECORD_UNREADABLE");
    }
    assert.equal(await codeOf(store.patch(broken.id, { epoch: 0 }, now)), "RECORD_UNREADABLE");
    assert.deepEqual(
      (await store.list("ana", now)).map(({ id }) => id),
      [whole.id],
    );
  });

  describe("the index by subject", () => {
    const keyIn = async (prefix: string): Promise<string> => {
      const [key] = await client.keys(`${prefix}subject:*`);
      assert.ok(key !== undefined);
      return key;
    };
    /** Makes every id look as if it had been added long ago. */
    const age = async (key: string): Promise<void> => {
      for (const id of await client.hKeys(key)) await client.hSet(key, id, String(Date.now() - 61_000));
    };

    test("is healed of ids whose record is gone or another's, when somebody lists", async () => {
      const { store, prefix } = open();
      const [kept, gone, others] = [0, 1, 2].map(() => recordWith({ subject: "ana" })) as [
        SessionRecord,
        SessionRecord,
        SessionRecord,
      ];
      for (const record of [kept, gone, others]) await store.create(record);
      await client.del(`${prefix}session:${gone.id}`);
      await store.patch(others.id, { epoch: 0, columns: { subject: null } }, now);
      const key = await keyIn(prefix);
      assert.equal((await store.list("ana", now)).length, 1);
      assert.equal(await client.hLen(key), 3, "what was added lately may be about to be written");
      await age(key);
      assert.equal((await store.list("ana", now)).length, 1);
      assert.deepEqual(await client.hKeys(key), [kept.id]);
    });

    test("keeps an id that was added again since it was seen without a record", async () => {
      const { store, prefix } = open();
      const record = recordWith({ subject: "ana" });
      await store.create(record);
      const key = await keyIn(prefix);
      await client.del(`${prefix}session:${record.id}`);
      await age(key);
      // Between the look at the index and its healing, the record is made anew.
      const racing: Store = redisStore({
        client: {
          ...wrapped(client),
          async sendCommand(...args: unknown[]) {
            const reply = await client.sendCommand(...(args as Parameters<typeof client.sendCommand>));
            const [command] = args as [string[]];
            if (command[0] === "HGETALL" && command[1]?.includes("session:")) await store.create(record);
            return reply;
          },
        },
        prefix,
        onWarning: () => {},
      });
      await racing.list("ana", now);
      assert.deepEqual(
        (await store.list("ana", now)).map(({ id }) => id),
        [record.id],
      );
    });

    test("outlives its records, also when one is given a longer life without naming its subject", async () => {
      const { store, prefix } = open();
      const record = recordWith({ subject: "ana" });
      await store.create(record);
      const life = 400 * 24 * hour;
      const columns = { idleTimeout: life, absoluteDeadline: now + life };
      assert.equal((await store.patch(record.id, { epoch: 0, columns }, now)).kind, "applied");
      const [session, subject] = [`${prefix}session:${record.id}`, await keyIn(prefix)];
      assert.ok((await client.pTTL(session)) > 399 * 24 * hour);
      assert.ok((await client.pTTL(subject)) > (await client.pTTL(session)));
      await store.create(recordWith({ subject: "ana" }));
      assert.ok((await client.pTTL(subject)) > 399 * 24 * hour, "a shorter session does not shorten it");
    });

    test("is led to a subject whose deadline the patch does not say", async () => {
      const { store } = open();
      const record = recordWith();
      await store.create(record);
      assert.equal(
        (await store.patch(record.id, { epoch: 0, columns: { subject: "ben" } }, now)).kind,
        "applied",
      );
      assert.equal((await store.list("ben", now)).length, 1);
    });

    test("is healed by the sweep where it has grown long", async () => {
      const { store, prefix } = open();
      for (let count = 0; count < 40; count++) {
        const record = recordWith({ subject: "bot" });
        await store.create(record);
        await client.del(`${prefix}session:${record.id}`);
      }
      const key = await keyIn(prefix);
      await age(key);
      assert.equal(await store.sweep(now, 100), 0);
      assert.equal(await client.exists(key), 0);
    });
  });

  describe("warns once of a server that may lose sessions", () => {
    const warned = async (settings: string[], acl: string[] = []): Promise<string[]> => {
      const judged = await RedisServer.start(settings);
      const [user, password] = acl.length > 0 ? ["shop", "secret"] : [undefined, undefined];
      if (user !== undefined) await judged.ask("ACL", "SETUSER", user, "on", `>${password}`, ...acl);
      const under = await nodeClient(
        judged.url,
        user === undefined ? {} : { username: user, password: "secret" },
      );
      const warnings: RedisWarning[] = [];
      const store = redisStore({ client: under, onWarning: (warning) => warnings.push(warning) });
      for (let reads = 0; reads < 3; reads++) await store.read("none", now);
      await new Promise((resolve) => setTimeout(resolve, 50));
      return warnings.map(({ code }) => code);
    };

    test("none where memory and disk are as they should be", async () => {
      assert.deepEqual(await warned(["--appendonly", "yes"]), []);
      assert.deepEqual(await warned(["--save", "60 1"]), []);
      assert.deepEqual(await warned(["--appendonly", "yes", "--maxmemory", "1gb"]), []);
    });

    test("of eviction, of nothing on disk", async () => {
      const limits = ["--maxmemory", "1gb", "--maxmemory-policy"];
      assert.deepEqual(await warned(["--appendonly", "yes", ...limits, "allkeys-lru"]), [
        "COATCHECK_REDIS_MAY_EVICT",
      ]);
      assert.deepEqual(await warned(["--appendonly", "yes", ...limits, "volatile-ttl"]), [
        "COATCHECK_REDIS_MAY_EVICT",
      ]);
      assert.deepEqual(await warned([]), ["COATCHECK_REDIS_NOT_PERSISTENT"]);
    });

    test("not at all where the server does not tell", async () => {
      const denied = ["~*", "+@all", "-config", "-info"];
      assert.deepEqual(await warned([], denied), []);
    });

    test("not at all with onWarning: false, and the server is not even asked", async () => {
      const judged = await RedisServer.start();
      const under = await nodeClient(judged.url);
      const store = redisStore({ client: under, onWarning: false });
      for (let reads = 0; reads < 3; reads++) await store.read("none", now);
      const asked = /cmdstat_config\b/;
      assert.doesNotMatch(await judged.ask("INFO", "commandstats"), asked);
      await redisStore({ client: under, onWarning: () => {} }).read("none", now);
      await until("it asks", async () => asked.test(await judged.ask("INFO", "commandstats")));
    });

    test("as a warning of the process, when nobody else asks", async () => {
      const heard = once(process, "warning") as Promise<[Error & { code?: string }]>;
      await redisStore({ client }).read("none", now);
      const [warning] = await heard;
      assert.equal(warning.code, "COATCHECK_REDIS_NOT_PERSISTENT");
      assert.equal(warning.name, "CoatcheckWarning");
    });
  });

  test("leaves the client open, and its listeners as they were", async () => {
    const before = client.listenerCount("error");
    const { store } = open();
    assert.equal(client.listenerCount("error"), before + 1);
    await store.close();
    assert.equal(client.listenerCount("error"), before);
    assert.equal(await client.ping(), "PONG");
  });
});

/** The methods of a client that the store looks for. */
function wrapped(client: Awaited<ReturnType<typeof nodeClient>>) {
  return {
    withTypeMapping: () => client,
    multi: () => client.multi(),
    on: () => client,
    off: () => client,
  };
}

/** Records and outcomes as what they hold. */
function shown(value: unknown): string {
  return inspect(plain(value), { depth: 9, sorted: true, maxArrayLength: null }).replaceAll(
    "Buffer(",
    "Uint8Array(",
  );
}

/** With fields as an ordinary map, however a store keeps them. */
function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("record" in value) return { ...value, record: plain(value.record) };
  return "fields" in value ? { ...value, fields: new Map(value.fields as SessionRecord["fields"]) } : value;
}
