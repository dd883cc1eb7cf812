// The SQLite store in a database that the app has opened. The contract and the races are in test/contracts.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { StoreError } from "coatcheck";
import type { Store } from "coatcheck";
import { sqliteMigrations, sqliteStore } from "coatcheck/sqlite";
import type { SqliteValue } from "coatcheck/sqlite";
import { temporaryFolder } from "../contracts/stores.ts";
import { recordOf } from "../support/records.ts";
import { databases, openLibsql, synchronous, withoutClients } from "./sqlite-databases.ts";

const { id } = recordOf();
const shortly = { milliseconds: 60 };
const incrementing = join(import.meta.dirname, "sqlite-own-process.ts");

async function settings(path: string): Promise<unknown[]> {
  const database = new DatabaseSync(path);
  try {
    return ["journal_mode", "application_id", "user_version"].map((name) =>
      database.prepare(`PRAGMA ${name}`).get(),
    );
  } finally {
    database.close();
  }
}

async function patched(store: Store): Promise<string> {
  return (await store.patch(id, { epoch: 0, set: new Map([["d:a", Buffer.from("1")]]) }, Date.now())).kind;
}

for (const { name, skip, open } of databases) {
  describe(`a database of ${name}`, { skip }, () => {
    test("stays open when the store is closed, and keeps its settings", async (t) => {
      const path = join(temporaryFolder(t), "app.db");
      const app = open(path);
      t.after(() => app.close());
      await app.exec("CREATE TABLE own (a)");
      const before = await settings(path);
      const store = sqliteStore({ database: app.database });
      await store.create(recordOf());
      await store.close();
      await app.exec("INSERT INTO own VALUES (1)");
      assert.deepEqual(await settings(path), before);
    });

    test("has records that a store on the path, and every other driver, can read and change", async (t) => {
      const path = join(temporaryFolder(t), "app.db");
      // One after the other, since two libraries of SQLite in one process do not see each other's locks.
      const before = sqliteStore({ path });
      await before.create(recordOf({ subject: "ana" }));
      await before.close();
      const app = open(path);
      const store = sqliteStore({ database: app.database });
      assert.equal(await patched(store), "applied");
      assert.equal((await store.list("ana", Date.now()))[0]?.id, id);
      app.close();
      const file = sqliteStore({ path });
      t.after(async () => file.close());
      assert.equal(await patched(file), "applied");
      assert.equal((await file.read(id, Date.now()))?.revision, recordOf().revision + 2);
    });

    test("is not migrated without leave: by store.migrate() or by the app's own tool", async (t) => {
      const folder = temporaryFolder(t);
      for (const way of ["migrate", "tool"]) {
        const app = open(join(folder, `${way}.db`));
        t.after(() => app.close());
        const store = sqliteStore({ database: app.database, autoMigrate: false });
        await assert.rejects(async () => store.create(recordOf()), {
          name: "ConfigError",
          message: /sqliteMigrations, or call store\.migrate\(\)/,
        });
        if (way === "migrate") await store.migrate();
        else for (const script of sqliteMigrations) await app.exec(`BEGIN; ${script} COMMIT`);
        assert.equal(await store.create(recordOf()), true);
        await store.migrate();
        assert.equal(await patched(store), "applied");
      }
    });

    test("with a table of that name that is not ours, or of a newer version, is refused and left alone", async (t) => {
      const folder = temporaryFolder(t);
      const foreign = open(join(folder, "foreign.db"));
      t.after(() => foreign.close());
      await foreign.exec("CREATE TABLE coatcheck_session (a); INSERT INTO coatcheck_session VALUES (1)");
      const store = sqliteStore({ database: foreign.database });
      await assert.rejects(store.migrate(), { name: "ConfigError", message: /did not make the table/ });
      await foreign.exec("UPDATE coatcheck_session SET a = 2");
      const newer = open(join(folder, "newer.db"));
      t.after(() => newer.close());
      await sqliteStore({ database: newer.database }).migrate();
      await newer.exec("INSERT INTO coatcheck_schema (version) VALUES (99)");
      await assert.rejects(async () => sqliteStore({ database: newer.database }).read(id, 0), {
        name: "ConfigError",
        message: /newer version/,
      });
    });

    test("that another connection has locked is waited for, and STORE_BUSY says so when the patience ends", async (t) => {
      const path = join(temporaryFolder(t), "app.db");
      const [app, other] = [open(path), open(path)];
      t.after(() => [app.close(), other.close()]);
      const store = sqliteStore({ database: app.database, busyTimeout: shortly });
      await store.create(recordOf());
      const unlock = await other.lock();
      await assert.rejects(patched(store), { name: "StoreError", code: "STORE_BUSY", transient: true });
      await unlock();
      // libSQL does not reset the statement that found the lock, and can't use that connection for a while.
      if (name === "libSQL") return;
      const unlockAgain = await other.lock();
      const waiting = patched(store);
      await unlockAgain();
      assert.equal(await waiting, "applied");
    });

    test("that the app has closed makes typed errors", async (t) => {
      const app = open(join(temporaryFolder(t), "app.db"));
      const store = sqliteStore({ database: app.database });
      await store.create(recordOf());
      app.close();
      for (const use of [store, sqliteStore({ database: app.database })]) {
        await assert.rejects(async () => use.read(id, 0), {
          name: "StoreError",
          code: "STORE_FAILED",
          message: /closed/,
        });
      }
    });

    test("is written by three processes at the same time, and no change is lost", async (t) => {
      const path = join(temporaryFolder(t), "app.db");
      const app = open(path);
      t.after(() => app.close());
      const store = sqliteStore({ database: app.database });
      await store.create(recordOf());
      const exits = ["a", "b", "c"].map(async (field) => {
        const args = [...process.execArgv, incrementing, name, path, id, field];
        return once(spawn(process.execPath, args, { stdio: "inherit" }), "exit");
      });
      assert.deepEqual(
        (await Promise.all(exits)).map(([code]) => code as unknown),
        [0, 0, 0],
      );
      const record = await store.read(id, Date.now());
      const counts = ["a", "b", "c"].map((field) =>
        Buffer.from(record?.fields.get(`d:${field}`) ?? []).toString(),
      );
      assert.deepEqual(counts, ["20", "20", "20"]);
      assert.equal(record?.revision, recordOf().revision + 60);
    });
  });
}

