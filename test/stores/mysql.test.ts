import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { inspect } from "node:util";
import { ConfigError, StoreError } from "coatcheck";
import { mysqlStore } from "coatcheck/mysql";
import type { MysqlPool, MysqlStoreOptions } from "coatcheck/mysql";
import type { SessionRecord } from "coatcheck/store";
import { storeContract } from "coatcheck/testing";
import * as mariadb from "mariadb";
import * as mariadbCallbacks from "mariadb/callback";
import * as callbacks from "mysql2";
import * as mysql from "mysql2/promise";
import { recordOf } from "../support/records.ts";
import {
  ask,
  databaseUrl,
  libraryNames,
  mariadbOptions,
  newTable,
  poolOf,
  prefix,
  sharedPool,
  withoutMysql,
} from "./mysql-server.ts";

const now = Date.UTC(2026, 5, 1);
let numbers = 0;

function recordWith(columns: Partial<SessionRecord> = {}): SessionRecord {
  const id = `record-${++numbers}`.padEnd(22, "_");
  const verifier = new Uint8Array(32).fill(1);
  return recordOf({ id, verifier, absoluteDeadline: now + 86_400_000, ...columns }, now);
}

async function keepsContract(client: MysqlStoreOptions["client"]): Promise<void> {
  const table = newTable();
  // A busy machine is no fault of the store's.
  const timeout = { seconds: 30 };
  for (const clause of storeContract) {
    await clause
      .check(() => mysqlStore({ client, table, timeout }))
      .catch((error: unknown) => {
        throw new Error(clause.name, { cause: error });
      });
  }
}

/** A pool of mysql2 on whose connections a statement of the user's runs first. */
function poolThatSets(statement: string): mysql.Pool {
  const pool = poolOf("mysql2");
  pool.on("connection", (connection) => connection.query(statement));
  return pool;
}

/** MariaDB as the store sees MySQL: it says that it is one, and gets the statements that MySQL gets. */
function asMysql(pool: mysql.Pool): MysqlPool {
  const version = [[Buffer.from("version"), Buffer.from("8.0.46")]];
  return {
    pool: pool.pool,
    execute: async () => {
      throw new Error("not used");
    },
    async getConnection() {
      const connection = await pool.getConnection();
      return {
        query: async (query) => {
          if (query.sql.startsWith("SHOW VARIABLES")) return [version, []];
          assert.ok(!query.sql.includes("SET STATEMENT"), query.sql);
          return connection.query(query as unknown as mysql.QueryOptions);
        },
        destroy: () => connection.destroy(),
        release: () => connection.release(),
      };
    },
  };
}

describe("the options of mysqlStore", () => {
  const pool = mysql.createPool(databaseUrl);
  const refused = (options: unknown, message: RegExp): void => {
    assert.throws(
      () => mysqlStore(options as MysqlStoreOptions),
      (error) =>
        error instanceof ConfigError && error.code === "CONFIG_INVALID" && message.test(error.message),
    );
  };

  test("what is no client is refused, with the way out", () => {
    for (const client of [
      undefined,
      null,
      {},
      () => {},
      { query() {} },
      { getConnection() {}, query() {} },
    ]) {
      refused(
        { client },
        /createPool\(url\) from "mysql2\/promise", or createPool\(options\) from "mariadb"/,
      );
    }
    refused({ client: databaseUrl }, /must be a client, not an address/);
    refused({ client: new URL(databaseUrl) }, /must be a client, not an address/);
    refused({ client: Promise.resolve() }, /what the promise of createConnection resolves to/);
  });

  test("a cluster of pools is refused, and the flavor of mariadb with callbacks", () => {
    refused({ client: mysql.createPoolCluster() }, /not a PoolCluster/);
    refused({ client: callbacks.createPoolCluster() }, /not a PoolCluster/);
    refused({ client: mariadb.createPoolCluster() }, /not a PoolCluster/);
    const lazy = { ...mariadbOptions(databaseUrl), minimumIdle: 0, initializationTimeout: 1 };
    const client = mariadbCallbacks.createPool(lazy);
    (client as unknown as NodeJS.EventEmitter).on("error", () => {});
    refused({ client }, /not from "mariadb\/callback"/);
    client.end(() => {});
  });

  test("a name that is no plain word is refused, and an unknown option", () => {
    const names = ["a`; DROP TABLE x; --", "a.b", "a b", "1a", "", "é", "a*", "a'", "a\0", "$a", 7, null, []];
    for (const name of names) refused({ client: pool, table: name }, /^table must be a name/);
    refused({ client: pool, table: "t".repeat(65) }, /at most 64/);
    refused({ client: pool, schema: "a" }, /no option "schema"/);
    refused({ client: pool, timeout: 100 }, /timeout/);
  });

  test("a user's own error listener is left alone, and one of ours is enough for many stores", () => {
    const own = mysql.createPool(databaseUrl);
    for (let stores = 0; stores < 20; stores++) mysqlStore({ client: own });
    const emitter = own.pool as unknown as NodeJS.EventEmitter;
    assert.equal(emitter.listenerCount("error"), 1);
    assert.equal(emitter.listenerCount("connection"), 1);
  });
});

