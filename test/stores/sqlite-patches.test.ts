// What a patch in an SQLite file does to the columns beside the record, and with what another handle of
// the file writes between its read and its write.

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { Store } from "coatcheck";
import { sqliteStore } from "coatcheck/sqlite";
import { temporaryFolder } from "../contracts/stores.ts";
import { recordOf } from "../support/records.ts";

/** Two stores on one file, each with a connection of its own, as two processes have them. */
function twoOfOneFile(t: TestContext): readonly [Store, Store] {
  const path = join(temporaryFolder(t), "sessions.db");
  const stores = [sqliteStore({ path }), sqliteStore({ path, durability: "full" })] as const;
  t.after(async () => Promise.all(stores.map(async (store) => store.close())));
  return stores;
}

/** Does something between the read and the write of the patch that comes next. @returns what puts an end to it. */
function beforeFirstWrite(t: TestContext, work: () => void): () => void {
  // oxlint-disable-next-line typescript/unbound-method -- it is called on the statement
  const { run: write } = StatementSync.prototype;
  let hasCome = false;
  type Arguments = Parameters<typeof write>;
  const { mock } = t.mock.method(
    StatementSync.prototype,
    "run",
    function (this: StatementSync, ...args: Arguments) {
      if (!hasCome) {
        hasCome = true;
        work();
      }
      return write.apply(this, args);
    },
  );
  return () => mock.restore();
}

for (const [what, columns] of [
  ["fields alone", {}],
  ["when it ends", { lastSeenAt: Date.now() + 1000 }],
  ["whose it is", { subject: "leo" }],
] as const) {
  test(`a patch that changes ${what} loses nothing that another process writes between its read and its write`, async (t) => {
    const [one, other] = twoOfOneFile(t);
    await one.create(recordOf());
    const { id } = recordOf();
    const restore = beforeFirstWrite(
      t,
      () => void other.patch(id, { epoch: 0, set: new Map([["d:other", Uint8Array.of(2)]]) }, Date.now()),
    );
    const patch = { epoch: 0, set: new Map([["d:one", Uint8Array.of(1)]]), columns };
    const outcome = await one.patch(id, patch, Date.now());
    restore();
    assert.deepEqual(outcome, { kind: "applied", revision: 3, removed: [] });
    const record = await other.read(id, Date.now());
    assert.deepEqual([...(record?.fields.keys() ?? [])].toSorted(), ["d:one", "d:other"]);
    assert.equal((await other.list("leo", Date.now())).length, "subject" in columns ? 1 : 0);
  });
}

test("a patch between whose read and write the session ended is told that it is gone", async (t) => {
  const [one, other] = twoOfOneFile(t);
  await one.create(recordOf({ subject: "leo" }));
  const { id } = recordOf();
  const restore = beforeFirstWrite(
    t,
    () => void other.patch(id, { epoch: 0, retain: [], columns: { epoch: 1, subject: null } }, Date.now()),
  );
  const outcome = await one.patch(id, { epoch: 0, set: new Map([["d:one", Uint8Array.of(1)]]) }, Date.now());
  restore();
  assert.deepEqual(outcome, { kind: "gone" });
  assert.equal((await other.read(id, Date.now()))?.fields.size, 0);
});