for (const [name, open] of Object.entries(synchronous)) {
  const skip = name === "better-sqlite3" && withoutClients;
  test(
    `a transaction of the app on the same connection of ${name} never contains what the store does`,
    { skip },
    async (t) => {
      const app = open(join(temporaryFolder(t), "app.db"));
      t.after(() => app.close());
      const store = sqliteStore({ database: app.database, busyTimeout: shortly });
      await store.create(recordOf());
      app.exec("BEGIN; CREATE TABLE own (a)");
      const waiting = patched(store);
      app.exec("ROLLBACK");
      assert.equal(await waiting, "applied");
      assert.equal(
        (await store.read(id, Date.now()))?.revision,
        recordOf().revision + 1,
        "the rollback undid nothing of it",
      );
      app.exec("BEGIN");
      const failure = await patched(store).catch((error: unknown) => error);
      assert.ok(failure instanceof StoreError && failure.code === "STORE_BUSY");
      assert.match(String(failure.cause), /transaction of the app is open/);
      app.exec("COMMIT");
      assert.equal(await patched(store), "applied");
    },
  );

  test(
    `a read-only database of ${name} is read, and STORE_READ_ONLY says why not written`,
    { skip },
    async (t) => {
      const path = join(temporaryFolder(t), "app.db");
      const writer = open(path);
      await sqliteStore({ database: writer.database }).create(recordOf());
      writer.close();
      chmodSync(path, 0o400);
      const app = open(path, name === "node:sqlite" ? { readOnly: true } : { readonly: true });
      t.after(() => app.close());
      const store = sqliteStore({ database: app.database });
      assert.equal((await store.read(id, Date.now()))?.id, id);
      await assert.rejects(patched(store), { code: "STORE_READ_ONLY" });
    },
  );
}

test("a busy_timeout that is as long as the store's patience is waited for once", async (t) => {
  const path = join(temporaryFolder(t), "app.db");
  const [app, other] = [synchronous["node:sqlite"](path), synchronous["node:sqlite"](path)];
  t.after(() => [app.close(), other.close()]);
  let tries = 0;
  const database = {
    isTransaction: false,
    exec: (sql: string) => app.database.exec(sql),
    prepare(sql: string) {
      const statement = app.database.prepare(sql);
      const run: typeof statement.run = (...values) => {
        tries++;
        return statement.run(...values);
      };
      return {
        run,
        get: (...values: SqliteValue[]) => statement.get(...values),
        all: (...values: SqliteValue[]) => statement.all(...values),
      };
    },
  };
  app.exec("PRAGMA busy_timeout = 70");
  const store = sqliteStore({ database, busyTimeout: shortly });
  await store.create(recordOf());
  tries = 0;
  await other.lock();
  await assert.rejects(patched(store), { code: "STORE_BUSY" });
  assert.equal(tries, 1);
});

