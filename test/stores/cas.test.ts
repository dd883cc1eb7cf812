// What casStore makes of a table, and what it says of functions that do not keep their promises. That it is a store, on
// three tables, is in test/contracts.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { casStore, StoreError } from "coatcheck/store";
import type { CasRow, CasStoreOptions, Patch } from "coatcheck/store";
import { storeContract } from "coatcheck/testing";
import { newId, recordOf } from "../support/records.ts";
import { mapTable } from "./cas-map.ts";
import { mariadbPool, mariadbTable, openMariadb, withoutMariadb } from "./cas-mariadb.ts";

const now = Date.now();
const one = Uint8Array.of(1);

/** A patch under epoch 0 that sets a field. */
function setting(name: string): Patch {
  return { epoch: 0, set: new Map([[name, one]]) };
}

/** A table on a map, with some functions replaced, and the names of the functions that were called. */
function watched(
  change: (table: CasStoreOptions, rows: Map<string, CasRow>) => Partial<CasStoreOptions> = () => ({}),
) {
  const rows = new Map<string, CasRow>();
  const table = mapTable(rows);
  const calls: string[] = [];
  const all = { ...table, ...change(table, rows) };
  const store = casStore({
    ...all,
    insert: (...args) => (calls.push("insert"), all.insert(...args)),
    get: (...args) => (calls.push("get"), all.get(...args)),
    replaceIf: (...args) => (calls.push("replaceIf"), all.replaceIf(...args)),
  });
  return { rows, table, store, calls };
}

describe("the contract fails for a table", () => {
  const broken: Readonly<
    Record<string, [(table: CasStoreOptions, rows: Map<string, CasRow>) => Partial<CasStoreOptions>, RegExp]>
  > = {
    "that accepts a stale revision": [
      (_, rows) => ({
        async replaceIf(row) {
          await Promise.resolve();
          return rows.has(row.id) && (rows.set(row.id, row), true);
        },
      }),
      /^lets racing patches of different fields all survive/,
    ],
    "that reads the revision, and writes later": [
      (_, rows) => ({
        async replaceIf(row, revision) {
          const isSame = rows.get(row.id)?.revision === revision;
          await new Promise((resolve) => setImmediate(resolve));
          if (isSame) rows.set(row.id, row);
          return isSame;
        },
      }),
      /^lets one of the racing patches that expect the same bytes win/,
    ],
    "whose subject index forgets what a patch changed": [
      (table, rows) => {
        const index = new Map<string, string | null>();
        return {
          async insert(row, timeout) {
            index.set(row.id, row.subject);
            return table.insert(row, timeout);
          },
          bySubject: (subject) => [...rows.values()].filter(({ id }) => index.get(id) === subject),
        };
      },
      /^lists a record under the subject that a patch gave it/,
    ],
    "whose subject index is updated later": [
      (table, rows) => {
        let index: readonly CasRow[] = [];
        return {
          async insert(row, timeout) {
            const isNew = await table.insert(row, timeout);
            setTimeout(() => (index = [...rows.values()]), 5);
            return isNew;
          },
          bySubject: (subject) => index.filter((row) => row.subject === subject),
        };
      },
      /^lists a subject's records and nobody else's/,
    ],
    "that overwrites a row that exists": [
      (_, rows) => ({ insert: (row) => (rows.set(row.id, row), true) }),
      /^does not create a record over an existing one/,
    ],
    "whose ids are compared without case": [
      (table, rows) => {
        const same = (id: string) =>
          [...rows.keys()].find((key) => key.toLowerCase() === id.toLowerCase()) ?? id;
        return {
          insert: (row, timeout) => table.insert({ ...row, id: same(row.id) }, timeout),
          get: (id) => table.get(same(id)),
        };
      },
      /^tells ids apart that differ only in upper and lower case/,
    ],
    "that sweeps too many": [
      (table) => ({ sweep: (time) => table.sweep(time + 7_200_000, Infinity) }),
      /^sweeps only expired records/,
    ],
  };

  for (const [what, [change, expected]] of Object.entries(broken)) {
    test(what, async () => {
      const failed: string[] = [];
      for (const clause of storeContract) {
        const rows = new Map<string, CasRow>();
        const table = mapTable(rows);
        const options = { ...table, ...change(table, rows) };
        await clause.check(() => casStore(options)).catch(() => failed.push(clause.name));
      }
      assert.ok(
        failed.some((name) => expected.test(name)),
        `only failed: ${failed.join("; ")}`,
      );
    });
  }
});