// A store has in mind what it read last, and tries its patch over that.
describe("a patch over what was read before goes by what is there now", () => {
  const now = Date.now();
  const { id } = recordOf();
  const one = Uint8Array.of(1);

  for (const [what, change, patch, wanted, at = now] of [
    ["fields", { set: new Map([["d:other", one]]) }, {}, { kind: "applied", revision: 3, removed: [] }],
    [
      "the field that it expects, to something else",
      { set: new Map([["d:a", Uint8Array.of(2)]]) },
      { expect: { fields: new Map([["d:a", one]]) } },
      "conflict",
    ],
    [
      "the field that it expects, to what it expects",
      { set: new Map([["d:a", Uint8Array.of(2)]]) },
      { expect: { fields: new Map([["d:a", Uint8Array.of(2)]]) } },
      { kind: "applied", revision: 3, removed: [] },
    ],
    [
      "a field away that it removes",
      { remove: ["d:a"] },
      { remove: ["d:a"] },
      { kind: "applied", revision: 3, removed: [] },
    ],
    ["whose it is", { columns: { epoch: 1 } }, {}, { kind: "gone" }],
    [
      "its epoch to the patch's",
      { columns: { epoch: 1 } },
      { epoch: 1 },
      { kind: "applied", revision: 3, removed: [] },
    ],
    ["when it ends, to earlier", { columns: { idleTimeout: 10 } }, {}, { kind: "gone" }, now + 20],
    [
      "when it ends, to later",
      { columns: { idleTimeout: 7_200_000 } },
      {},
      { kind: "applied", revision: 3, removed: [] },
      now + 3_700_000,
    ],
  ] as const) {
    test(`where another process has changed ${what}`, async (t) => {
      const [mine, other] = twoOfOneFile(t);
      await mine.create(
        recordOf({ fields: new Map([["d:a", one]]), lastSeenAt: now, absoluteDeadline: now + 9e6 }),
      );
      assert.notEqual(await mine.read(id, now), null);
      assert.equal((await other.patch(id, { epoch: 0, ...change }, now)).kind, "applied");
      const outcome = await mine.patch(id, { epoch: 0, set: new Map([["d:mine", one]]), ...patch }, at);
      if (wanted === "conflict") {
        assert.ok(outcome.kind === "conflict");
        assert.deepEqual([...(outcome.record.fields.get("d:a") ?? [])], [2]);
      } else assert.deepEqual(outcome, wanted);
      const record = await other.read(id, at);
      assert.equal(record?.fields.has("d:mine") ?? false, outcome.kind === "applied");
      if (what === "fields") assert.equal(record?.fields.has("d:other"), true);
    });
  }

  test("where another process has deleted it", async (t) => {
    const [mine, other] = twoOfOneFile(t);
    await mine.create(recordOf());
    await mine.read(id, now);
    assert.equal(await other.sweep(now + 1e9, 10), 1);
    assert.deepEqual(await mine.patch(id, { epoch: 0, set: new Map([["d:a", one]]) }, now), { kind: "gone" });
    assert.equal(await mine.read(id, now), null);
  });

  test("where it was damaged and another process has put it right", async (t) => {
    const path = join(temporaryFolder(t), "sessions.db");
    const store = sqliteStore({ path });
    const database = new DatabaseSync(path);
    t.after(async () => {
      database.close();
      await store.close();
    });
    await store.create(recordOf());
    const sound = database.prepare("SELECT record FROM coatcheck_session").get()?.["record"] ?? null;
    const put = database.prepare("UPDATE coatcheck_session SET record = ?");
    put.run(Uint8Array.of(0));
    await assert.rejects(async () => store.read(id, now), { code: "RECORD_UNREADABLE" });
    put.run(sound);
    const set = new Map([["d:a", one]]);
    assert.deepEqual(await store.patch(id, { epoch: 0, set }, now), {
      kind: "applied",
      revision: 2,
      removed: [],
    });
  });

  test("and one after the other, each over the one before", async (t) => {
    const store = sqliteStore({ path: join(temporaryFolder(t), "sessions.db") });
    t.after(async () => store.close());
    await store.create(recordOf());
    await store.read(id, now);
    for (let time = 2; time < 6; time++) {
      const set = new Map([[`d:${time}`, one]]);
      assert.deepEqual(await store.patch(id, { epoch: 0, set }, now), {
        kind: "applied",
        revision: time,
        removed: [],
      });
    }
    assert.equal((await store.read(id, now))?.fields.size, 4);
  });
});

test("an end that moves, sooner or later, counts for reading, listing and sweeping", async (t) => {
  const store = sqliteStore({ path: join(temporaryFolder(t), "sessions.db") });
  t.after(async () => store.close());
  const begun = Date.now();
  const { id } = recordOf();
  await store.create(
    recordOf({ subject: "leo", idleTimeout: 1000, lastSeenAt: begun, absoluteDeadline: begun + 10_000 }),
  );
  await store.patch(id, { epoch: 0, columns: { lastSeenAt: begun + 900 } }, begun + 900);
  assert.equal(await store.sweep(begun + 1500, 10), 0);
  assert.notEqual(await store.read(id, begun + 1500), null);
  assert.equal((await store.list("leo", begun + 1500)).length, 1);
  await store.patch(id, { epoch: 0, columns: { idleTimeout: 100 } }, begun + 1500);
  assert.equal(await store.read(id, begun + 1500), null);
  assert.deepEqual(await store.list("leo", begun + 1500), []);
  assert.equal(await store.sweep(begun + 1500, 10), 1);
});
