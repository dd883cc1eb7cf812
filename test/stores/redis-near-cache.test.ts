import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { afterEach, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { Store } from "coatcheck";
import type { SessionRecord } from "coatcheck/store";
import { redisStore } from "coatcheck/redis";
import type { InvalidationClient } from "coatcheck/redis";
import { races, storeContract } from "coatcheck/testing";
import { servers } from "../contracts/servers.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { RedisServer, atEnd, nodeClient, until, withoutRedis } from "./redis-server.ts";

type Client = Awaited<ReturnType<typeof nodeClient>>;

const now = Date.now();
let ids = 0;

function recordWith(columns: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id: `near-${process.pid}-${ids++}`.padEnd(22, "x"),
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
    fields: new Map([["d:a", Buffer.from("a")]]),
    ...columns,
  };
}

describe("the near cache of redisStore", { skip: withoutRedis }, async () => {
  if (withoutRedis !== false) return;
  const server = await RedisServer.start();
  const client = await nodeClient(server.url);
  const opened: Store[] = [];
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });

  /** A node of a site: a store with a near cache, whose connection goes through `url`. */
  const openNode = async (options: { url?: string; maxRecords?: number } = {}): Promise<Store> => {
    const { url = server.url, maxRecords = 1000 } = options;
    const connection = await nodeClient(url, { RESP: 3, emitInvalidate: true });
    const store = redisStore({ client, nearCache: { connection, maxRecords }, onWarning: () => {} });
    opened.push(store);
    // The first sign of life of the connection, before which nothing is kept.
    await store.read("none", now);
    await wait(20);
    return store;
  };

  /** How many reads of records the server has answered. */
  const readsSeen = async (): Promise<number> =>
    Number(/cmdstat_hgetall:calls=(\d+)/.exec(await server.ask("INFO", "commandstats"))?.[1] ?? 0);

  /** How many reads the server answers while something is done. */
  const readsOf = async (work: () => Promise<unknown>): Promise<number> => {
    const before = await readsSeen();
    await work();
    return (await readsSeen()) - before;
  };

  const created = async (store: Store, columns: Partial<SessionRecord> = {}): Promise<SessionRecord> => {
    const record = recordWith(columns);
    assert.equal(await store.create(record), true);
    return record;
  };

  const sixtyTimes = async (work: () => Promise<unknown>): Promise<void> => {
    for (let times = 0; times < 60; times++) await work();
  };

  test("holds to the contract and the races", async () => {
    const connection = await nodeClient(server.url, { RESP: 3, emitInvalidate: true });
    let places = 0;
    const place = (prefix: string) => () =>
      redisStore({ client, prefix, nearCache: { connection }, onWarning: () => {} });
    for (const clause of storeContract) await clause.check(place("contract:"));
    for (const race of races.filter(({ name }) => /^S[378]|^F/.test(name))) {
      await race.check({ openStore: () => place(`race${places++}:`)(), start: servers["fetch"]! });
    }
  });

  test("answers from here what it has read, but not when the truth is asked for", async () => {
    const store = await openNode();
    const { id } = await created(store);
    assert.equal(await readsOf(() => sixtyTimes(async () => store.read(id, now))), 1);
    assert.equal(await readsOf(() => sixtyTimes(async () => store.read(id, now, true))), 60);
    assert.equal(
      await readsOf(() => sixtyTimes(async () => store.read("none", now))),
      60,
      "absence is not kept",
    );
  });

  test("gives out copies, and nothing past its end", async () => {
    const store = await openNode();
    const { id } = await created(store);
    for (let times = 0; times < 3; times++) {
      const record = await store.read(id, now);
      assert.equal(String(record?.fields.get("d:a")), "a");
      record?.fields.get("d:a")?.fill(0);
      record?.verifier.fill(0);
    }
    assert.notEqual(await store.read(id, now + 3_599_999), null);
    assert.equal(await store.read(id, now + 3_600_000), null);
  });

  test("holds so many records, the last read ones", async () => {
    const store = await openNode({ maxRecords: 2 });
    const [one, two, three] = [await created(store), await created(store), await created(store)];
    for (const { id } of [one, two, one, three]) await store.read(id, now);
    assert.equal(await readsOf(async () => store.read(one.id, now)), 0);
    assert.equal(await readsOf(async () => store.read(two.id, now)), 1);
  });

  test("shows at once what this process has written", async () => {
    const store = await openNode();
    const { id } = await created(store);
    const written = { revision: 1 };
    const reading = async (): Promise<void> => {
      while (written.revision < 301) {
        const least = written.revision;
        const record = await store.read(id, now);
        assert.ok(record !== null && record.revision >= least, `${record?.revision} after ${least}`);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const readers = Promise.all([reading(), reading(), reading(), reading()]);
    for (let writes = 0; writes < 300; writes++) {
      const outcome = await store.patch(id, { epoch: 0 }, now);
      assert.ok(outcome.kind === "applied");
      written.revision = outcome.revision;
    }
    await readers;
  });

  test("hears of what others write: measured, and of everything at once", async (t) => {
    const [one, other] = [await openNode(), await openNode()];
    const delays: number[] = [];
    for (let times = 0; times < 300; times++) {
      const { id } = await created(one);
      assert.equal((await other.read(id, now))?.epoch, 0);
      await one.patch(id, { epoch: 0, columns: { epoch: 1 } }, now);
      const start = performance.now();
      while ((await other.read(id, now))?.epoch === 0) await new Promise((resolve) => setImmediate(resolve));
      delays.push(performance.now() - start);
    }
    delays.sort((a, b) => a - b);
    const [median, p99, max] = [0.5, 0.99, 1].map((part) =>
      (delays[Math.ceil(delays.length * part) - 1] ?? 0).toFixed(2),
    );
    t.diagnostic(`seen after revocation: median ${median} ms, p99 ${p99} ms, most ${max} ms`);
    assert.ok(Number(max) < 250);

    const { id } = await created(one);
    await other.read(id, now);
    await server.ask("FLUSHALL");
    await until("all is forgotten", async () => (await other.read(id, now)) === null, 250);
  });

  test("is empty, and asks the server, from when its connection is lost until it is back", async () => {
    const proxy = await TcpProxy.start(server.port);
    atEnd(async () => proxy.close());
    const store = await openNode({ url: `redis://127.0.0.1:${proxy.port}` });
    const { id } = await created(store);
    await store.read(id, now);
    assert.equal(await readsOf(() => sixtyTimes(async () => store.read(id, now))), 0);
    proxy.reset();
    await until("it has noticed", async () => (await readsOf(async () => store.read(id, now))) === 1, 500);
    await until("it is back", async () => (await readsOf(async () => store.read(id, now))) === 0, 2000);
  });

  test("keeps nothing over a loss of its connection: what changed meanwhile is seen", async () => {
    const proxy = await TcpProxy.start(server.port);
    atEnd(async () => proxy.close());
    const store = await openNode({ url: `redis://127.0.0.1:${proxy.port}` });
    const { id } = await created(store);
    await store.read(id, now);
    assert.equal(await readsOf(async () => store.read(id, now)), 0);
    // Nothing of the news can arrive: first the wire is cut, then the connection is gone.
    proxy.cut("toClient");
    await client.del(`coatcheck:session:${id}`);
    proxy.reset();
    await wait(20);
    proxy.mend();
    const other = await created(store);
    await until("it is back", async () => (await readsOf(async () => store.read(other.id, now))) === 0, 2000);
    assert.equal(await store.read(id, now), null);
  });

  test("is not believed for longer than a second when the network fails silently, one way or both", async (t) => {
    for (const directions of [["toClient"], ["toServer"], ["toClient", "toServer"]] as const) {
      const proxy = await TcpProxy.start(server.port);
      atEnd(async () => proxy.close());
      const store = await openNode({ url: `redis://127.0.0.1:${proxy.port}` });
      const { id } = await created(store);
      await store.read(id, now);
      proxy.cut(...directions);
      const start = performance.now();
      await client.hDel(`coatcheck:session:${id}`, "d:a");
      await client.del(`coatcheck:session:${id}`);
      await until("it is not seen any more", async () => (await store.read(id, now)) === null, 3000);
      const seen = performance.now() - start;
      t.diagnostic(`cut ${directions.join(" and ")}: seen for ${seen.toFixed(0)} ms after its end`);
      assert.ok(seen < 1100);
      proxy.mend();
    }
  });
});