test("the longer names of errors of better-sqlite3 are known", { skip: withoutClients }, async (t) => {
  const path = join(temporaryFolder(t), "app.db");
  const app = synchronous["better-sqlite3"](path);
  t.after(() => app.close());
  const store = sqliteStore({ database: app.database });
  await store.create(recordOf());
  rmSync(path);
  const failure = await patched(store).catch((error: unknown) => error);
  assert.ok(failure instanceof StoreError && failure.code === "STORE_READ_ONLY", String(failure));
  assert.match(String(Object(failure.cause).code), /^SQLITE_READONLY_/);
});

test("a database of node:sqlite with bigints and arrays as rows makes no difference", async () => {
  const { database } = synchronous["node:sqlite"](":memory:", { readBigInts: true, returnArrays: true });
  await worksWhole(sqliteStore({ database }));
});

test(
  "nor does one of better-sqlite3 with bigints, while the app is iterating rows",
  { skip: withoutClients },
  async () => {
    const { database } = synchronous["better-sqlite3"](":memory:");
    Reflect.apply(Reflect.get(database, "defaultSafeIntegers"), database, [true]);
    const store = sqliteStore({ database });
    await worksWhole(store);
    const statement: unknown = database.prepare("SELECT 1 UNION SELECT 2");
    const rows: Iterator<unknown> = Reflect.apply(Reflect.get(Object(statement), "iterate"), statement, []);
    rows.next();
    const waiting = patched(store);
    rows.return?.();
    assert.equal(await waiting, "applied");
  },
);

for (const intMode of ["bigint", "string"]) {
  test(`nor does a client of libSQL with intMode "${intMode}"`, { skip: withoutClients }, async (t) => {
    const app = openLibsql(join(temporaryFolder(t), "app.db"), { intMode });
    t.after(() => app.close());
    await worksWhole(sqliteStore({ database: app.database }));
  });
}

async function worksWhole(store: Store): Promise<void> {
  await store.create(recordOf({ subject: "ana" }));
  assert.equal(await store.create(recordOf()), false);
  assert.equal(await patched(store), "applied");
  assert.equal((await store.list("ana", Date.now())).length, 1);
  assert.equal(await store.sweep(Date.now() + 7_200_000, 10), 1);
  assert.equal(await store.create(recordOf()), true);
}

test(
  "a client of libSQL that has met a lock never returns an old record",
  { skip: withoutClients },
  async (t) => {
    const path = join(temporaryFolder(t), "app.db");
    const [app, other] = [openLibsql(path, { timeout: 10 }), openLibsql(path)];
    t.after(() => [app.close(), other.close()]);
    await app.exec("PRAGMA journal_mode = wal");
    const store = sqliteStore({ database: app.database, busyTimeout: shortly });
    const elsewhere = sqliteStore({ database: other.database });
    await store.create(recordOf());
    const unlock = await other.lock();
    await assert.rejects(patched(store), { code: "STORE_BUSY" });
    await unlock();
    for (let more = 1; more <= 3; more++) {
      assert.equal(await patched(elsewhere), "applied");
      const read = await Promise.resolve(store.read(id, Date.now())).catch((error: unknown) => error);
      if (read instanceof StoreError) assert.equal(read.code, "STORE_BUSY");
      else assert.equal(Object(read).revision, recordOf().revision + more);
    }
  },
);

test("a write of libSQL that comes too late is not executed", { skip: withoutClients }, async (t) => {
  const app = openLibsql(join(temporaryFolder(t), "app.db"));
  t.after(() => app.close());
  const store = sqliteStore({ database: app.database });
  await store.migrate();
  await assert.rejects(async () => store.create(recordOf(), -5), {
    code: "STORE_TIMEOUT",
    operation: "create",
  });
  assert.equal(await store.read(id, Date.now()), null);
});

test("anything that is no such database is refused, with what to use instead", () => {
  const wrong: unknown[] = ["app.db", null, Promise.resolve(), { prepare() {}, exec() {} }, { execute() {} }];
  for (const database of wrong) {
    // @ts-expect-error -- as somebody without TypeScript would
    assert.throws(() => sqliteStore({ database }), {
      name: "ConfigError",
      message: /database must be .* use \{ path \}/,
    });
  }
  assert.throws(() => sqliteStore({ database: new DatabaseSync(":memory:"), path: "a" }), {
    name: "ConfigError",
  });
});
