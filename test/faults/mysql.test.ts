import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { StoreError } from "coatcheck";
import type { Store } from "coatcheck";
import { mysqlStore } from "coatcheck/mysql";
import type { Patch, SessionRecord } from "coatcheck/store";
import type { Connection } from "mysql2/promise";
import { libraries } from "../stores/mysql-server.ts";
import { newId, recordOf } from "../support/records.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { MariadbServer, smallDisk, withoutMariadbServer, withoutSmallDisk } from "./mariadb-server.ts";
import { StoreAudit } from "./store-audit.ts";
import type { AuditReport } from "./store-audit.ts";

/** How long a call of the store takes at most here, as by default; what may still be carried out is counted that long. */
const timeout = 1800;
const audited = timeout + 200;
/** The core's deadline is 2 s, and p99 may pass it by a tenth. */
const longest = 2200;

const everything = Boolean(process.env["TEST_LONG"]);

/** How a user would make the pools, as docs/stores-mysql.md shows. */
const clients = {
  mysql2: (url: string) => libraries.mysql2({ connectionLimit: 10, connectTimeout: 1500 }, url),
  mariadb: (url: string) =>
    libraries.mariadb({ connectionLimit: 10, connectTimeout: 1500, acquireTimeout: 1500 }, url),
} as const;

type Kind = keyof typeof clients;

const kinds = Object.keys(clients) as Kind[];

