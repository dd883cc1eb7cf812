import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { inspect } from "node:util";
import { ConfigError, StoreError } from "coatcheck";
import type { SessionRecord } from "coatcheck/store";
import { postgresStore } from "coatcheck/postgres";
import type { PostgresStoreOptions } from "coatcheck/postgres";
import { storeContract } from "coatcheck/testing";
import { Client, Pool } from "pg";
import postgres from "postgres";
import { recordOf } from "../support/record.ts";
import { ask, clients, databaseUrl, pgPool, postgresJs, schema, withoutPostgres } from "./postgres-server.ts";

const now = Date.UTC(2026, 5, 1);
let numbers = 0;

/** A table that only one test uses. */
function newTable(): string {
  return `t${++numbers}`;
}

function recordWith(columns: Partial<SessionRecord> = {}): SessionRecord {
  return recordOf({
    id: `record-${++numbers}`.padEnd(22, "_"),
    verifier: new Uint8Array(32).fill(1),
    ticketAt: now,
    createdAt: now,
    lastSeenAt: now,
    absoluteDeadline: now + 86_400_000,
    ...columns,
  });
}

describe("the options of postgresStore", () => {
  const pool = new Pool({ connectionString: databaseUrl });
  const refused = (options: unknown, message: RegExp): void => {
    assert.throws(
      () => postgresStore(options as PostgresStoreOptions),
      (error) =>
        error instanceof ConfigError && error.code === "CONFIG_INVALID" && message.test(error.message),
    );
  };

  test("what is no client is refused, with the way out", () => {
    for (const client of [undefined, null, {}, () => {}, { query() {} }, { raw() {}, transaction() {} }]) {
      refused({ client }, /new pg\.Pool\(\{ connectionString \}\) of "pg", or postgres\(url\)/);
    }
    refused({ client: databaseUrl }, /is an address; make a client of it/);
    refused({ client: new URL(databaseUrl) }, /is an address; make a client of it/);
    refused({ client: Object.assign(() => {}, { unsafe() {} }) }, /pass what postgres\(url\) made/);
  });

  test("a client of postgres.js that asks for types is refused, since that may end the process", () => {
    refused({ client: postgres(databaseUrl) }, /fetch_types: false/);
    postgresStore({ client: postgres(databaseUrl, { fetch_types: false }) });
  });

  test("a name that is no plain word is refused, as schema and as table", () => {
    const names = [
      'a"; DROP TABLE x; --',
      "a.b",
      "a b",
      "1a",
      "",
      "é",
      "a*",
      "{a}",
      "a'",
      "a\0",
      "$a",
      7,
      null,
      [],
    ];
    for (const name of names) {
      refused({ client: pool, table: name }, /^table must be a name/);
      refused({ client: pool, schema: name }, /^schema must be a name/);
    }
    refused({ client: pool, table: "t".repeat(49) }, /at most 48/);
    refused({ client: pool, schema: "s".repeat(64) }, /at most 63/);
  });

  test("durability and timeout are checked", () => {
    refused({ client: pool, durability: "some" }, /"normal" or "full"/);
    refused({ client: pool, timeout: 100 }, /timeout/);
  });

  test("a user's own error listener is left alone, and one of ours of each kind is enough for many stores", () => {
    const own = new Pool({ connectionString: databaseUrl });
    const heard: Error[] = [];
    own.on("error", (error) => heard.push(error));
    for (let stores = 0; stores < 20; stores++) postgresStore({ client: own });
    assert.equal(own.listenerCount("error"), 2);
    assert.equal(own.listenerCount("connect"), 1);
    (own as unknown as NodeJS.EventEmitter).emit("error", new Error("idle"));
    assert.equal(heard.length, 1);
  });
});

test("a connection that ends as soon as it is there is an outage, and not the end of the process", async () => {
  const message = (kind: string, body: Buffer): Buffer => {
    const head = Buffer.alloc(5);
    head.write(kind);
    head.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  // "You are in", "ask me", and "I am going", in one piece.
  const hello = Buffer.concat([
    message("R", Buffer.alloc(4)),
    message("Z", Buffer.from("I")),
    message("E", Buffer.from("SFATAL\0VFATAL\0C57P01\0Mgoing\0\0")),
  ]);
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(hello));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const pool = new Pool({ host: "127.0.0.1", port, user: "x", database: "x", ssl: false });
  const store = postgresStore({ client: pool });
  await assert.rejects(async () => store.read("x", now), { code: "STORE_UNAVAILABLE", transient: true });
  await pool.end();
  server.close();
});

