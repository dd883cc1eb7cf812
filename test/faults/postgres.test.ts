import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { StoreError } from "coatcheck";
import type { Store } from "coatcheck";
import type { Patch, SessionRecord } from "coatcheck/store";
import { postgresStore } from "coatcheck/postgres";
import { Pool } from "pg";
import type { Client } from "pg";
import postgres from "postgres";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { Cluster, smallDisk, withoutCluster, withoutSmallDisk } from "./postgres-cluster.ts";
import { StoreAudit } from "./store-audit.ts";
import type { AuditReport } from "./store-audit.ts";

/** How long a call of the store takes at most here, as by default; what may still be carried out is counted that long. */
const timeout = 1800;
const audited = timeout + 200;
/** The core's deadline is 2 s, and p99 may pass it by a tenth. */
const longest = 2200;

const everything = Boolean(process.env["TEST_LONG"]);

/** How a user would make the clients, as docs/stores-postgres.md shows. */
const clients = {
  pg(url: string) {
    const pool = new Pool({ connectionString: url, max: 10, connectionTimeoutMillis: 1500, keepAlive: true });
    return { client: pool, end: async () => pool.end() };
  },
  "postgres.js"(url: string) {
    const sql = postgres(url, {
      max: 10,
      connect_timeout: 2,
      fetch_types: false,
      backoff: () => 0.25,
      onnotice: () => {},
    });
    return { client: sql, end: async () => sql.end({ timeout: 0 }) };
  },
} as const;

const kinds = Object.keys(clients) as (keyof typeof clients)[];