describe("an invalidation that comes while a read is under way (S7)", { skip: withoutRedis }, async () => {
  if (withoutRedis !== false) return;
  const server = await RedisServer.start();
  const client = await nodeClient(server.url);

  /** A connection whose answers the test holds back. */
  class HeldConnection extends EventEmitter implements InvalidationClient {
    readonly isReady = true;
    readonly options = { emitInvalidate: true };
    readonly #inner: Client;
    answer: (reply: unknown, give: () => void) => void = (_, give) => give();

    constructor(inner: Client) {
      super();
      this.#inner = inner;
    }

    async sendCommand(...args: unknown[]): Promise<unknown> {
      const reply = await this.#inner.sendCommand(...(args as Parameters<Client["sendCommand"]>));
      return new Promise((resolve) => this.answer(reply, () => resolve(reply)));
    }
  }

  const given = async () => {
    const connection = new HeldConnection(await nodeClient(server.url));
    const store = redisStore({ client, nearCache: { connection }, onWarning: () => {} });
    const record = recordWith();
    await store.create(record);
    await store.read(record.id, now);
    await wait(20);
    return { connection, store, id: record.id, key: `coatcheck:session:${record.id}` };
  };

  for (const [how, name] of [
    ["of this record", (key: string) => key],
    ["of this record, as bytes", (key: string) => Buffer.from(key)],
    ["of all records", () => null],
  ] as const) {
    test(`${how}: what the read brings is not kept`, async () => {
      const { connection, store, id, key } = await given();
      connection.answer = (reply, give) => {
        if (!Array.isArray(reply)) return give();
        connection.answer = (_, then) => then();
        void (async () => {
          await client.del(key);
          connection.emit("invalidate", name(key));
          give();
        })();
      };
      assert.notEqual(await store.read(id, now), null, "the read itself began before");
      assert.equal(await store.read(id, now), null);
    });
  }

  test("right behind the answer, in the same piece: what was read is not kept either", async () => {
    const { connection, store, id, key } = await given();
    connection.answer = (reply, give) => {
      give();
      if (!Array.isArray(reply)) return;
      connection.answer = (_, then) => then();
      connection.emit("invalidate", key);
    };
    assert.notEqual(await store.read(id, now), null);
    await client.del(key);
    assert.equal(await store.read(id, now), null);
  });

  test("is not waited for where this process itself has written", async () => {
    const { connection, store, id } = await given();
    await store.read(id, now);
    await store.patch(id, { epoch: 0 }, now);
    assert.equal((await store.read(id, now))?.revision, 2);
    // A read that begins while the write is under way may bring what was before it.
    let patched: unknown;
    connection.answer = (reply, give) => {
      connection.answer = (_, then) => then();
      if (!Array.isArray(reply)) return give();
      void (async () => {
        patched = await store.patch(id, { epoch: 0 }, now);
        give();
      })();
    };
    await store.patch(id, { epoch: 0, columns: { lastSeenAt: now } }, now);
    await store.read(id, now);
    assert.ok(patched);
    assert.equal((await store.read(id, now))?.revision, 4);
  });

  test("of another record: what the read brings is kept", async () => {
    const { connection, store, id, key } = await given();
    connection.answer = (_, give) => {
      connection.emit("invalidate", `${key}x`);
      give();
    };
    await store.read(id, now);
    await client.del(key);
    assert.notEqual(await store.read(id, now), null, "nobody has told this connection");
  });
});
