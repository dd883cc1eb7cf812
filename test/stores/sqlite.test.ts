import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readdirSync, readFileSync } from "node:fs";
import { rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import { sqliteStore } from "coatcheck/sqlite";
import { CookieJar } from "coatcheck/testing";
import { temporaryFolder } from "../contracts/stores.ts";
import { recordOf } from "../support/records.ts";

const program = join(import.meta.dirname, "sqlite-process.ts");

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [...process.execArgv, program, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

async function run(...args: string[]): Promise<void> {
  const [code]: unknown[] = await once(start(...args), "exit");
  assert.equal(code, 0);
}

test("[117] sixteen processes that start at once on a new file all find it ready", async (t) => {
  const path = join(temporaryFolder(t), "sessions.db");
  await Promise.all(Array.from({ length: 16 }, () => run(path, "open")));
  const versions = new DatabaseSync(path).prepare("SELECT version FROM coatcheck_schema").all();
  assert.deepEqual(
    versions.map(({ version }) => version),
    [2],
    "it was made once",
  );
});

test("[117] eight processes that write to one record at once lose nothing, and none is told that the file is locked", async (t) => {
  const path = join(temporaryFolder(t), "sessions.db");
  const store = sqliteStore({ path });
  const { id } = recordOf();
  assert.equal(await store.create(recordOf()), true);
  await Promise.all(Array.from({ length: 8 }, () => run(path, "increment", id, "25")));
  const bytes = (await store.read(id, Date.now()))?.fields.get("d:n") ?? new Uint8Array();
  assert.equal(Buffer.from(bytes).toString(), "200");
  await store.close();
});

test("what was acknowledged survives a process that is killed at any moment", async (t) => {
  const folder = temporaryFolder(t);
  for (let kill = 0; kill < 5; kill++) {
    const path = join(folder, `sessions-${kill}.db`);
    const writer = start(path, "write");
    let output = "";
    // Killed somewhere in the middle of its writes: when it has acknowledged this many, and is on to the next.
    for await (const chunk of writer.stdout ?? []) {
      output += String(chunk);
      if (output.split("\n").length > 40 * (kill + 1)) break;
    }
    writer.kill("SIGKILL");
    await once(writer, "exit");
    const store = sqliteStore({ path });
    const lines = output.split("\n").slice(0, -1);
    assert.ok(lines.length > 0);
    for (const line of lines) {
      const [what, id = "", number] = line.split(" ");
      const record = await store.read(id, Date.now());
      assert.ok(record !== null, line);
      const written = Buffer.from(record.fields.get("d:n") ?? new Uint8Array()).toString();
      if (what === "patched") assert.equal(written, number, line);
      if (what === "ended") assert.deepEqual([record.epoch, record.subject], [1, null], line);
    }
    await store.close();
    const check = new DatabaseSync(path).prepare("PRAGMA integrity_check").get();
    assert.equal(check?.["integrity_check"], "ok");
  }
});

test("[52] the file, its log and its index are its owner's alone, also where an older file was not", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "deeper", "sessions.db");
  const modes = (): Record<string, string> =>
    Object.fromEntries(
      readdirSync(join(folder, "deeper")).map((name) => [
        name,
        (statSync(join(folder, "deeper", name)).mode & 0o777).toString(8),
      ]),
    );
  const first = sqliteStore({ path });
  await first.create(recordOf());
  assert.deepEqual(modes(), { "sessions.db": "600", "sessions.db-shm": "600", "sessions.db-wal": "600" });
  await first.close();
  chmodSync(path, 0o644);
  const second = sqliteStore({ path });
  await second.create(recordOf({ id: "BBBBBBBBBBBBBBBBBBBBBA" }));
  assert.deepEqual(modes(), { "sessions.db": "600", "sessions.db-shm": "600", "sessions.db-wal": "600" });
  await second.close();
});

test("[51] no value that a session held can be found in its files", async (t) => {
  const folder = temporaryFolder(t);
  const sessions = createSessions({
    secret: generateSecret(),
    store: sqliteStore({ path: join(folder, "sessions.db") }),
  });
  const jar = new CookieJar();
  const request = new Request("http://localhost/");
  jar.take(
    await sessions.handle(request, async () => {
      const session = await sessions.of(request);
      session.set("card", "canary-in-the-data");
      session.flash("canary-in-the-message");
      await session.update("n", () => "canary-in-the-update");
      return new Response();
    }),
  );
  const ticket = jar.get("__Host-Http-session") ?? "";
  const secret = ticket.split(".")[1] ?? "";
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, name));
    assert.equal(bytes.includes("canary"), false, name);
    assert.equal(bytes.includes(secret), false, name);
    assert.equal(bytes.includes(Buffer.from(secret, "base64url")), false, name);
  }
  await sessions.close();
});

