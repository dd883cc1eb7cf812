import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { redisStore } from "coatcheck/redis";
import { RedisServer, ioClient, nodeClient, withoutRedis } from "../stores/redis-server.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { StoreAudit } from "./store-audit.ts";
import type { AuditReport } from "./store-audit.ts";
import { inTime } from "./store-deadline.ts";

/** The default of `storeTimeout`, which p99 may pass by a tenth. */
const deadline = 2000;
const longest = deadline * 1.1;
/** Until when after its call a write that failed may show: the deadline, by a clock that is known to some milliseconds. */
const audited = deadline + 50;

const everything = Boolean(process.env["TEST_LONG"]);
const libraries = { "node-redis": nodeClient, ioredis: ioClient } as const;

interface Given {
  readonly server: RedisServer;
  readonly proxy: TcpProxy;
}

describe("Redis that fails under load", { skip: withoutRedis }, () => {
  /** A fault, for each library; it is over when it returns. */
  function underLoad(name: string, long: boolean, fault: (given: Given) => Promise<void>): void {
    for (const [library, connect] of Object.entries(libraries)) {
      const skip = long && !everything && "npm run test:long runs it";
      test(`${name} (${library})`, { skip }, async (t) => {
        // With "everysec", a slow disk puts writes off for up to two seconds after they were acknowledged.
        const server = await RedisServer.start(["--appendonly", "yes", "--appendfsync", "always"]);
        const proxy = await TcpProxy.start(server.port);
        t.after(async () => proxy.close());
        const client = await connect(`redis://127.0.0.1:${proxy.port}`);
        const store = redisStore({ client, onWarning: () => {} });
        const audit = new StoreAudit(inTime(store, deadline), audited);
        await wait(300);
        await fault({ server, proxy });
        judge(t, await audit.finish(performance.now()));
        assert.equal(await immortals(server), "0", "every key has an end");
        await store.close();
        await server.kill();
      });
    }
  }

  function judge(t: TestContext, report: AuditReport): void {
    t.diagnostic(JSON.stringify(report));
    assert.ok(report.acknowledged > 100, "there was load");
    assert.ok(report.p99 <= longest, `p99 is ${report.p99} ms`);
    assert.ok(report.recovery <= 5000, `recovery took ${report.recovery} ms`);
  }

  underLoad("it stands still for three seconds (SIGSTOP)", true, async ({ server }) => {
    server.signal("SIGSTOP");
    await wait(3000);
    server.signal("SIGCONT");
  });

  underLoad("it stands still for a second, five times", true, async ({ server }) => {
    for (let times = 0; times < 5; times++) {
      server.signal("SIGSTOP");
      await wait(1000);
      server.signal("SIGCONT");
      await wait(300);
    }
  });

  underLoad("it is killed (SIGKILL), and started again", false, async ({ server }) => {
    await server.kill();
    await wait(500);
    await server.run();
  });

  underLoad("it is killed ten times", true, async ({ server }) => {
    for (let times = 0; times < 10; times++) {
      await server.kill();
      await server.run();
      await wait(500);
    }
  });

  for (const direction of ["toServer", "toClient"] as const) {
    underLoad(
      `nothing arrives ${direction} for four seconds`,
      direction === "toServer",
      async ({ proxy }) => {
        proxy.cut(direction);
        await wait(4000);
        proxy.mend();
      },
    );
  }

  underLoad("nothing arrives either way for eight seconds", true, async ({ proxy }) => {
    proxy.cut("toServer", "toClient");
    await wait(8000);
    proxy.mend();
  });

  underLoad("its connections break thirty times", false, async ({ proxy }) => {
    for (let times = 0; times < 30; times++) {
      proxy.reset();
      await wait(30);
    }
  });

  underLoad("it has no memory left for a second", true, async ({ server }) => {
    await server.ask("CONFIG", "SET", "maxmemory", "1");
    await wait(1000);
    await server.ask("CONFIG", "SET", "maxmemory", "0");
  });

  underLoad("it is a replica for a second (READONLY)", true, async ({ server }) => {
    await server.ask("REPLICAOF", "127.0.0.1", "1");
    await wait(1000);
    await server.ask("REPLICAOF", "NO", "ONE");
  });

  underLoad("it forgets its scripts a hundred times", true, async ({ server }) => {
    for (let times = 0; times < 100; times++) {
      await server.ask("SCRIPT", "FLUSH");
      await wait(5);
    }
  });

  underLoad("a script keeps it busy", true, async ({ server }) => {
    await server.ask("EVAL", "for n = 1, 2e8 do end", "0");
  });

  underLoad("it takes no clients for two seconds (maxclients)", true, async ({ server, proxy }) => {
    // The one client that there may be, so that the load has none.
    const only = await nodeClient(server.url);
    await only.configSet("maxclients", "1");
    proxy.reset();
    await wait(2000);
    await only.configSet("maxclients", "1000");
  });
});

/** How many keys have no end. */
async function immortals(server: RedisServer): Promise<string> {
  const count = `local n = 0 for _, key in ipairs(redis.call('KEYS', '*')) do
    if redis.call('PTTL', key) < 0 then n = n + 1 end end return n`;
  return server.ask("EVAL", count, "0");
}