describe("the mysql store", { skip: withoutMysql }, () => {
  test("quotes its names: longest ones, capitals, SQL's own words", async () => {
    for (const table of [prefix.padEnd(64, "t"), "Select", "TABLE", "_"]) {
      const store = mysqlStore({ client: sharedPool("mysql2"), table });
      try {
        const record = recordWith();
        assert.equal(await store.create(record), true);
        assert.equal((await store.patch(record.id, { epoch: 0 }, now)).kind, "applied");
        assert.equal((await store.read(record.id, now))?.revision, 2);
      } finally {
        await ask(`DROP TABLE \`${table}\``);
      }
    }
  });

  test("does not take over a table that it did not make, or that would lose writes", async () => {
    const client = sharedPool("mysql2");
    const [foreign, fragile] = [newTable(), newTable()];
    await ask(`CREATE TABLE ${foreign} (id text)`);
    await assert.rejects(async () => mysqlStore({ client, table: foreign }).migrate(), ConfigError);
    await mysqlStore({ client, table: fragile }).migrate();
    await ask(`ALTER TABLE ${fragile} ENGINE=MyISAM`);
    await assert.rejects(async () => mysqlStore({ client, table: fragile }).migrate(), /InnoDB/);
  });

  test("makes its table again when somebody dropped it", async () => {
    const table = newTable();
    const store = mysqlStore({ client: sharedPool("mysql2"), table });
    await store.create(recordWith());
    await ask(`DROP TABLE ${table}`);
    await assert.rejects(async () => store.read("x", now), { code: "STORE_FAILED" });
    assert.equal(await store.create(recordWith()), true);
  });

  test("works beside a newer version of its schema", async () => {
    const table = newTable();
    await mysqlStore({ client: sharedPool("mysql2"), table }).migrate();
    await ask(`ALTER TABLE ${table} COMMENT = 'coatcheck sessions, version 9'`);
    assert.equal(await mysqlStore({ client: sharedPool("mysql2"), table }).create(recordWith()), true);
  });

  test("needs no right to make anything where the table is there already", async (t) => {
    const table = newTable();
    await mysqlStore({ client: sharedPool("mysql2"), table }).migrate();
    const user = `coat_${randomBytes(6).toString("hex")}`;
    await ask(`CREATE USER ${user}@'%'`);
    t.after(async () => ask(`DROP USER ${user}@'%'`));
    await ask(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${table} TO ${user}@'%'`);
    const client = poolOf("mysql2", { user, password: "" });
    const store = mysqlStore({ client, table });
    const record = recordWith({ idleTimeout: 1 });
    assert.equal(await store.create(record), true);
    assert.equal((await store.patch(record.id, { epoch: 0 }, now)).kind, "applied");
    assert.equal(await store.sweep(now + 5, 10), 1);
    await assert.rejects(async () => mysqlStore({ client, table: newTable() }).migrate(), {
      code: "STORE_FAILED",
      message: /lacks a privilege/,
    });
  });

  test("asks for a database, and for autocommit", async () => {
    const { host, port, user } = mariadbOptions(databaseUrl);
    const nowhere = await mysql.createConnection({ host, port, user } as mysql.ConnectionOptions);
    await assert.rejects(async () => mysqlStore({ client: nowhere }).read("x", now), /must name a database/);
    await nowhere.end();
    const client = poolThatSets("SET autocommit = 0");
    await assert.rejects(async () => mysqlStore({ client }).read("x", now), /needs autocommit/);
  });

  for (const [what, settings] of [
    ["ANSI quotes and no escapes", "sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES,NO_UNSIGNED_SUBTRACTION'"],
    ["no strict mode", "sql_mode = ''"],
    [
      "every strict mode",
      "sql_mode = 'TRADITIONAL,STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,PAD_CHAR_TO_FULL_LENGTH'",
    ],
    ["a time zone, and latin1", "time_zone = '-09:30', NAMES latin1"],
    ["dirty reads", "SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED"],
    ["committed reads", "SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"],
    ["serializable transactions", "SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE"],
  ] as const) {
    test(`keeps its contract on connections with ${what}`, async () => {
      await keepsContract(poolThatSets(`SET ${settings}`));
    });
  }

  test("keeps its contract where a snapshot must not be stale (innodb_snapshot_isolation)", async (t) => {
    const [known] = await ask("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'");
    if (known === undefined) {
      t.skip("this server has no innodb_snapshot_isolation");
      return;
    }
    await keepsContract(poolThatSets("SET innodb_snapshot_isolation = ON"));
  });

  test("keeps its contract whatever the client's options say about results", async () => {
    const odd = { flags: ["-FOUND_ROWS"], typeCast: false, namedPlaceholders: true, nestTables: true };
    const numbersAsText = { supportBigNumbers: true, bigNumberStrings: true, dateStrings: true };
    await keepsContract(poolOf("mysql2", { ...odd, ...numbersAsText, charset: "latin1" }));
    await keepsContract(
      poolOf("mariadb", {
        foundRows: false,
        typeCast: () => "not a record",
        metaAsArray: true,
        namedPlaceholders: true,
        queryTimeout: 60_000,
        insertIdAsNumber: true,
        initSql: "SET sql_mode = 'ANSI'",
      }),
    );
  });

  test("keeps its contract on one connection of each kind", async () => {
    const one = await mysql.createConnection(databaseUrl);
    const other = callbacks.createConnection(databaseUrl);
    const third = await mariadb.createConnection(mariadbOptions(databaseUrl));
    for (const client of [one, other, third]) await keepsContract(client);
    await one.end();
    await other.promise().end();
    await third.end();
  });

  test("keeps its contract with the statements that MySQL gets", async () => {
    await keepsContract(asMysql(poolOf("mysql2")));
  });

  test("applies no patch that waited for a lock past its deadline, where only its own condition prevents that", async () => {
    const table = newTable();
    const store = mysqlStore({ client: asMysql(poolOf("mysql2")), table, timeout: { milliseconds: 400 } });
    const record = recordWith();
    await store.create(record);
    const other = await poolOf("mysql2").getConnection();
    await other.beginTransaction();
    await other.query(`SELECT id FROM ${table} FOR UPDATE`);
    await assert.rejects(async () => store.patch(record.id, { epoch: 0 }, now), { code: "STORE_TIMEOUT" });
    await other.rollback();
    other.release();
    await wait(100);
    assert.equal((await store.read(record.id, now))?.revision, 1);
  });

  for (const library of libraryNames) {
    test(`lets sixteen processes make the table at once (${library})`, { timeout: 120_000 }, async () => {
      const table = newTable();
      const children = Array.from({ length: 16 }, () => start("migrate", table, library));
      await Promise.all(children.map(async ({ heard }) => heard));
      for (const { child } of children) child.stdin.write("go\n");
      const codes = await Promise.all(children.map(async ({ ended }) => ended));
      assert.deepEqual(new Set(codes), new Set([0]));
      assert.equal(await mysqlStore({ client: sharedPool("mysql2"), table }).create(recordWith()), true);
    });

    test(`keeps the process alive when idle connections are ended (${library})`, async (t) => {
      const table = newTable();
      const user = `coat_${randomBytes(6).toString("hex")}`;
      await ask(`CREATE USER ${user}@'%'`);
      t.after(async () => ask(`DROP USER ${user}@'%'`));
      await ask(`GRANT ALL ON ${new URL(databaseUrl).pathname.slice(1)}.* TO ${user}@'%'`);
      const url = new URL(databaseUrl);
      url.username = user;
      url.password = "";
      for (const what of ["idle", "idle-connection"]) {
        const { child, heard, ended } = start(what, table, library, url.href);
        await heard;
        await ask(`KILL USER ${user}`);
        await wait(100);
        child.stdin.write("go\n");
        assert.equal(await ended, 0, what);
      }
    });

    test(`holds a record of a megabyte, and subjects of every plane (${library})`, async () => {
      const store = mysqlStore({ client: sharedPool(library), table: newTable(), timeout: { seconds: 30 } });
      const large = randomBytes(1_000_000);
      const subject = "\u{1F9E5}".repeat(127);
      const record = recordWith({ subject, fields: new Map([["d:a", large]]) });
      await store.create(record);
      const set = new Map([["d:b", randomBytes(100)]]);
      assert.equal((await store.patch(record.id, { epoch: 0, set }, now)).kind, "applied");
      const found = (await store.read(record.id, now))?.fields.get("d:a") ?? [];
      assert.ok(large.equals(Buffer.from(found)));
      assert.equal((await store.list(subject, now)).length, 1);
      for (const other of [`${subject} `, subject.slice(2), "\u{1F9E6}".repeat(127)]) {
        assert.deepEqual(await store.list(other, now), []);
      }
    });

    test(`shows no value of a statement in its errors (${library})`, async () => {
      const canary = "canary-6f1c";
      const hex = Buffer.from(canary).toString("hex");
      const table = newTable();
      const store = mysqlStore({ client: sharedPool(library), table });
      const record = recordWith();
      await store.create(record);
      await ask(`ALTER TABLE ${table} MODIFY subject VARBINARY(4), ADD CHECK (expires_at < ${now * 2})`);
      const absoluteDeadline = now * 3;
      const failing = [
        async () => store.create(recordWith({ subject: canary })),
        async () => store.patch(record.id, { epoch: 0, columns: { subject: canary } }, now),
        async () =>
          store.patch(record.id, { epoch: 0, columns: { idleTimeout: now * 3, absoluteDeadline } }, now),
      ];
      for (const call of failing) {
        await assert.rejects(call, (error) => {
          assert.ok(error instanceof StoreError);
          const shown =
            inspect(error, { depth: 9, showHidden: true }) + String(error.stack) + JSON.stringify(error);
          assert.ok(!shown.includes(canary) && !shown.includes(hex) && !shown.includes("UPDATE `"), shown);
          return error.code === "STORE_FAILED";
        });
      }
      assert.equal((await store.read(record.id, now))?.revision, 1);
    });
  }

  test("reads and patches a record in one statement each", async () => {
    const client = await mysql.createConnection(databaseUrl);
    const store = mysqlStore({ client, table: newTable() });
    const record = recordWith();
    await store.create(record);
    const questions = async (): Promise<number> => {
      const [rows] = await client.query<mysql.RowDataPacket[]>("SHOW SESSION STATUS LIKE 'Questions'");
      return Number(rows[0]?.["Value"]);
    };
    const before = await questions();
    await store.read(record.id, now);
    assert.equal((await questions()) - before, 2, "a read, and the question itself");
    await store.patch(record.id, { epoch: 0 }, now);
    assert.equal((await questions()) - before, 4);
    await client.end();
  });

  test("lets many sweepers share the work: each expired record is counted once, none that lives", async () => {
    const table = newTable();
    const store = mysqlStore({ client: poolOf("mysql2", { connectionLimit: 8 }), table });
    const live = recordWith();
    await store.create(live);
    const digits =
      "(SELECT 0 AS n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5)";
    const joined = Array.from({ length: 5 }, (_, at) => `${digits} AS t${at}`).join(", ");
    await ask(
      `INSERT INTO ${table} SELECT CONCAT('dead', t0.n, t1.n, t2.n, t3.n, t4.n), 1, NULL, 1, '' FROM ${joined}`,
    );
    const counts = await Promise.all(
      Array.from({ length: 8 }, async () => {
        let deleted = 0;
        for (let batch = -1; batch !== 0; deleted += batch) batch = await store.sweep(now, 700);
        return deleted;
      }),
    );
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      6 ** 5,
    );
    assert.notEqual(await store.read(live.id, now), null);
    const plan = await ask(
      `EXPLAIN SELECT id FROM ${table} WHERE expires_at <= 5 ORDER BY expires_at LIMIT 500`,
    );
    assert.equal(plan[0]?.["key"], "expires_at");
  });

  test("tells a damaged record from one that is not there", async () => {
    const table = newTable();
    const store = mysqlStore({ client: sharedPool("mysql2"), table });
    const [record, other] = [recordWith({ subject: "ana" }), recordWith({ subject: "ana" })];
    await store.create(record);
    await store.create(other);
    await ask(`UPDATE ${table} SET record = 'x' WHERE id = ?`, [record.id]);
    await assert.rejects(async () => store.read(record.id, now), { code: "RECORD_UNREADABLE" });
    assert.deepEqual(
      (await store.list("ana", now)).map(({ id }) => id),
      [other.id],
    );
  });

  test("does not sit on the pool: calls that wait too long give up, and what they asked for is not done", async () => {
    for (const pool of [
      poolOf("mysql2", { connectionLimit: 1 }),
      poolOf("mariadb", { connectionLimit: 1 }),
    ]) {
      const store = mysqlStore({ client: pool, table: newTable(), timeout: { milliseconds: 300 } });
      const record = recordWith();
      await store.create(record);
      const busy = await pool.getConnection();
      const calls = Array.from({ length: 5 }, async () => store.patch(record.id, { epoch: 0 }, now));
      for (const call of await Promise.allSettled(calls)) {
        const { code } = call.status === "rejected" && call.reason instanceof StoreError ? call.reason : {};
        assert.equal(code, "STORE_BUSY");
      }
      await busy.release();
      await wait(50);
      assert.equal((await store.read(record.id, now))?.revision, 1);
    }
  });
});

/** A process of its own, that says a line when it has begun. */
function start(what: string, table: string, library: string, url = databaseUrl) {
  const file = join(import.meta.dirname, "mysql-process.ts");
  const conditions = process.execArgv.filter((arg) => arg.startsWith("--conditions"));
  const child = spawn(
    process.execPath,
    [...conditions, "--unhandled-rejections=strict", file, what, url, table, library],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const ended = once(child, "exit").then(([code]: unknown[]) => code);
  return { child, heard: Promise.race([once(child.stdout, "data"), ended]), ended };
}