test("[52] what a sweep deletes is gone from the file, not only from its index", async (t) => {
  const path = join(temporaryFolder(t), "sessions.db");
  const store = sqliteStore({ path });
  await store.create(recordOf({ fields: new Map([["d:a", Buffer.from("canary-that-expires")]]) }));
  assert.equal(await store.sweep(Date.now() + 7_200_000, 10), 1);
  await store.close();
  assert.equal(readFileSync(path).includes("canary-that-expires"), false);
});

test("a writer that finds the file locked waits without blocking, and says so when its patience ends", async (t) => {
  const path = join(temporaryFolder(t), "sessions.db");
  const store = sqliteStore({ path, busyTimeout: { milliseconds: 100 } });
  await store.create(recordOf());
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  let turns = 0;
  const counting = setInterval(() => turns++, 1);
  await assert.rejects(async () => store.patch(recordOf().id, { epoch: 0 }, Date.now()), {
    name: "StoreError",
    code: "STORE_BUSY",
    operation: "patch",
    transient: true,
  });
  clearInterval(counting);
  assert.ok(turns > 0, "other work had its turn");
  assert.notEqual(await store.read(recordOf().id, Date.now()), null, "reading needs no lock");
  const waiting = Promise.resolve(store.patch(recordOf().id, { epoch: 0 }, Date.now()));
  other.exec("COMMIT");
  assert.equal((await waiting).kind, "applied", "and goes on as soon as the lock is gone");
  other.close();
  await store.close();
});

test("full durability waits for the disk with every write, normal does not", async (t) => {
  const folder = temporaryFolder(t);
  for (const [durability, level] of [
    ["normal", 1],
    ["full", 2],
  ] as const) {
    let synchronous: unknown;
    const store = sqliteStoreMet(
      t,
      { path: join(folder, `${durability}.db`), durability },
      (connection, sql) => {
        if (!sql.includes("synchronous")) return;
        synchronous = connection.prepare("PRAGMA synchronous").get()?.["synchronous"];
      },
    );
    await store.close();
    assert.equal(synchronous, level);
  }
});

test("a file of before the first release is taken over, without its sessions", async (t) => {
  const path = join(temporaryFolder(t), "old.db");
  const database = new DatabaseSync(path);
  database.exec(`CREATE TABLE coatcheck_schema (version INTEGER NOT NULL) STRICT;
    INSERT INTO coatcheck_schema (version) VALUES (1);
    CREATE TABLE coatcheck_session (id TEXT NOT NULL PRIMARY KEY, verifier BLOB NOT NULL) STRICT`);
  database.close();
  const store = sqliteStore({ path });
  t.after(async () => store.close());
  assert.equal(await store.read("AAAAAAAAAAAAAAAAAAAAAA", 0), null);
});

test("a file that an earlier release made is opened, and keeps its sessions", async (t) => {
  const path = join(temporaryFolder(t), "earlier.db");
  const made = sqliteStore({ path });
  await made.create(recordOf({ subject: "ana" }));
  await made.close();
  // What that release executed for a new file: both versions, one after the other.
  const database = new DatabaseSync(path);
  database.exec(`ALTER TABLE coatcheck_session RENAME TO now;
    DROP INDEX coatcheck_session_subject; DROP INDEX coatcheck_session_expiry; DROP TABLE coatcheck_schema;
    CREATE TABLE coatcheck_schema (version INTEGER NOT NULL) STRICT;
    INSERT INTO coatcheck_schema (version) VALUES (1), (2);
    CREATE TABLE coatcheck_session (
      id TEXT NOT NULL PRIMARY KEY, subject TEXT, expires_at INTEGER NOT NULL, record BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX coatcheck_session_subject ON coatcheck_session (subject) WHERE subject IS NOT NULL;
    CREATE INDEX coatcheck_session_expiry ON coatcheck_session (expires_at);
    INSERT INTO coatcheck_session SELECT * FROM now; DROP TABLE now`);
  database.close();
  const store = sqliteStore({ path });
  t.after(async () => store.close());
  assert.equal((await store.list("ana", Date.now()))[0]?.id, recordOf().id);
});

test("a file with a table of the app's that has the name of ours is refused with that reason, and the table stays", async (t) => {
  const path = join(temporaryFolder(t), "app.db");
  const database = new DatabaseSync(path);
  t.after(() => database.close());
  database.exec("CREATE TABLE coatcheck_session (a); INSERT INTO coatcheck_session VALUES (1)");
  for (const schema of ["", "CREATE TABLE coatcheck_schema (version INTEGER NOT NULL)"]) {
    database.exec(schema);
    await assert.rejects(opened(path), { name: "ConfigError", message: /did not make the table/ });
  }
  assert.equal(database.prepare("SELECT a FROM coatcheck_session").get()?.["a"], 1);
});

