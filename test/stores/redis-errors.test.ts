import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { inspect } from "node:util";
import { ConfigError, StoreError } from "coatcheck";
import type { Store } from "coatcheck";
import type { SessionRecord } from "coatcheck/store";
import { redisStore } from "coatcheck/redis";
import type { RedisStoreOptions } from "coatcheck/redis";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { RedisServer, atEnd, ioClient, nodeClient, until, withoutRedis } from "./redis-server.ts";

const now = Date.now();
const canary = "canary-in-the-arguments";

function recordWith(id: string): SessionRecord {
  return {
    id,
    epoch: 0,
    verifier: Buffer.alloc(32, 7),
    ticketAt: now,
    subject: null,
    createdAt: now,
    authenticatedAt: null,
    lastSeenAt: now,
    idleTimeout: 3_600_000,
    absoluteDeadline: now + 86_400_000,
    permanent: false,
    revision: 1,
    fields: new Map([["d:a", Buffer.from(canary)]]),
  };
}

/** The error of a call that must fail with a StoreError, without a word of what was written. */
async function failed(call: unknown): Promise<StoreError> {
  const error = await outcomeOf(call);
  assert.ok(error instanceof StoreError, inspect(error));
  const seen = inspect(error, { depth: 20, showHidden: true });
  for (const secret of [
    canary,
    Buffer.from(canary)
      .toString("hex")
      .replaceAll(/(..)(?=.)/g, "$1 "),
  ]) {
    assert.ok(!seen.includes(secret), `the error shows what was to be written: ${seen}`);
  }
  return error;
}

/** What a call answers or throws. */
async function outcomeOf(call: unknown): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    return error;
  }
}