describe("PostgreSQL that fails", { skip: withoutCluster }, () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await Cluster.start({ max_connections: 40, shared_buffers: "16MB" });
  });
  after(async () => cluster?.remove());

  /** A store on the cluster, or on the way to it. */
  async function storeOn(
    t: TestContext,
    kind: keyof typeof clients,
    { url = cluster.url, table = "coatcheck_session" }: { url?: string; table?: string } = {},
  ): Promise<Store> {
    const { client, end } = clients[kind](url);
    t.after(end);
    const store = postgresStore({ client, table });
    await store.migrate();
    return store;
  }

  /** Every connection that the cluster has left. */
  async function hoard(): Promise<Client[]> {
    const hoarded: Client[] = [];
    for (;;) {
      try {
        hoarded.push(await cluster.connect());
      } catch {
        return hoarded;
      }
    }
  }

  function through(proxy: TcpProxy): string {
    return cluster.url.replace(`:${cluster.port}/`, `:${proxy.port}/`);
  }

  function judge(t: TestContext, report: AuditReport): void {
    t.diagnostic(JSON.stringify(report));
    assert.ok(report.acknowledged > 100, "there was load");
    assert.ok(report.p99 <= longest, `p99 is ${report.p99} ms`);
    assert.ok(report.recovery <= 5000, `recovery took ${report.recovery} ms`);
  }

  /** A fault under load, for each client; what it does is over when it returns. `soon`: for which it runs in `npm test`. */
  function underLoad(
    name: string,
    soon: readonly (keyof typeof clients)[],
    fault: (proxy: TcpProxy) => Promise<void>,
    {
      // Whether who does not go through the proxy sees nothing of it.
      spared = false,
      // An error that this is no reason for.
      never = "",
    } = {},
  ): void {
    for (const kind of kinds) {
      if (!everything && !soon.includes(kind)) continue;
      test(`${name} (${kind})`, async (t) => {
        const proxy = await TcpProxy.start(cluster.port);
        t.after(async () => proxy.close());
        const store = await storeOn(t, kind, { url: through(proxy) });
        const audit = new StoreAudit(store, audited, spared ? await storeOn(t, "pg") : undefined);
        await wait(300);
        await fault(proxy);
        const report = await audit.finish(performance.now());
        judge(t, report);
        assert.equal(report.errors[never], undefined);
      });
    }
  }

  const terminate = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn++) {
      await cluster.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
      );
      await wait(50);
    }
  };
  // Nobody waits for a connection in vain: each that ends is opened again.
  underLoad("all backends are terminated, ten times", kinds, terminate, { never: "STORE_BUSY" });

  underLoad("it is stopped, and started again", [], async () => {
    for (let turn = 0; turn < 3; turn++) {
      await cluster.stop("fast");
      await wait(500);
      await cluster.resume();
      await wait(300);
    }
  });

  underLoad("it is killed (SIGKILL), and started again", ["pg"], async () => {
    cluster.kill();
    await wait(200);
    await cluster.resume();
  });

  underLoad("it crashes ten times", [], async () => {
    for (let turn = 0; turn < 10; turn++) {
      await cluster.stop("immediate");
      await cluster.resume();
      await wait(500);
    }
  });

  underLoad("it stands still for three seconds", [], async () => {
    cluster.signal("SIGSTOP");
    await wait(3000);
    cluster.signal("SIGCONT");
  });

  for (const direction of ["toServer", "toClient"] as const) {
    underLoad(
      `nothing arrives ${direction} for three seconds`,
      direction === "toServer" ? [] : ["pg"],
      async (proxy) => {
        proxy.cut(direction);
        await wait(3000);
        proxy.mend();
      },
      { spared: true },
    );
  }

  underLoad("connections are reset, a hundred times", [], async (proxy) => {
    for (let turn = 0; turn < 100; turn++) {
      proxy.reset();
      await wait(30);
    }
  });

  underLoad("it takes no more connections for three seconds", [], async (proxy) => {
    proxy.cut("toServer", "toClient");
    proxy.reset();
    const hoarded = await hoard();
    proxy.mend();
    await wait(3000);
    await Promise.all(hoarded.map(async (client) => client.end()));
  });

  underLoad("another session keeps the table for itself for four seconds", [], async () => {
    const other = await cluster.connect();
    await other.query("BEGIN; LOCK TABLE coatcheck_session IN ACCESS EXCLUSIVE MODE");
    await wait(4000);
    const waiting = await other.query<{ n: string }>(
      "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
    );
    assert.ok(Number(waiting.rows[0]?.n) <= 10, `${waiting.rows[0]?.n} backends wait, of a pool of 10`);
    await other.query("COMMIT");
    await other.end();
  });

  describe("what comes too late", { concurrency: true }, () => {
    for (const kind of kinds) {
      for (const [what, lock] of [
        ["the record", (table: string) => `SELECT FROM ${table} FOR UPDATE`],
        ["the table", (table: string) => `LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`],
      ] as const) {
        test(`while another session keeps ${what}, a patch fails in time and is never applied (${kind})`, async (t) => {
          const table = `locked_${randomBytes(6).toString("hex")}`;
          const store = await storeOn(t, kind, { table });
          const record = recordNow();
          await store.create(record);
          const other = await cluster.connect();
          t.after(async () => other.end());
          await other.query(`BEGIN; ${lock(table)}`);
          const started = performance.now();
          const error = await failureOf(store.patch(record.id, setting("late"), Date.now()));
          const took = performance.now() - started;
          await other.query("COMMIT");
          assert.equal(error.code, "STORE_BUSY");
          assert.equal(error.transient, true);
          assert.ok(took < timeout + 100, `${took} ms`);
          await wait(300);
          assert.equal((await store.read(record.id, Date.now()))?.fields.size, 0);
        });
      }

      test(`what waits on the way past its deadline is not carried out when it arrives (${kind})`, async (t) => {
        const proxy = await TcpProxy.start(cluster.port);
        t.after(async () => proxy.close());
        const store = await storeOn(t, kind, { url: through(proxy) });
        const direct = await storeOn(t, "pg");
        const [record, other, born] = [recordNow(), recordNow(), recordNow()];
        await store.create(record);
        // Two connections, so that both calls are sent.
        await Promise.all([store.patch(record.id, setting("before"), Date.now()), store.create(other)]);
        proxy.cut("toServer");
        const calls = [store.patch(record.id, setting("late"), Date.now()), store.create(born)];
        const failures = await Promise.all(calls.map(failureOf));
        assert.deepEqual(
          failures.map(({ code }) => code),
          ["STORE_TIMEOUT", "STORE_TIMEOUT"],
        );
        await wait(400);
        proxy.mend();
        await wait(300);
        const found = await direct.read(record.id, Date.now());
        assert.equal(Buffer.from(found?.fields.get("d:a") ?? []).toString(), "before");
        assert.equal(await direct.read(born.id, Date.now()), null);
      });

      test(`nor is what was given up sooner, because its caller could wait no longer (${kind})`, async (t) => {
        const proxy = await TcpProxy.start(cluster.port);
        t.after(async () => proxy.close());
        const store = await storeOn(t, kind, { url: through(proxy) });
        const record = recordNow();
        await store.create(record);
        proxy.cut("toServer");
        const started = performance.now();
        const { code } = await failureOf(store.patch(record.id, setting("late"), Date.now(), 300));
        const took = performance.now() - started;
        proxy.mend();
        assert.equal(code, "STORE_TIMEOUT");
        assert.ok(took < 400, `${took} ms`);
        await wait(300);
        assert.equal((await store.read(record.id, Date.now()))?.fields.size, 0);
      });
    }
  });

  for (const kind of kinds) {
    test(`a full disk is an error that passes (${kind})`, { skip: withoutSmallDisk }, async (t) => {
      const disk = smallDisk(t);
      const space = `small_${randomBytes(4).toString("hex")}`;
      await cluster.ask(`CREATE TABLESPACE ${space} LOCATION '${disk}'`);
      await cluster.ask(
        `CREATE TABLE ${space} TABLESPACE ${space} AS SELECT repeat('x', 1000) FROM generate_series(1, 3000)`,
      );
      const store = await storeOn(t, kind, { table: `on_${space}` });
      await cluster.ask(`ALTER TABLE on_${space} SET TABLESPACE ${space}`);
      const record = recordNow();
      await store.create(record);
      const large = { epoch: 0, set: new Map([["d:a", randomBytes(60_000)]]) };
      let error: StoreError | undefined;
      for (let turn = 0; error === undefined && turn < 500; turn++) {
        try {
          await store.patch(record.id, large, Date.now());
        } catch (thrown) {
          assert.ok(thrown instanceof StoreError);
          error = thrown;
        }
      }
      assert.deepEqual([error?.code, error?.transient], ["STORE_FULL", true]);
      assert.equal((await store.read(record.id, Date.now()))?.fields.get("d:a")?.length, 60_000);
      await cluster.ask(`DROP TABLE ${space}`);
      assert.equal((await store.patch(record.id, large, Date.now())).kind, "applied");
      await cluster.ask(`DROP TABLE on_${space}`);
      await cluster.ask("CHECKPOINT");
      await cluster.ask(`DROP TABLESPACE ${space}`);
    });

    test(`a server that takes no writes says so, and is found writable again (${kind})`, async (t) => {
      const store = await storeOn(t, kind);
      const record = recordNow();
      await store.create(record);
      await cluster.ask("ALTER SYSTEM SET default_transaction_read_only = on");
      await cluster.ask("SELECT pg_reload_conf()");
      await wait(200);
      try {
        assert.equal(
          (await failureOf(store.patch(record.id, setting("a"), Date.now()))).code,
          "STORE_READ_ONLY",
        );
        assert.equal((await failureOf(store.create(recordNow()))).code, "STORE_READ_ONLY");
        assert.notEqual(await store.read(record.id, Date.now()), null);
      } finally {
        await cluster.ask("ALTER SYSTEM RESET default_transaction_read_only");
        await cluster.ask("SELECT pg_reload_conf()");
      }
      await wait(200);
      assert.equal((await store.patch(record.id, setting("a"), Date.now())).kind, "applied");
    });

    test(`a server that is not there, or has no place left, is an outage that passes (${kind})`, async (t) => {
      const store = await storeOn(t, kind);
      const far = postgresStore({ client: clients[kind]("postgres://postgres@127.0.0.1:1/postgres").client });
      const refused = await failureOf(far.read("x", 0));
      assert.deepEqual([refused.code, refused.transient], ["STORE_UNAVAILABLE", true]);
      const hoarded = await hoard();
      const fresh = clients[kind](cluster.url);
      t.after(fresh.end);
      const full = await failureOf(postgresStore({ client: fresh.client }).read("x", 0));
      assert.deepEqual([full.code, full.transient], ["STORE_BUSY", true]);
      await Promise.all(hoarded.map(async (client) => client.end()));
      assert.equal(await store.read("x", Date.now()), null);
    });
  }
});

function recordNow(): SessionRecord {
  const now = Date.now();
  return {
    id: randomBytes(16).toString("base64url"),
    epoch: 0,
    verifier: randomBytes(32),
    ticketAt: now,
    subject: null,
    createdAt: now,
    authenticatedAt: null,
    lastSeenAt: now,
    idleTimeout: 3_600_000,
    absoluteDeadline: now + 3_600_000,
    permanent: false,
    revision: 1,
    fields: new Map(),
  };
}

function setting(text: string): Patch {
  return { epoch: 0, set: new Map([["d:a", Buffer.from(text)]]) };
}

async function failureOf(call: unknown): Promise<StoreError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof StoreError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "the call did not fail" });
}