describe("a MariaDB that fails", { skip: withoutMariadbServer }, () => {
  let server: MariadbServer;
  before(async () => {
    server = await MariadbServer.start(["--max-connections=100"]);
  });
  after(async () => server?.remove());

  /** A store on the server, or on the way to it. */
  async function storeOn(
    t: TestContext,
    kind: Kind,
    { url = server.url, table = "coatcheck_session" }: { url?: string; table?: string } = {},
  ): Promise<Store> {
    const { client, end } = clients[kind](url);
    t.after(end);
    const store = mysqlStore({ client, table });
    await store.migrate();
    return store;
  }

  /** Every connection that the server has left for the app. */
  async function hoard(): Promise<Connection[]> {
    const hoarded: Connection[] = [];
    for (;;) {
      try {
        hoarded.push(await server.connect("app", "app"));
      } catch {
        return hoarded;
      }
    }
  }

  async function letGo(hoarded: readonly Connection[]): Promise<void> {
    await Promise.all(hoarded.map(async (connection) => connection.end()));
  }

  function through(proxy: TcpProxy): string {
    return server.url.replace(`:${server.port}/`, `:${proxy.port}/`);
  }

  function judge(t: TestContext, report: AuditReport): void {
    t.diagnostic(JSON.stringify(report));
    assert.ok(report.acknowledged > 100, "there was load");
    assert.ok(report.p99 <= longest, `p99 is ${report.p99} ms`);
    assert.ok(report.recovery <= 5000, `recovery took ${report.recovery} ms`);
    // What is known about each fault has a code of its own.
    assert.equal(report.errors["STORE_FAILED"], undefined);
  }

  /** A fault under load, for each client; what it does is over when it returns. `soon`: for which it runs in `npm test`. */
  function underLoad(
    name: string,
    soon: readonly Kind[],
    fault: (proxy: TcpProxy) => Promise<void>,
    // Whether who does not go through the proxy sees nothing of it.
    { spared = false } = {},
  ): void {
    for (const kind of kinds) {
      if (!everything && !soon.includes(kind)) continue;
      test(`${name} (${kind})`, async (t) => {
        const proxy = await TcpProxy.start(server.port);
        t.after(async () => proxy.close());
        const store = await storeOn(t, kind, { url: through(proxy) });
        const audit = new StoreAudit(store, audited, spared ? await storeOn(t, "mysql2") : undefined);
        await wait(300);
        let report: AuditReport;
        try {
          await fault(proxy);
        } finally {
          report = await audit.finish(performance.now());
        }
        judge(t, report);
      });
    }
  }

  underLoad("all its connections are killed, ten times", kinds, async () => {
    for (let turn = 0; turn < 10; turn++) {
      await server.ask("KILL USER app");
      await wait(50);
    }
  });

  underLoad("it is stopped, and started again", [], async () => {
    for (let turn = 0; turn < 3; turn++) {
      await server.stop("SIGTERM");
      await wait(500);
      await server.resume();
      await wait(300);
    }
  });

  underLoad("it is killed (SIGKILL), and started again", kinds, async () => {
    await server.stop("SIGKILL");
    await wait(200);
    await server.resume();
  });

  underLoad("it stands still for three seconds", ["mariadb"], async () => {
    server.signal("SIGSTOP");
    await wait(3000);
    server.signal("SIGCONT");
  });

  for (const direction of ["toServer", "toClient"] as const) {
    underLoad(
      `nothing arrives ${direction} for three seconds`,
      direction === "toServer" ? [] : ["mysql2"],
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
    // Nothing is there, until no place is left.
    proxy.target = 1;
    proxy.reset();
    const hoarded = await hoard();
    proxy.target = server.port;
    await wait(3000);
    await letGo(hoarded);
  });

  underLoad("another session keeps the table for itself for four seconds", ["mysql2"], async () => {
    const other = await server.connect("app", "app");
    try {
      await other.query("LOCK TABLES coatcheck_session WRITE");
      await wait(4000);
      const [waiting] = await server.ask(
        "SELECT count(*) AS n FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for table%'",
      );
      assert.ok(Number(waiting?.["n"]) <= 10, `${String(waiting?.["n"])} wait, of a pool of 10`);
    } finally {
      await other.end();
    }
  });

  describe("what comes too late", { concurrency: true }, () => {
    for (const kind of kinds) {
      for (const [what, lock] of [
        ["the record", (table: string) => `SELECT id FROM ${table} FOR UPDATE`],
        ["the table", (table: string) => `LOCK TABLES ${table} WRITE`],
      ] as const) {
        test(`while another session keeps ${what}, a patch fails in time and is never applied (${kind})`, async (t) => {
          const table = `locked_${randomBytes(6).toString("hex")}`;
          const store = await storeOn(t, kind, { table });
          const record = recordNow();
          await store.create(record);
          const other = await server.connect("app", "app");
          t.after(async () => other.end());
          await other.beginTransaction();
          await other.query(lock(table));
          const started = performance.now();
          const error = await failureOf(store.patch(record.id, setting("late"), Date.now()));
          const took = performance.now() - started;
          await other.query("COMMIT");
          await other.query("UNLOCK TABLES");
          assert.equal(error.code, "STORE_TIMEOUT");
          assert.equal(error.transient, true);
          assert.ok(took < timeout + 100, `${took} ms`);
          await wait(300);
          assert.equal((await store.read(record.id, Date.now()))?.fields.size, 0);
        });
      }

      test(`what waits on the way past its deadline is not carried out when it arrives (${kind})`, async (t) => {
        const proxy = await TcpProxy.start(server.port);
        t.after(async () => proxy.close());
        const store = await storeOn(t, kind, { url: through(proxy) });
        const direct = await storeOn(t, "mysql2");
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
        const proxy = await TcpProxy.start(server.port);
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
      const table = `small_${randomBytes(4).toString("hex")}`;
      const store = await storeOn(t, kind, { table });
      const [made] = await server.ask(`SHOW CREATE TABLE app.${table}`);
      await server.ask(`DROP TABLE app.${table}`);
      const elsewhere = String(made?.["Create Table"]).replace(table, `app\`.\`${table}`);
      await server.ask(`${elsewhere} DATA DIRECTORY='${disk.folder}'`);
      const set = new Map([["d:a", randomBytes(500_000)]]);
      const stored: string[] = [];
      let error: StoreError | undefined;
      while (error === undefined && stored.length < 100) {
        const record = recordNow();
        try {
          await store.create(record);
          await store.patch(record.id, { epoch: 0, set }, Date.now());
          stored.push(record.id);
        } catch (thrown) {
          assert.ok(thrown instanceof StoreError);
          error = thrown;
        }
      }
      assert.deepEqual([error?.code, error?.transient], ["STORE_FULL", true]);
      for (const id of stored) {
        assert.equal((await store.read(id, Date.now()))?.fields.get("d:a")?.length, 500_000);
      }
      const [id = ""] = stored;
      disk.grow();
      assert.equal((await store.patch(id, { epoch: 0, set }, Date.now())).kind, "applied");
      const more = recordNow();
      await store.create(more);
      assert.equal((await store.patch(more.id, { epoch: 0, set }, Date.now())).kind, "applied");
      await server.ask(`DROP TABLE app.${table}`);
    });

    test(`a server that takes no writes says so, and is found writable again (${kind})`, async (t) => {
      const store = await storeOn(t, kind);
      const record = recordNow();
      await store.create(record);
      await server.ask("SET GLOBAL read_only = ON");
      try {
        const calls = [store.patch(record.id, setting("a"), Date.now()), store.create(recordNow())];
        for (const { code, transient } of await Promise.all(calls.map(failureOf))) {
          assert.deepEqual([code, transient], ["STORE_READ_ONLY", true]);
        }
        assert.notEqual(await store.read(record.id, Date.now()), null);
      } finally {
        await server.ask("SET GLOBAL read_only = OFF");
      }
      assert.equal((await store.patch(record.id, setting("a"), Date.now())).kind, "applied");
    });

    test(`a server that is not there, or has no place left, is an outage that passes (${kind})`, async (t) => {
      const store = await storeOn(t, kind);
      const refused = await failureWith(t, kind, "mysql://app@127.0.0.1:1/app");
      assert.deepEqual([refused.code, refused.transient], ["STORE_UNAVAILABLE", true]);
      const strange = await failureWith(t, kind, server.url.replace("app@", "nobody@"));
      assert.deepEqual([strange.code, strange.transient], ["STORE_UNAVAILABLE", false]);
      const hoarded = await hoard();
      const full = await failureWith(t, kind, server.url);
      assert.deepEqual([full.code, full.transient], ["STORE_BUSY", true]);
      await letGo(hoarded);
      assert.equal(await store.read("x", Date.now()), null);
    });
  }
});

function recordNow(): SessionRecord {
  return recordOf({ id: newId(), verifier: randomBytes(32) });
}

function setting(text: string): Patch {
  return { epoch: 0, set: new Map([["d:a", Buffer.from(text)]]) };
}

async function failureWith(t: TestContext, kind: Kind, url: string): Promise<StoreError> {
  const { client, end } = clients[kind](url);
  t.after(end);
  return failureOf(mysqlStore({ client }).read("x", 0));
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