describe("options that redisStore refuses", () => {
  const refused = (options: object, words: RegExp): void => {
    assert.throws(
      () => redisStore(options as RedisStoreOptions),
      (error) => error instanceof ConfigError && error.code === "CONFIG_INVALID" && words.test(error.message),
      inspect(options),
    );
  };
  const io = (options: object): Redis => new Redis({ lazyConnect: true, ...options });

  test("a client that is none, or too old", () => {
    for (const client of [undefined, null, "redis://127.0.0.1", {}, { sendCommand() {} }]) {
      refused({ client }, /createClient.*new Redis/);
    }
  });

  test("an ioredis client that sends commands again by itself", () => {
    refused({ client: io({}) }, /maxRetriesPerRequest: 0/);
    refused({ client: new Redis.Cluster([], { lazyConnect: true }) }, /retryDelayOnFailover: 0/);
    const repeating = { clusterNodeRetryStrategy: () => 10, retryDelayOnFailover: 0, lazyConnect: true };
    refused({ client: new Redis.Cluster([], repeating) }, /redisOptions: \{ maxRetriesPerRequest: 0/);
  });

  test("an ioredis cluster that reads from replicas", () => {
    const options = { lazyConnect: true, retryDelayOnFailover: 0, scaleReads: "slave" } as const;
    refused({ client: new Redis.Cluster([], options) }, /scaleReads/);
  });

  test("a prefix with anything but letters, digits and a few signs", () => {
    const client = createClient();
    for (const prefix of ["", '"; drop', "*", "a{b}", "a b", "a\n", "ü:", "a".repeat(65), 7]) {
      refused({ client, prefix }, /prefix/);
    }
    for (const prefix of ["a.b", "a_b:", "shop/", "a".repeat(64)]) redisStore({ client, prefix });
  });

  test("replicas and durations that can't be", () => {
    const client = createClient();
    const connection = createClient();
    for (const replicas of [0, -1, 1.5, "1"]) {
      refused({ client, durable: { replicas, timeout: { seconds: 1 }, connection } }, /durable.replicas/);
    }
    refused({ client, durable: { replicas: 1, timeout: 5, connection } }, /durable.timeout/);
    for (const same of [client, undefined]) {
      refused({ client, durable: { replicas: 1, timeout: { seconds: 1 }, connection: same } }, /duplicate/);
    }
    refused({ client, timeout: { seconds: 0 } }, /timeout/);
  });

  test("a near cache whose connection hears no invalidations, or for a cluster", () => {
    const client = createClient();
    refused({ client, nearCache: { connection: createClient() } }, /emitInvalidate: true/);
    refused({ client, nearCache: { connection: io({}) } }, /only node-redis/);
    const connection = createClient({ emitInvalidate: true });
    refused({ client, nearCache: { connection, maxRecords: 0 } }, /maxRecords/);
    const cluster = new Redis.Cluster([], { lazyConnect: true, retryDelayOnFailover: 0 });
    refused({ client: cluster, nearCache: { connection } }, /cluster/);
  });
});

describe("what goes wrong in Redis", { skip: withoutRedis }, async () => {
  if (withoutRedis !== false) return;
  const libraries = { "node-redis": nodeClient, ioredis: ioClient } as const;

  for (const [library, connect] of Object.entries(libraries)) {
    /** A server with a store on it, and a record in that. */
    const given = async (settings: string[] = []): Promise<{ server: RedisServer; store: Store }> => {
      const server = await RedisServer.start(settings);
      const store = redisStore({ client: await connect(server.url), onWarning: () => {} });
      assert.equal(await store.create(recordWith("one")), true);
      return { server, store };
    };

    describe(library, () => {
      test("no memory left: data is refused, a touch, a logout and a delete of data go through", async () => {
        const { server, store } = await given();
        await server.ask("CONFIG", "SET", "maxmemory", "1");
        const error = await failed(store.create(recordWith("two")));
        assert.deepEqual([error.code, error.transient, error.operation], ["STORE_FULL", true, "create"]);
        const set = new Map([["d:b", Buffer.from(canary)]]);
        assert.equal((await failed(store.patch("one", { epoch: 0, set }, now))).code, "STORE_FULL");
        assert.equal(
          (await failed(store.patch("one", { epoch: 0, remove: ["d:a"], set }, now))).code,
          "STORE_FULL",
        );
        assert.deepEqual(
          [...((await store.read("one", now))?.fields.keys() ?? [])],
          ["d:a"],
          "all or nothing",
        );
        const touch = { epoch: 0, columns: { lastSeenAt: now + 1 } };
        assert.equal((await store.patch("one", touch, now)).kind, "applied");
        const logout = { epoch: 0, retain: [], columns: { epoch: 1, subject: null } };
        assert.equal((await store.patch("one", logout, now)).kind, "applied");
        assert.equal((await store.read("one", now))?.fields.size, 0);
        assert.ok(Number(await server.ask("PTTL", "coatcheck:session:one")) > 0);
      });

      test("a replica", async () => {
        const { server, store } = await given();
        const primary = await RedisServer.start();
        await server.ask("REPLICAOF", "127.0.0.1", String(primary.port));
        await until("it follows", async () =>
          (await server.ask("INFO", "replication")).includes("link_status:up"),
        );
        const error = await failed(store.create(recordWith("two")));
        assert.deepEqual([error.code, error.transient], ["STORE_READ_ONLY", true]);
        await primary.kill();
        await server.ask("CONFIG", "SET", "replica-serve-stale-data", "no");
        await until("it is alone", async () =>
          (await server.ask("INFO", "replication")).includes("link_status:down"),
        );
        const alone = await failed(store.read("one", now));
        assert.deepEqual([alone.code, alone.transient], ["STORE_UNAVAILABLE", true]);
      });

      test("a user who may not", async () => {
        const { server, store } = await given();
        await server.ask("ACL", "SETUSER", "default", "-@scripting");
        const error = await failed(store.create(recordWith("two")));
        assert.deepEqual([error.code, error.transient], ["STORE_FAILED", false]);
        await server.ask("ACL", "SETUSER", "default", "resetkeys", "~other:*");
        assert.equal((await failed(store.read("one", now))).code, "STORE_FAILED");
      });

      test("a script of somebody else that does not end", async () => {
        const { server, store } = await given(["--busy-reply-threshold", "10"]);
        void server.ask("EVAL", "while true do end", "0").catch(() => {});
        await wait(100);
        const error = await failed(store.read("one", now));
        assert.deepEqual([error.code, error.transient], ["STORE_BUSY", true]);
        await server.ask("SCRIPT", "KILL");
        await until("it answers", async () => !((await outcomeOf(store.read("one", now))) instanceof Error));
      });

      test("too few replicas", async () => {
        const { server, store } = await given();
        await server.ask("CONFIG", "SET", "min-replicas-to-write", "1");
        const error = await failed(store.create(recordWith("two")));
        assert.deepEqual([error.code, error.transient], ["STORE_UNAVAILABLE", true]);
      });

      test("no server: fails at once, and goes on when there is one again", async () => {
        const { server, store } = await given(["--appendonly", "yes"]);
        await server.kill();
        await wait(20);
        for (const call of [
          () => store.create(recordWith("two")),
          () => store.read("one", now),
          () => store.patch("one", { epoch: 0 }, now),
          () => store.list("ana", now),
        ]) {
          const error = await failed(call());
          assert.deepEqual([error.code, error.transient], ["STORE_UNAVAILABLE", true]);
        }
        await server.run();
        await until(
          "it answers",
          async () => !((await outcomeOf(store.read("one", now))) instanceof Error),
          5000,
        );
      });

      test("too many clients", async () => {
        const { server } = await given();
        await server.ask("CONFIG", "SET", "maxclients", "1");
        const client =
          library === "ioredis"
            ? new Redis(server.url, { maxRetriesPerRequest: 0 })
            : createClient({ url: server.url, socket: { reconnectStrategy: false } });
        atEnd(() => (client instanceof Redis ? client.disconnect() : client.destroy()));
        const store = redisStore({ client, onWarning: () => {} });
        if ("connect" in client && library === "node-redis") await client.connect().catch(() => {});
        const error = await failed(store.read("one", now));
        assert.equal(error.transient, true);
        assert.ok(["STORE_BUSY", "STORE_UNAVAILABLE"].includes(error.code), error.code);
      });

      test("a server that stands still: what nobody waits for any more is not written when it goes on", async () => {
        const { server, store: first } = await given();
        const client = await connect(server.url);
        const store = redisStore({ client, timeout: { milliseconds: 300 }, onWarning: () => {} });
        await store.patch("one", { epoch: 0 }, now);
        await first.read("one", now);
        server.signal("SIGSTOP");
        const set = new Map([["d:late", Buffer.from("late")]]);
        const late = failed(store.patch("one", { epoch: 0, set }, now));
        const created = failed(store.create(recordWith("late")));
        // One that would have two seconds, were its caller not in a hurry.
        const hurried = failed(first.patch("one", { epoch: 0, set }, now, 300));
        await wait(600);
        server.signal("SIGCONT");
        const codes = (await Promise.all([late, created, hurried])).map(({ code }) => code);
        assert.deepEqual(codes, ["STORE_TIMEOUT", "STORE_TIMEOUT", "STORE_TIMEOUT"]);
        assert.equal((await store.read("one", now))?.fields.has("d:late"), false);
        assert.equal(await store.read("late", now), null);
        const again = await store.patch("one", { epoch: 0, set }, now);
        assert.equal(again.kind, "applied");
      });

      test("a server whose clock is set, forward or back", async () => {
        const { server, store } = await given();
        // The clock can't be set here, but the store can be led to believe that it stood elsewhere.
        for (const skew of [-3_600_000, 3_600_000]) {
          const client = await connect(server.url);
          const skewed = redisStore({ client: withClock(client, skew), onWarning: () => {} });
          await skewed.patch("one", { epoch: 0 }, now);
          assert.equal((await skewed.patch("one", { epoch: 0 }, now)).kind, "applied");
        }
        assert.equal((await store.patch("one", { epoch: 0 }, now)).kind, "applied");
      });
    });
  }

  test("no client fills its queue while the server is away: past 10,000 calls the store is busy", async () => {
    const server = await RedisServer.start();
    const store = redisStore({
      client: await nodeClient(server.url, { disableOfflineQueue: false }),
      onWarning: () => {},
    });
    await store.read("one", now);
    server.signal("SIGSTOP");
    const calls = Array.from({ length: 10_001 }, async () => outcomeOf(store.read("one", now)));
    const first = await Promise.race(calls);
    assert.ok(first instanceof StoreError && first.code === "STORE_BUSY");
    server.signal("SIGCONT");
    await Promise.all(calls);
    assert.equal(await store.read("one", now), null);
  });

  describe("durable", () => {
    for (const [library, connect] of Object.entries(libraries)) {
      test(`acknowledges a logout when a replica has it, and says when none has (${library})`, async () => {
        const [server, replica] = [await RedisServer.start(), await RedisServer.start()];
        await replica.follow(server);
        const durable = {
          replicas: 1,
          timeout: { seconds: 1 },
          connection: await connect(server.url),
        };
        const store = redisStore({ client: await connect(server.url), durable, onWarning: () => {} });
        await store.create(recordWith("one"));
        const login = {
          epoch: 1,
          subject: "ana",
          absoluteDeadline: now + 1e6,
          verifier: Buffer.alloc(32, 8),
        };
        const set = new Map([["d:x", Buffer.from([0, 255])]]);
        const outcome = await store.patch("one", { epoch: 0, columns: login, set, remove: ["d:a"] }, now);
        assert.deepEqual(outcome, { kind: "applied", revision: 2, removed: ["d:a"] });
        const wrong = { epoch: 1, expect: { verifier: Buffer.alloc(32) }, columns: { epoch: 2 } };
        const conflict = await store.patch("one", wrong, now);
        assert.ok(conflict.kind === "conflict");
        assert.deepEqual([...conflict.record.verifier], [...Buffer.alloc(32, 8)]);
        assert.deepEqual([...(conflict.record.fields.get("d:x") ?? [])], [0, 255]);

        replica.signal("SIGSTOP");
        const logout = { epoch: 1, retain: [], columns: { epoch: 2, subject: null } };
        const error = await failed(store.patch("one", logout, now));
        assert.deepEqual([error.code, error.transient], ["STORE_NOT_REPLICATED", true]);
        assert.equal((await store.read("one", now))?.epoch, 2, "the primary has it");
        const data = await store.patch("one", { epoch: 2, set: new Map([["d:b", Buffer.from("b")]]) }, now);
        assert.equal(data.kind, "applied", "data waits for nobody");
        replica.signal("SIGCONT");
      });
    }
  });
});

/** A client whose server seems to have another time, as far as the store's first look goes. */
function withClock(client: object, skew: number): RedisStoreOptions["client"] {
  let replies = 0;
  const shift = (reply: unknown): unknown => {
    if (Array.isArray(reply) && replies++ === 0) reply[1] = Number(reply[1]) + skew;
    return reply;
  };
  return new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (name === "sendCommand" || name === "evalshaBuffer" || name === "evalBuffer") {
        return async (...args: unknown[]) => shift(await value.apply(target, args));
      }
      return value.bind(target);
    },
  }) as RedisStoreOptions["client"];
}