describe("a patch", () => {
  test("makes one call after a read or another patch, and is written over the current row", async () => {
    const { store, calls } = watched();
    const { id } = recordOf();
    await store.create(recordOf());
    await store.read(id, now);
    calls.length = 0;
    assert.deepEqual(await store.patch(id, setting("d:a"), now), {
      kind: "applied",
      revision: 2,
      removed: [],
    });
    assert.deepEqual(await store.patch(id, setting("d:b"), now), {
      kind: "applied",
      revision: 3,
      removed: [],
    });
    assert.deepEqual(calls, ["replaceIf", "replaceIf"]);
  });

  test("loses nothing that another process wrote since this one read, and reports no outcome of an old record", async () => {
    const { store, table } = watched();
    const other = casStore(table);
    const { id } = recordOf();
    await store.create(recordOf());
    await other.patch(id, setting("d:other"), now);
    assert.equal((await store.patch(id, setting("d:own"), now)).kind, "applied");
    assert.deepEqual([...((await other.read(id, now))?.fields.keys() ?? [])].toSorted(), [
      "d:other",
      "d:own",
    ]);

    const expect = { fields: new Map([["d:third", one]]) };
    await other.patch(id, setting("d:third"), now);
    assert.equal((await store.patch(id, { epoch: 0, expect }, now)).kind, "applied", "not a conflict");
    await other.patch(id, { epoch: 0, columns: { epoch: 1 } }, now);
    assert.equal((await store.patch(id, { epoch: 1 }, now)).kind, "applied", "not gone");
    await other.patch(id, { epoch: 1, retain: [] }, now);
    const limits = { prefix: "d:", bytes: 1000, fields: 1 };
    assert.equal(
      (await store.patch(id, { ...setting("d:a"), epoch: 1, limits }, now)).kind,
      "applied",
      "not full",
    );
  });

  test("says in whole milliseconds how long its caller waits, as AbortSignal.timeout takes them", async () => {
    const timeouts: number[] = [];
    const { store } = watched((table) => ({
      insert: (row, timeout) => (timeouts.push(timeout), table.insert(row, timeout)),
      replaceIf: (row, revision, timeout, isMoved) => (
        timeouts.push(timeout),
        table.replaceIf(row, revision, timeout, isMoved)
      ),
    }));
    const { id } = recordOf();
    await store.create(recordOf(), 1500.25);
    await store.patch(id, setting("d:a"), now, 1500.25);
    assert.equal(timeouts.length, 2);
    for (const timeout of timeouts) assert.ok(AbortSignal.timeout(timeout), `${timeout}`);
  });

  test("finds a row gone that was swept in between", async () => {
    const { store, rows } = watched();
    const { id } = recordOf();
    await store.create(recordOf());
    rows.clear();
    assert.deepEqual(await store.patch(id, setting("d:a"), now), { kind: "gone" });
    assert.equal(rows.size, 0);
  });

  test("is tried again for as long as other writes come first, and no longer than its caller waits", async () => {
    const { store, calls } = watched((table) => {
      const other = casStore(table);
      return {
        async replaceIf(row, revision, timeout) {
          // Another process is faster each time.
          await other.patch(row.id, setting("d:other"), now);
          return table.replaceIf(row, revision, timeout, true);
        },
      };
    });
    const { id } = recordOf();
    await store.create(recordOf());
    const start = performance.now();
    await assert.rejects(
      async () => store.patch(id, setting("d:a"), now, 300),
      isError("STORE_CONTENDED", true),
    );
    assert.ok(performance.now() - start <= 400, "it gave up in time");
    assert.ok(calls.filter((name) => name === "replaceIf").length > 3, "it tried several times");
  });

  test("takes few attempts even if many begin at once, so that their number grows little faster than theirs", async () => {
    const { store, table, calls } = watched();
    const other = casStore(table);
    const { id } = recordOf();
    await store.create(recordOf());
    const names = Array.from({ length: 100 }, (_, at) => `d:${at}`);
    const both = [store, other] as const;
    const outcomes = await Promise.all(
      names.map(async (name, at) => both[at % 2 === 0 ? 0 : 1].patch(id, setting(name), now)),
    );
    assert.ok(outcomes.every(({ kind }) => kind === "applied"));
    assert.deepEqual([...((await other.read(id, now))?.fields.keys() ?? [])].toSorted(), names.toSorted());
    assert.ok(
      calls.length < 2000,
      `${calls.length} calls; one after the other without pauses would be 5,000`,
    );
  });

  test("that finds no time left writes nothing", async () => {
    const { store, calls, rows } = watched((table) => ({
      async get(id) {
        const start = performance.now();
        while (performance.now() < start + 6);
        return table.get(id);
      },
    }));
    rows.set(recordOf().id, await rowOf());
    await assert.rejects(
      async () => store.patch(recordOf().id, setting("d:a"), now, 5),
      isError("STORE_TIMEOUT", true),
    );
    assert.deepEqual(calls, ["get"]);
  });

  test("passes on how long its caller still waits", async () => {
    const timeouts: number[] = [];
    const { store } = watched((table) => ({
      insert: (row, timeout) => (timeouts.push(timeout), table.insert(row, timeout)),
      replaceIf: (row, revision, timeout) => (
        timeouts.push(timeout),
        table.replaceIf(row, revision, timeout, true)
      ),
    }));
    await store.create(recordOf(), 700);
    await store.patch(recordOf().id, setting("d:a"), now, 700);
    await store.patch(recordOf().id, setting("d:b"), now);
    const [created, patched, byDefault] = timeouts;
    assert.equal(created, 700);
    assert.ok(patched !== undefined && patched <= 700 && patched > 600);
    assert.ok(byDefault !== undefined && byDefault <= 10_000 && byDefault > 9000);
  });

  test("is not written again after a function threw, since it may have been written", async () => {
    const { store, table, calls } = watched((all) => ({
      async replaceIf(row, revision, timeout) {
        await all.replaceIf(row, revision, timeout, true);
        throw new Error("the connection was lost");
      },
    }));
    await store.create(recordOf());
    await assert.rejects(async () => store.patch(recordOf().id, setting("d:a"), now), {
      message: /connection was lost/,
    });
    assert.deepEqual(calls, ["insert", "replaceIf"]);
    assert.equal((await casStore(table).read(recordOf().id, now))?.revision, 2);
  });
});