describe("the postgres store", { skip: withoutPostgres }, () => {
  test("quotes its names: longest ones, capitals, SQL's own words", async () => {
    for (const table of ["t".repeat(48), "Select", "TABLE", "_"]) {
      const store = postgresStore({ client: clients().pool, schema, table });
      const record = recordWith();
      assert.equal(await store.create(record), true);
      assert.equal((await store.patch(record.id, { epoch: 0 }, now)).kind, "applied");
      assert.equal((await store.read(record.id, now))?.revision, 2);
      await ask(`SELECT count(*) FROM ${schema}."${table}"`);
    }
    const made = `${schema}_made`;
    try {
      await postgresStore({ client: clients().pool, schema: made }).migrate();
      assert.equal(await postgresStore({ client: clients().pool, schema: made }).read("x", now), null);
    } finally {
      await ask(`DROP SCHEMA ${made} CASCADE`);
    }
  });

  test("does not take over a table that it did not make", async () => {
    const table = newTable();
    await ask(`CREATE TABLE ${schema}.${table} (id text)`);
    await assert.rejects(
      async () => postgresStore({ client: clients().pool, schema, table }).migrate(),
      ConfigError,
    );
  });

  test("makes its table again when somebody dropped it", async () => {
    const store = postgresStore({ client: clients().pool, schema, table: "dropped" });
    await store.create(recordWith());
    await ask(`DROP TABLE ${schema}.dropped`);
    await assert.rejects(async () => store.read("x", now), { code: "STORE_FAILED" });
    assert.equal(await store.create(recordWith()), true);
  });

  test("works beside a newer version of its schema", async () => {
    const table = newTable();
    await postgresStore({ client: clients().pool, schema, table }).migrate();
    await ask(`COMMENT ON TABLE ${schema}.${table} IS 'coatcheck sessions, version 9'`);
    const store = postgresStore({ client: clients().pool, schema, table });
    assert.equal(await store.create(recordWith()), true);
  });

  test("brings an older version of its schema up to date, and keeps the sessions", async () => {
    const table = newTable();
    const record = recordWith({ fields: new Map([["d:a", Uint8Array.of(1)]]) });
    await postgresStore({ client: clients().pool, schema, table }).create(record);
    // As version 2 left it: its function knew nothing of limits.
    await ask(`COMMENT ON TABLE ${schema}.${table} IS 'coatcheck sessions, version 2'`);
    await ask(`CREATE OR REPLACE FUNCTION ${schema}.${table}_patch_2(patience integer, latest bigint, durable integer,
      patches text) RETURNS text LANGUAGE sql AS $$ SELECT '{}' $$`);
    const store = postgresStore({ client: clients().pool, schema, table });
    const set = new Map([["d:b", Uint8Array.of(2)]]);
    const patch = { epoch: 0, set, limits: { prefix: "d:", bytes: 7, fields: 9 } };
    assert.deepEqual(await store.patch(record.id, patch, now), { kind: "full", limit: "bytes" });
    const wider = { ...patch, limits: { ...patch.limits, bytes: 8 } };
    assert.equal((await store.patch(record.id, wider, now)).kind, "applied");
    assert.equal((await store.read(record.id, now))?.fields.size, 2);
  });

  test("needs no right to make anything where the table is there already", async () => {
    const table = newTable();
    await postgresStore({ client: clients().pool, schema, table }).migrate();
    const role = `${schema}_app`;
    await ask(`CREATE ROLE ${role}; GRANT USAGE ON SCHEMA ${schema} TO ${role};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ${schema}.${table} TO ${role}`);
    const pool = pgPool({ options: `-c role=${role}` });
    try {
      const store = postgresStore({ client: pool, schema, table });
      const record = recordWith({ idleTimeout: 1 });
      assert.equal(await store.create(record), true);
      assert.equal((await store.patch(record.id, { epoch: 0 }, now)).kind, "applied");
      assert.equal(await store.sweep(now + 5, 10), 1);
      await assert.rejects(
        async () => postgresStore({ client: pool, schema, table: newTable() }).migrate(),
        (error) =>
          error instanceof StoreError && error.code === "STORE_FAILED" && /lacks a right/.test(error.message),
      );
    } finally {
      await ask(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });

  test("is not moved by time zones, search paths and how the session writes values", async (t) => {
    const settings = [
      `-c TimeZone=America/New_York -c DateStyle=German -c search_path=${schema}_trap,pg_catalog`,
      "-c TimeZone=Asia/Kolkata -c bytea_output=escape -c search_path=",
      "-c TimeZone=Pacific/Kiritimati -c default_transaction_isolation=serializable",
    ];
    // Found before PostgreSQL's own, were it for the search path.
    await ask(`CREATE SCHEMA ${schema}_trap; CREATE FUNCTION ${schema}_trap.encode(bytea, text) RETURNS text
      LANGUAGE sql AS $$ SELECT 'trapped' $$`);
    t.after(async () => ask(`DROP SCHEMA ${schema}_trap CASCADE`));
    const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
    const record = recordWith({ verifier: bytes.subarray(224), fields: new Map([["d:a", bytes]]) });
    const table = newTable();
    const stores = settings.map((options) =>
      postgresStore({ client: pgPool({ options, max: 2 }), schema, table }),
    );
    await stores[0]?.create(record);
    for (const store of stores) {
      const found = await store.read(record.id, now + 3_599_999);
      assert.deepEqual([...(found?.verifier ?? [])], [...bytes.subarray(224)]);
      assert.deepEqual([...(found?.fields.get("d:a") ?? [])], [...bytes]);
      assert.equal(await store.read(record.id, now + 3_600_000), null);
      assert.equal((await store.patch(record.id, { epoch: 0 }, now + 3_600_000)).kind, "gone");
    }
  });

  for (const isolation of ["repeatable read", "serializable"]) {
    test(`keeps its contract where transactions are ${isolation} by default`, async () => {
      const table = newTable();
      const client = pgPool({ options: `-c default_transaction_isolation=${isolation.replace(" ", "\\ ")}` });
      for (const clause of storeContract) await clause.check(() => postgresStore({ client, schema, table }));
    });
  }

  test("keeps its contract on the one connection of a Client, and without prepared statements", async () => {
    const client = new Client({ connectionString: databaseUrl });
    await client.connect();
    const [one, other] = [newTable(), newTable()];
    const sql = postgresJs({ prepare: false, transform: { undefined: null } });
    for (const clause of storeContract) {
      await clause.check(() => postgresStore({ client, schema, table: one }));
      await clause.check(() => postgresStore({ client: sql, schema, table: other }));
    }
    await client.end();
  });

  test("lets sixteen processes make the table at once", { timeout: 60_000 }, async () => {
    const own = `${schema}_many`;
    try {
      const children = Array.from({ length: 16 }, () => start("migrate", own));
      await Promise.all(children.map(async ({ heard }) => heard));
      for (const { child } of children) child.stdin.write("go\n");
      const codes = await Promise.all(children.map(async ({ ended }) => ended));
      assert.deepEqual(new Set(codes), new Set([0]));
      assert.equal((await ask(`SELECT FROM pg_tables WHERE schemaname = '${own}'`)).length, 1);
    } finally {
      await ask(`DROP SCHEMA IF EXISTS ${own} CASCADE`);
    }
  });

  test("keeps the process alive when idle connections are ended; a bare pool does not", async () => {
    for (const [what, code] of [
      ["idle", 0],
      ["idle-client", 0],
      ["bare", 1],
    ] as const) {
      const { child, heard, ended } = start(what, schema);
      await heard;
      await ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", [
        schema,
      ]);
      await wait(100);
      child.stdin.write("go\n");
      assert.equal(await ended, code, what);
    }
  });

  test("loses no connection of postgres.js by giving up on a call that waits for it to open", async () => {
    const name = `${schema}_slow`;
    const sql = postgresJs({ max: 1, backoff: () => 1, connection: { application_name: name } });
    const store = postgresStore({ client: sql, schema });
    const record = recordWith();
    await store.create(record);
    await ask("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = $1", [
      name,
    ]);
    await assert.rejects(async () => store.patch(record.id, { epoch: 0 }, now, 200), { code: "STORE_BUSY" });
    // What was given up comes too late for the server, too.
    assert.equal((await store.read(record.id, now))?.revision, 1);
  });

  test("lets many sweepers share the work: each expired record is counted once, none that lives", async () => {
    const table = newTable();
    const store = postgresStore({ client: pgPool({ max: 8 }), schema, table });
    const live = recordWith();
    await store.create(live);
    await ask(`INSERT INTO ${schema}.${table} (id, epoch, revision, verifier, ticket_at, created_at, last_seen_at, idle_timeout,
      absolute_deadline, permanent, fields) SELECT 'dead-' || n, 0, 1, '\\x00', 0, 0, 0, 1, 1, false, '{}' FROM generate_series(1, 20000) AS n`);
    const counts = await Promise.all(
      Array.from({ length: 8 }, async () => {
        let deleted = 0;
        for (let batch = -1; batch !== 0; deleted += batch) batch = await store.sweep(now, 500);
        return deleted;
      }),
    );
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      20_000,
    );
    assert.notEqual(await store.read(live.id, now), null);
    const plan = await ask(
      `EXPLAIN SELECT id FROM ${schema}.${table} WHERE expires_at <= 5 ORDER BY expires_at LIMIT 500`,
    );
    assert.match(JSON.stringify(plan), /_expiry/);
  });

  test("says once that sessions may be lost, where a table is UNLOGGED or commits do not wait", async () => {
    const warnings: { code?: string; message: string }[] = [];
    const listen = (warning: Error & { code?: string }): number => warnings.push(warning);
    process.on("warning", listen);
    try {
      const table = newTable();
      await postgresStore({ client: clients().pool, schema, table }).migrate();
      await ask(`ALTER TABLE ${schema}.${table} SET UNLOGGED`);
      const client = pgPool({ options: "-c synchronous_commit=off" });
      const store = postgresStore({ client, schema, table });
      await store.migrate();
      await store.migrate();
      await postgresStore({ client, schema, table, durability: "full" }).migrate();
      await wait(10);
      assert.deepEqual(
        warnings.map(({ code }) => code).filter((code) => code?.startsWith("COATCHECK_POSTGRES")),
        ["COATCHECK_POSTGRES_UNLOGGED", "COATCHECK_POSTGRES_COMMIT_OFF", "COATCHECK_POSTGRES_UNLOGGED"],
      );
    } finally {
      process.off("warning", listen);
    }
  });

  test("waits for the disk with durability full, in the same statement", async () => {
    const client = new Client({ connectionString: databaseUrl, options: "-c synchronous_commit=off" });
    await client.connect();
    const settings: Record<string, unknown> = {};
    for (const durability of ["normal", "full"] as const) {
      const store = postgresStore({ client, schema, durability });
      await store.migrate();
      await client.query("BEGIN");
      await store.create(recordWith());
      settings[durability] = (await client.query<object>("SHOW synchronous_commit")).rows[0];
      await client.query("COMMIT");
      assert.deepEqual((await client.query("SHOW synchronous_commit")).rows, [{ synchronous_commit: "off" }]);
    }
    await client.end();
    assert.deepEqual(settings, { normal: { synchronous_commit: "off" }, full: { synchronous_commit: "on" } });
  });

  test("shows no value of a statement in its errors, debug option or not", async () => {
    const canary = "canary-6f1c";
    for (const client of [clients().pool, postgresJs({ debug: true })]) {
      const table = newTable();
      const store = postgresStore({ client, schema, table });
      const record = recordWith();
      await store.create(record);
      const fields = new Map([[`${canary}\0`, Buffer.from(canary)]]);
      const failing = [
        async () => store.create(recordWith({ fields, subject: canary })),
        async () => store.patch(record.id, { epoch: 0, set: fields, columns: { subject: canary } }, now),
        async () =>
          store.patch(record.id, { epoch: 0, columns: { lastSeenAt: canary as unknown as number } }, now),
        async () => store.list(`${canary}\0`, now),
      ];
      for (const call of failing) {
        await assert.rejects(call, (error) => {
          assert.ok(error instanceof StoreError);
          const shown =
            inspect(error, { depth: 9, showHidden: true }) + String(error.stack) + JSON.stringify(error);
          assert.ok(!shown.includes(canary), shown);
          return error.code === "STORE_FAILED";
        });
      }
      assert.equal((await store.read(record.id, now))?.revision, 1);
    }
  });

  test("tells a damaged record from one that is not there", async () => {
    const table = newTable();
    const store = postgresStore({ client: clients().pool, schema, table });
    const [record, other] = [recordWith({ subject: "ana" }), recordWith({ subject: "ana" })];
    await store.create(record);
    await store.create(other);
    await ask(`UPDATE ${schema}.${table} SET verifier = '\\x00' WHERE id = $1`, [record.id]);
    await assert.rejects(async () => store.read(record.id, now), { code: "RECORD_UNREADABLE" });
    assert.deepEqual(
      (await store.list("ana", now)).map(({ id }) => id),
      [other.id],
    );
  });

  test("does not sit on the pool: calls that wait too long give up, and what they asked for is not done", async () => {
    const pool = pgPool({ max: 1 });
    const store = postgresStore({ client: pool, schema, timeout: { milliseconds: 300 } });
    const record = recordWith();
    await store.create(record);
    const busy = await pool.connect();
    const calls = Array.from({ length: 5 }, async () => store.patch(record.id, { epoch: 0 }, now));
    for (const call of await Promise.allSettled(calls)) {
      assert.equal(
        call.status === "rejected" && call.reason instanceof StoreError && call.reason.code,
        "STORE_BUSY",
      );
    }
    busy.release();
    await wait(50);
    assert.equal((await store.read(record.id, now))?.revision, 1);
    assert.equal(pool.waitingCount, 0);
  });
});

/** A process of its own, that says a line when it has begun. */
function start(what: string, own: string) {
  const file = join(import.meta.dirname, "postgres-process.ts");
  const child = spawn(
    process.execPath,
    [
      ...process.execArgv.filter((arg) => arg.startsWith("--conditions")),
      "--unhandled-rejections=strict",
      file,
      what,
      databaseUrl,
      own,
    ],
    { stdio: ["pipe", "pipe", "ignore"] },
  );
  const ended = once(child, "exit").then(([code]: unknown[]) => code);
  return { child, heard: Promise.race([once(child.stdout, "data"), ended]), ended };
}
