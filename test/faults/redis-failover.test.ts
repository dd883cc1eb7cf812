import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { Store } from "coatcheck";
import { redisStore } from "coatcheck/redis";
import type { RedisStoreOptions } from "coatcheck/redis";
import { Redis } from "ioredis";
import { createSentinel } from "redis";
import {
  RedisServer,
  atEnd,
  ioCluster,
  ioOptions,
  nodeCluster,
  nodeOptions,
  startCluster,
  until,
  withoutRedis,
} from "../stores/redis-server.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { FailoverAudit } from "./failover-audit.ts";
import type { Losses } from "./failover-audit.ts";
import { inTime } from "./store-deadline.ts";

const everything = Boolean(process.env["TEST_LONG"]);
const deadline = 2000;

const modes = ["by default", "durable"] as const;

describe(
  "a failover under load",
  { skip: withoutRedis || (!everything && "npm run test:long runs it") },
  () => {
    function judge(t: TestContext, losses: Losses, isDurable: boolean): void {
      t.diagnostic(JSON.stringify(losses));
      assert.ok(losses.acknowledged > 100, "there was load");
      assert.ok(losses.p99 <= deadline * 1.1, `p99 ${losses.p99}`);
      assert.ok(losses.recovery <= 5000, `recovery ${losses.recovery}`);
      if (isDurable) assert.equal(losses.resurrected, 0, "an acknowledged logout was undone");
    }

    async function open(
      connect: () => Promise<RedisStoreOptions["client"]>,
      mode: (typeof modes)[number],
    ): Promise<Store> {
      const client = await connect();
      const durable = { replicas: 1, timeout: { milliseconds: 200 } };
      const options = mode === "durable" ? { durable: { ...durable, connection: await connect() } } : {};
      return inTime(redisStore({ client, ...options, onWarning: () => {} }), deadline);
    }

    describe("with Sentinel", () => {
      const clients: Readonly<
        Record<string, (sentinel: { host: string; port: number }) => Promise<RedisStoreOptions["client"]>>
      > = {
        async "node-redis"(sentinel) {
          const client = createSentinel({
            name: "shop",
            sentinelRootNodes: [sentinel],
            nodeClientOptions: nodeOptions,
            scanInterval: 500,
          });
          client.on("error", () => {});
          await client.connect();
          atEnd(() => client.destroy());
          return client;
        },
        async ioredis(sentinel) {
          const client = new Redis({
            ...ioOptions,
            sentinels: [sentinel],
            name: "shop",
            sentinelRetryStrategy: () => 100,
          });
          client.on("error", () => {});
          await once(client, "ready");
          atEnd(() => client.disconnect());
          return client;
        },
      };

      const given = async (isCuttable: boolean) => {
        const [primary, replica] = [await RedisServer.start(), await RedisServer.start()];
        // The replica follows over a wire that the test can cut.
        const wire = await TcpProxy.start(primary.port);
        atEnd(async () => wire.close());
        await replica.follow(primary, isCuttable ? wire.port : primary.port);
        const sentinel = await RedisServer.startSentinel("shop", primary.port);
        await until("Sentinel knows the replica", async () =>
          /num-slaves\r\n\$1\r\n1/.test(await sentinel.ask("SENTINEL", "MASTER", "shop")),
        );
        return { primary, replica, sentinel, wire };
      };
      const promoted = async (replica: RedisServer): Promise<void> => {
        await until("the replica is promoted", async () =>
          (await replica.ask("INFO", "replication")).includes("role:master"),
        );
      };

      for (const [library, connect] of Object.entries(clients)) {
        for (const mode of modes) {
          test(`the primary is killed (${library}, ${mode})`, async (t) => {
            const { primary, replica, sentinel } = await given(false);
            const audit = new FailoverAudit(await open(async () => connect(sentinel.address), mode));
            await wait(500);
            const began = performance.now();
            await primary.kill();
            await promoted(replica);
            const losses = await audit.finish(began, performance.now());
            judge(t, losses, mode === "durable");
          });

          test(`the primary is cut off from its replica, not from its clients (${library}, ${mode})`, async (t) => {
            const { primary, replica, sentinel, wire } = await given(true);
            const audit = new FailoverAudit(await open(async () => connect(sentinel.address), mode));
            await wait(500);
            const began = performance.now();
            // The replica hears nothing more, and goes on to say that it is there: requirement 111.
            wire.cut("toClient");
            await wait(1000);
            await primary.kill();
            await promoted(replica);
            const losses = await audit.finish(began, performance.now());
            judge(t, losses, mode === "durable");
            if (mode === "by default") {
              assert.ok(losses.resurrected + losses.lost > 0, "the test shows what it is about");
            }
          });
        }
      }
    });

    describe("of a cluster", () => {
      for (const [library, connect] of Object.entries({ "node-redis": nodeCluster, ioredis: ioCluster })) {
        for (const mode of modes) {
          test(`a primary is killed; another is replaced by hand (${library}, ${mode})`, async (t) => {
            const servers = await startCluster();
            const audit = new FailoverAudit(await open(async () => connect(servers), mode));
            await wait(500);
            const began = performance.now();
            await servers[4]!.ask("CLUSTER", "FAILOVER");
            await wait(500);
            await servers[0]!.kill();
            await until("its replica is promoted", async () =>
              (await servers[3]!.ask("INFO", "replication")).includes("role:master"),
            );
            const losses = await audit.finish(began, performance.now());
            judge(t, losses, mode === "durable");
            for (const server of servers) await server.kill();
          });
        }

        test(`slots move to another primary, and back (${library})`, async (t) => {
          const servers = await startCluster();
          const audit = new FailoverAudit(await open(async () => connect(servers), "by default"));
          await wait(500);
          const began = performance.now();
          const [one, other] = [servers[0]!, servers[1]!];
          let moved = 0;
          for (let slot = 0; slot < 200; slot++) moved += await moveSlot(one, other, String(slot));
          for (let slot = 0; slot < 200; slot++) moved += await moveSlot(other, one, String(slot));
          const losses = await audit.finish(began, performance.now());
          judge(t, losses, true);
          t.diagnostic(`${moved} keys moved`);
          assert.ok(moved > 100, `only ${moved} keys moved`);
          assert.equal(losses.lost, 0, "an acknowledged write was lost");
          for (const server of servers) await server.kill();
        });
      }
    });
  },
);

/** Gives a slot away while it is used, as `redis-cli --cluster reshard` does; answers how many keys went. */
async function moveSlot(from: RedisServer, to: RedisServer, slot: string): Promise<number> {
  const [fromId, toId] = [await from.ask("CLUSTER", "MYID"), await to.ask("CLUSTER", "MYID")];
  await to.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", fromId);
  await from.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", toId);
  for (let moved = 0; ;) {
    const reply = await from.ask("CLUSTER", "GETKEYSINSLOT", slot, "1000");
    const keys = reply.split("\r\n").filter((line) => line.startsWith("coatcheck:"));
    for (const key of keys) await from.ask("MIGRATE", "127.0.0.1", String(to.port), key, "0", "1000");
    moved += keys.length;
    if (keys.length > 0) continue;
    for (const server of [to, from]) await server.ask("CLUSTER", "SETSLOT", slot, "NODE", toId);
    return moved;
  }
}
