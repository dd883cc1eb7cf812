import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { Store } from "coatcheck";
import { postgresStore } from "coatcheck/postgres";
import { Pool } from "pg";
import postgres from "postgres";
import { until } from "../stores/redis-server.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { FailoverAudit } from "./failover-audit.ts";
import { Cluster, withoutCluster } from "./postgres-cluster.ts";
import { inTime } from "./store-deadline.ts";

const everything = Boolean(process.env["TEST_LONG"]);
const deadline = 2000;
const settings = { max_connections: 40, shared_buffers: "16MB" };

const clients: Readonly<Record<string, (t: TestContext, url: string) => Store>> = {
  pg(t, connectionString) {
    const client = new Pool({ connectionString, max: 16, connectionTimeoutMillis: 1500, keepAlive: true });
    t.after(async () => client.end());
    return postgresStore({ client });
  },
  "postgres.js"(t, url) {
    const quiet = { fetch_types: false, onnotice: () => {} };
    const client = postgres(url, { max: 16, connect_timeout: 2, backoff: () => 0.25, ...quiet });
    t.after(async () => client.end({ timeout: 0 }));
    return postgresStore({ client });
  },
};

const skip = withoutCluster || (!everything && "npm run test:long runs it");

describe("a failover of PostgreSQL under load", { skip }, () => {
  /** A primary and its standby, the wire between them, and the address at which clients find whichever is the primary. */
  async function given(t: TestContext, isSynchronous: boolean) {
    const primary = await Cluster.start(settings);
    t.after(async () => primary.remove());
    const wire = await TcpProxy.start(primary.port);
    t.after(async () => wire.close());
    const standby = await primary.standby(wire.port);
    t.after(async () => standby.remove());
    const address = await TcpProxy.start(primary.port);
    t.after(async () => address.close());
    if (isSynchronous) {
      await primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'");
      await primary.ask("SELECT pg_reload_conf()");
    }
    const state = isSynchronous ? "sync" : "async";
    await until("the standby follows", async () => {
      const [found] = await primary.ask(
        "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'",
      );
      return found?.["sync_state"] === state;
    });
    const url = primary.url.replace(`:${primary.port}/`, `:${address.port}/`);
    return { primary, standby, wire, address, url };
  }

  for (const [client, connect] of Object.entries(clients)) {
    for (const mode of ["asynchronous", "synchronous"] as const) {
      for (const isCut of [false, true]) {
        const what = isCut ? "the primary is cut off from its standby, and lost" : "the primary is lost";
        test(`${what} (${client}, ${mode})`, async (t) => {
          const { primary, standby, wire, address, url } = await given(t, mode === "synchronous");
          const store = connect(t, url);
          const audit = new FailoverAudit(inTime(store, deadline));
          await wait(1000);
          const began = performance.now();
          if (isCut) {
            wire.cut("toClient");
            await wait(1000);
          }
          await primary.stop("immediate");
          await standby.promote();
          address.target = standby.port;
          address.reset();
          const losses = await audit.finish(began, performance.now());
          t.diagnostic(JSON.stringify(losses));
          assert.ok(losses.acknowledged > 100, "there was load");
          assert.ok(losses.p99 <= deadline * 1.1, `p99 ${losses.p99}`);
          assert.ok(losses.recovery <= 5000, `recovery ${losses.recovery}`);
          const undone = losses.resurrected + losses.lost;
          if (mode === "synchronous") assert.equal(undone, 0, "something acknowledged was undone");
          else if (isCut) assert.ok(undone > 0, "the test shows what it is about");
        });
      }
    }
  }
});