describe("a function that does not keep its promise is reported:", () => {
  test("replaceIf that refuses what get returns", async () => {
    const { store, calls } = watched(() => ({ replaceIf: () => false }));
    await store.create(recordOf());
    const start = performance.now();
    await assert.rejects(
      async () => store.patch(recordOf().id, setting("d:a"), now),
      (error) => {
        assert.ok(isError("STORE_FAILED", false)(error));
        assert.match(
          (error as Error).message,
          /replaceIf keeps refusing revision 1, which get still returns/,
        );
        return true;
      },
    );
    assert.ok(performance.now() - start < 1500, "before the time is up");
    assert.ok(calls.length < 30);
  });

  for (const [what, change] of [
    ["insert", { insert: () => undefined as unknown as boolean }],
    ["replaceIf", { replaceIf: () => 1 as unknown as boolean }],
    ["sweep", { sweep: () => 1n as unknown as number }],
    ["get", { get: () => ({ bytes: [1, 2, 3] as unknown as Uint8Array }) }],
    ["bySubject", { bySubject: () => [{ id: "x", bytes: "x" as unknown as Uint8Array }] }],
  ] as const) {
    test(`${what} that returns something else`, async () => {
      const { store, rows } = watched(() => change);
      rows.set(recordOf().id, await rowOf());
      await assert.rejects(
        async () => {
          await store.create(recordOf({ id: newId() }));
          await store.patch(recordOf().id, setting("d:a"), now);
          await store.list("lea", now);
          await store.sweep(now, 1);
        },
        (error) =>
          isError("STORE_FAILED", false)(error) && new RegExp(`: ${what} `).test((error as Error).message),
      );
    });
  }

  test("a damaged row is RECORD_UNREADABLE, and hides no other row of its subject", async () => {
    const { store, rows } = watched();
    await store.create(recordOf({ subject: "lea" }));
    await store.create(recordOf({ id: newId(), subject: "lea" }));
    rows.set(recordOf().id, { ...(await rowOf()), subject: "lea", bytes: Uint8Array.of(9, 9) });
    await assert.rejects(async () => store.read(recordOf().id, now), isError("RECORD_UNREADABLE", false));
    await assert.rejects(
      async () => store.patch(recordOf().id, { epoch: 1 }, now),
      isError("RECORD_UNREADABLE", false),
    );
    assert.equal((await store.list("lea", now)).length, 1);
  });
});

test("a subject's rows may come with more than was asked for: others' rows, expired ones, and one of them twice", async () => {
  const { store, rows } = watched((_, all) => ({ bySubject: () => [...all.values(), ...all.values()] }));
  await store.create(recordOf({ subject: "lea" }));
  await store.create(recordOf({ id: newId(), subject: "Lea" }));
  await store.create(recordOf({ id: newId(), subject: "lea", absoluteDeadline: now }));
  assert.equal(rows.size, 3);
  assert.deepEqual(
    (await store.list("lea", now)).map(({ id }) => id),
    [recordOf().id],
  );
});