test("[112] a file that is damaged, foreign, or from a newer version is refused with a reason", async (t) => {
  const folder = temporaryFolder(t);
  const text = join(folder, "text.db");
  writeFileSync(text, "This is no database, but it is long enough to look like one. ".repeat(40));
  await assert.rejects(opened(text), {
    name: "StoreError",
    operation: "open",
    message: /not an SQLite database/,
  });

  const newer = join(folder, "newer.db");
  await opened(newer);
  const database = new DatabaseSync(newer);
  database.exec("INSERT INTO coatcheck_schema (version) VALUES (99)");
  database.close();
  await assert.rejects(opened(newer), { name: "ConfigError", message: /newer version/ });

  const cut = join(folder, "cut.db");
  await opened(cut);
  truncateSync(cut, 5000);
  await assert.rejects(opened(cut), { name: "StoreError" });
});

/** Opens a file, looks for a record that is not there, and closes it. */
async function opened(path: string): Promise<void> {
  const store = sqliteStore({ path });
  try {
    await store.read("AAAAAAAAAAAAAAAAAAAAAA", 0);
  } finally {
    await store.close();
  }
}

test("[112] where the disk is full or read-only, the write fails with its reason and reading goes on", async (t) => {
  const path = join(temporaryFolder(t), "sessions.db");
  const store = sqliteStore({ path });
  await store.create(recordOf());
  await store.close();
  // A limit on the number of pages is SQLite's own way to a full disk.
  const withSetting = (pragma: string): ReturnType<typeof sqliteStore> =>
    sqliteStoreMet(t, { path }, (connection, sql) => {
      if (sql === "COMMIT") connection.prepare(pragma).all();
    });
  const full = withSetting("PRAGMA max_page_count = 1");
  await assert.rejects(
    async () => {
      for (let at = 0; at < 200; at++) {
        const id = Buffer.alloc(16, at + 1).toString("base64url");
        await full.create(recordOf({ id, fields: new Map([["d:a", new Uint8Array(60_000)]]) }));
      }
    },
    { code: "STORE_FULL", transient: true },
  );
  assert.notEqual(await full.read(recordOf().id, Date.now()), null);
  await full.close();
  const readOnly = withSetting("PRAGMA query_only = on");
  await assert.rejects(async () => readOnly.patch(recordOf().id, { epoch: 0 }, Date.now()), {
    code: "STORE_READ_ONLY",
  });
  assert.notEqual(await readOnly.read(recordOf().id, Date.now()), null);
  await readOnly.close();
});

/** A store whose own connection, which shows itself nowhere else, is met when it runs its settings. */
function sqliteStoreMet(
  t: TestContext,
  options: Parameters<typeof sqliteStore>[0],
  meet: (connection: DatabaseSync, sql: string) => void,
): ReturnType<typeof sqliteStore> {
  const original = Reflect.get(DatabaseSync.prototype, "exec");
  const exec = t.mock.method(DatabaseSync.prototype, "exec", function exec(this: DatabaseSync, sql: string) {
    Reflect.apply(original, this, [sql]);
    meet(this, sql);
  });
  try {
    const store = sqliteStore(options);
    void store.read("AAAAAAAAAAAAAAAAAAAAAA", 0); // opens it
    return store;
  } finally {
    exec.mock.restore();
  }
}

test("a path that leads nowhere is refused at the first use, with the question whether it is right", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "file", "sessions.db");
  writeFileSync(join(folder, "file"), "");
  await assert.rejects(opened(path), {
    name: "StoreError",
    code: "STORE_UNAVAILABLE",
    operation: "open",
    message: /check the path/,
  });
  const store = sqliteStore({ path });
  const read = async () => store.read("AAAAAAAAAAAAAAAAAAAAAA", 0);
  await assert.rejects(read, { code: "STORE_UNAVAILABLE" });
  rmSync(join(folder, "file"));
  assert.equal(await read(), null, "and the next use tries again");
  await store.close();
  await assert.rejects(read, { code: "STORE_FAILED" }, "what was closed is not opened again");
});

test("a file that is locked while it is opened is waited for without blocking", async (t) => {
  const path = join(temporaryFolder(t), "sessions.db");
  await opened(path);
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  const store = sqliteStore({ path });
  const reading = Promise.resolve(store.read("AAAAAAAAAAAAAAAAAAAAAA", 0));
  other.exec("COMMIT");
  other.close();
  assert.equal(await reading, null);
  await store.close();
});

test("where there is no SQLite, the first use says which Node has it, and what to use instead", () => {
  const first = `import { createSessions, generateSecret } from "coatcheck";
    import { sqliteStore } from "coatcheck/sqlite";
    const sessions = createSessions({ secret: generateSecret(), store: sqliteStore({ path: "never.db" }) });
    await sessions.check().catch(({ name, code, message }) => console.log(name, code, message));`;
  const args = ["--conditions=coatcheck-source", "--no-experimental-sqlite", "--input-type=module"];
  const printed = execFileSync(process.execPath, [...args, "--eval", first], { encoding: "utf8" });
  assert.match(printed, /^ConfigError CONFIG_INVALID .*Node has it from 22\.13 on.*coatcheck\/redis/);
  assert.ok(printed.includes(`(Node ${process.versions.node})`), printed);
});
