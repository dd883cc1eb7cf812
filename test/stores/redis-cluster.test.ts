import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Store } from "coatcheck";
import { redisStore } from "coatcheck/redis";
import { races, storeContract } from "coatcheck/testing";
import { servers as adapters } from "../contracts/servers.ts";
import { recordOf } from "../support/records.ts";
import { ioCluster, nodeCluster, startCluster, withoutRedis } from "./redis-server.ts";
import type { RedisServer } from "./redis-server.ts";

describe("redisStore on a cluster of six", { skip: withoutRedis }, async () => {
  if (withoutRedis !== false) return;
  const servers = await startCluster();
  const clients = { "node-redis": await nodeCluster(servers), ioredis: await ioCluster(servers) };
  const waiting = { "node-redis": await nodeCluster(servers), ioredis: await ioCluster(servers) };
  let places = 0;

  /** All keys of the cluster with their TTL. */
  const ttls = async (): Promise<number[]> => {
    const found: number[] = [];
    for (const server of servers.slice(0, 3)) {
      const keys = (await server.ask("EVAL", "return table.concat(redis.call('KEYS', '*'), ' ')", "0")).split(
        " ",
      );
      for (const key of keys) if (key !== "") found.push(Number(await server.ask("PTTL", key)));
    }
    return found;
  };

  for (const library of ["node-redis", "ioredis"] as const) {
    const client = clients[library];
    const doors = (prefix: string) => (): Store => redisStore({ client, prefix, onWarning: () => {} });

    test(`holds to the contract (${library})`, async () => {
      for (const clause of storeContract) await clause.check(doors("contract:"));
    });

    // The others differ only in what is done to the same record: they are run on a single server.
    for (const race of races.filter(
      ({ name }) => !/^S[45]/.test(name) || Boolean(process.env["TEST_LONG"]),
    )) {
      test(`${race.name} (${library})`, async (t) => {
        const openStore = (): Store => doors(`race${places++}:`)();
        t.diagnostic(`${await race.check({ openStore, start: adapters["fetch"]! })} orders`);
      });
    }

    test(`waits for replicas on the server that has the key (${library})`, async () => {
      const durable = { replicas: 1, timeout: { seconds: 1 }, connection: waiting[library] };
      for (const clause of storeContract) {
        await clause.check(() => redisStore({ client, prefix: "durable:", durable, onWarning: () => {} }));
      }
    });

    test(`looks at every primary (${library})`, async () => {
      const full = servers[1]!;
      await full.ask("CONFIG", "SET", "maxmemory", "1gb");
      await full.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
      const codes = new Set<string>();
      await redisStore({ client, onWarning: ({ code }) => codes.add(code) }).read("none", 0);
      await new Promise((resolve) => setTimeout(resolve, 200));
      await full.ask("CONFIG", "SET", "maxmemory", "0");
      assert.deepEqual([...codes].toSorted(), [
        "COATCHECK_REDIS_MAY_EVICT",
        "COATCHECK_REDIS_NOT_PERSISTENT",
      ]);
    });
  }

  test("spreads over the servers, and leaves no key without an end", async () => {
    const left = await ttls();
    assert.ok(left.length > 30);
    assert.deepEqual(
      left.filter((ttl) => ttl === -1),
      [],
    );
    const sizes = await Promise.all(
      servers.slice(0, 3).map(async (server) => Number(await server.ask("DBSIZE"))),
    );
    assert.ok(
      sizes.every((size) => size > 0),
      String(sizes),
    );
  });

  test("moves with a slot while it is migrated", async () => {
    for (const [library, client] of Object.entries(clients)) {
      const store = redisStore({ client, prefix: "moving:", onWarning: () => {} });
      const id = `moving-${library}`.padEnd(22, "x");
      const now = Date.now();
      const lifetime = { idleTimeout: 1e7, absoluteDeadline: now + 1e7 };
      assert.equal(await store.create(recordOf({ id, verifier: Buffer.alloc(32), ...lifetime }, now)), true);
      const key = `moving:session:${id}`;
      const slot = await servers[0]!.ask("CLUSTER", "KEYSLOT", key);
      const { from, to } = await ownersOf(servers.slice(0, 3), key);
      const [fromId, toId] = [await from.ask("CLUSTER", "MYID"), await to.ask("CLUSTER", "MYID")];
      const write = async (expected: number): Promise<void> => {
        const outcome = await store.patch(id, { epoch: 0 }, now);
        assert.deepEqual(outcome, { kind: "applied", revision: expected, removed: [] });
        assert.equal((await store.read(id, now))?.revision, expected);
      };
      await write(2);
      // What other tests have left in the slot would keep it from being given away.
      const reply = await from.ask("CLUSTER", "GETKEYSINSLOT", slot, "1000");
      for (const other of reply.split("\r\n")) {
        if (!/^[*$]\d+$/.test(other) && other !== key) await from.ask("DEL", other);
      }
      await to.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", fromId);
      await from.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", toId);
      await write(3);
      await from.ask("MIGRATE", "127.0.0.1", String(to.port), key, "0", "1000");
      await write(4);
      for (const server of [to, from]) await server.ask("CLUSTER", "SETSLOT", slot, "NODE", toId);
      await write(5);
      assert.ok(Number(await to.ask("PTTL", key)) > 0);
    }
  });
});

/** The server that has a key, and another one. */
async function ownersOf(
  primaries: readonly RedisServer[],
  key: string,
): Promise<{ from: RedisServer; to: RedisServer }> {
  const has = await Promise.all(
    primaries.map(async (server) =>
      server.ask("EXISTS", key).then(
        (found) => found === "1",
        () => false,
      ),
    ),
  );
  const from = primaries[has.indexOf(true)]!;
  return { from, to: primaries.find((server) => server !== from)! };
}