test("hundreds of rows of one subject are listed without blocking other work", async () => {
  const { store } = watched();
  for (let at = 0; at < 500; at++) await store.create(recordOf({ id: newId(), subject: "lea" }));
  let turns = 0;
  const count = (): void => void (turns++, (counting = setImmediate(count)));
  let counting = setImmediate(count);
  assert.equal((await store.list("lea", now)).length, 500);
  clearImmediate(counting);
  // One of them is bySubject's own.
  assert.ok(turns >= 3, `${turns} turns`);
});

test("a table is told whether a patch moves the row in its indexes", async () => {
  const moved: boolean[] = [];
  const { store } = watched((table) => ({
    replaceIf: (row, revision, timeout, isMoved) => (
      moved.push(isMoved),
      table.replaceIf(row, revision, timeout, isMoved)
    ),
  }));
  await store.create(recordOf({ absoluteDeadline: now + 9_000_000 }));
  for (const columns of [{}, { permanent: true }, { subject: "lea" }, { lastSeenAt: now + 5 }, {}])
    await store.patch(recordOf().id, { ...setting("d:a"), columns }, now);
  assert.deepEqual(moved, [false, false, true, true, false]);
});

test("a row has whole milliseconds, rounded so that nothing is swept early, and bytes of its own", async () => {
  const { store, rows } = watched();
  await store.create(recordOf({ lastSeenAt: 1000.2, idleTimeout: 10 }));
  const [row] = rows.values();
  assert.equal(row?.expiresAt, 1011);
  assert.equal(row.bytes.byteLength, row.bytes.buffer.byteLength, "no pool is behind it");
  assert.equal(await store.sweep(1010.9, 10), 0);
  assert.equal(await store.sweep(1011, 10), 1);
});

test("a store on functions that return values returns values itself, not promises", () => {
  const rows = new Map<string, CasRow>();
  const store = casStore({
    name: "values",
    insert: (row) => !rows.has(row.id) && (rows.set(row.id, row), true),
    get: (id) => rows.get(id),
    replaceIf: (row, revision) => rows.get(row.id)?.revision === revision && (rows.set(row.id, row), true),
    bySubject: (subject) => [...rows.values()].filter((row) => row.subject === subject),
    sweep: () => 0,
  });
  assert.equal(store.create(recordOf({ subject: "lea" })), true);
  assert.equal(store.create(recordOf()), false);
  assert.deepEqual(store.patch(recordOf().id, setting("d:a"), now), {
    kind: "applied",
    revision: 2,
    removed: [],
  });
  assert.equal((store.read(recordOf().id, now) as { revision: number }).revision, 2);
  assert.equal((store.list("lea", now) as unknown[]).length, 1);
  assert.equal(store.sweep(now, 1), 0);
  assert.equal(store.close(), undefined);
});

test(
  "writes and sweeps of MariaDB from many connections at once get into no deadlock",
  { skip: withoutMariadb },
  async () => {
    const stores = Array.from({ length: 4 }, openMariadb);
    const visitor = async (at: number): Promise<void> => {
      const store = stores[at % stores.length];
      for (let visit = 0; visit < 30; visit++) {
        const [id, subject] = [newId(), `subject ${visit % 7}`];
        await store?.create(recordOf({ id, subject, idleTimeout: visit % 2 === 0 ? -1 : 3_600_000 }, now));
        await store?.patch(id, { epoch: 0, columns: { subject: "another" } }, now - 10);
        if (visit % 10 === 0) await store?.sweep(now, 20);
      }
    };
    await Promise.all(Array.from({ length: 20 }, async (_, at) => visitor(at)));
  },
);

test(
  "a write of MariaDB that finds its row locked is not carried out after its caller gave up",
  { skip: withoutMariadb },
  async () => {
    const store = openMariadb();
    const id = newId();
    await store.create(recordOf({ id }));
    const other = await mariadbPool().getConnection();
    await other.beginTransaction();
    await other.query(`SELECT * FROM ${mariadbTable} WHERE id = ? FOR UPDATE`, [id]);
    await assert.rejects(async () => store.patch(id, setting("d:a"), now, 200), {
      message: /max_statement_time/,
    });
    await other.commit();
    other.release();
    assert.equal((await store.read(id, now))?.revision, 1);
    assert.equal((await store.patch(id, setting("d:a"), now, 200)).kind, "applied");
  },
);

function isError(code: string, transient: boolean): (error: unknown) => boolean {
  return (error) => error instanceof StoreError && error.code === code && error.transient === transient;
}

/** The row of a new record. */
async function rowOf(): Promise<CasRow> {
  const { store, rows } = watched();
  await store.create(recordOf());
  const [row] = rows.values();
  assert.ok(row);
  return row;
}
