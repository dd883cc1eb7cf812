import assert from "node:assert/strict";
import {
  binaryField,
  clause,
  created,
  doorAt,
  fieldsOf,
  newSubject,
  now,
  patchNow,
  plain,
  racing,
  recordWith,
  textsIn,
} from "./store-clause.ts";
import type { StoreClause } from "./store-clause.ts";
import { newRecordId } from "../crypto/ticket.ts";

const hour = 3_600_000;

/** What must hold of patches: all of it or nothing, only where the record is, whoever writes beside. */
export const patchClauses: readonly StoreClause[] = [
  clause("applies a patch: sets, removes, changes columns, counts the revision", async (store) => {
    const record = await created(store, recordWith({ fields: fieldsOf({ "d:a": "1", "d:b": "2" }) }));
    const subject = newSubject();
    const columns = {
      epoch: 1,
      verifier: new Uint8Array(32).fill(9),
      ticketAt: now + 1,
      subject,
      createdAt: now + 2,
      authenticatedAt: now + 3,
      lastSeenAt: now + 4,
      idleTimeout: 2 * hour,
      absoluteDeadline: now + 48 * hour,
      permanent: true,
    };
    const outcome = await patchNow(store, record.id, {
      set: fieldsOf({ "d:b": "two", "d:c": "3" }),
      remove: ["d:a"],
      columns,
    });
    assert.deepEqual(outcome, { kind: "applied", revision: 2, removed: ["d:a"] });
    const expected = { ...record, ...columns, revision: 2, fields: fieldsOf({ "d:b": "two", "d:c": "3" }) };
    assert.deepEqual(plain(await store.read(record.id, now)), plain(expected));
  }),

  clause("applies an empty patch, and counts it", async (store) => {
    const record = await created(store, recordWith());
    assert.deepEqual(await patchNow(store, record.id, {}), { kind: "applied", revision: 2, removed: [] });
    assert.equal((await store.read(record.id, now))?.revision, 2);
  }),

  clause("tells which removals found something", async (store) => {
    const record = await created(store, recordWith({ fields: fieldsOf({ "f:1": "x", "f:2": "y" }) }));
    const outcome = await patchNow(store, record.id, { remove: ["f:2", "f:3", "f:1"] });
    assert.deepEqual(outcome.kind === "applied" && outcome.removed.toSorted(), ["f:1", "f:2"]);
    const again = await patchNow(store, record.id, { remove: ["f:1"] });
    assert.deepEqual(again.kind === "applied" && again.removed, []);
  }),

  clause("retains the named fields, then removes, then sets", async (store) => {
    const record = await created(
      store,
      recordWith({ fields: fieldsOf({ "d:a": "1", "d:b": "2", "f:x": "3" }) }),
    );
    await patchNow(store, record.id, {
      retain: ["d:a", "d:b"],
      remove: ["d:b"],
      set: fieldsOf({ "d:c": "4" }),
    });
    assert.deepEqual(await textsIn(store, record.id), { "d:a": "1", "d:c": "4" });
    await patchNow(store, record.id, { retain: [], set: fieldsOf({ "d:a": "new" }) });
    assert.deepEqual(await textsIn(store, record.id), { "d:a": "new" });
  }),

  clause("never creates: a patch of an id that it does not hold finds it gone", async (store) => {
    const id = newRecordId();
    assert.deepEqual(await patchNow(store, id, { set: fieldsOf({ "d:a": "1" }) }), { kind: "gone" });
    assert.equal(await store.read(id, now), null);
  }),

  clause("finds an expired record gone, and does not bring it back", async (store) => {
    const record = await created(store, recordWith({ idleTimeout: hour }));
    const patch = { epoch: 0, columns: { lastSeenAt: now + hour }, set: fieldsOf({ "d:a": "late" }) };
    assert.deepEqual(await store.patch(record.id, patch, now + hour), { kind: "gone" });
    assert.equal(await store.read(record.id, now + hour), null);
  }),

  clause("finds a record of another epoch gone", async (store) => {
    const record = await created(store, recordWith({ epoch: 2 }));
    for (const epoch of [0, 1, 3]) {
      const patch = { epoch, set: fieldsOf({ "d:a": "late" }) };
      assert.deepEqual(await store.patch(record.id, patch, now), { kind: "gone" }, `epoch ${epoch}`);
    }
    assert.deepEqual(plain(await store.read(record.id, now)), plain(record));
  }),

  clause(
    "conflicts, doing nothing and showing the fresh record, when an expectation fails",
    async (store) => {
      const record = await created(store, recordWith({ fields: fieldsOf({ "d:a": "1" }) }));
      const failing = [
        { fields: new Map([["d:a", binaryField("2")]]) },
        { fields: new Map([["d:a", null]]) },
        { fields: new Map([["d:b", binaryField("")]]) },
        { verifier: new Uint8Array(32) },
        { verifier: record.verifier, fields: new Map([["d:a", binaryField("11")]]) },
      ];
      for (const expect of failing) {
        const outcome = await patchNow(store, record.id, {
          expect,
          retain: [],
          set: fieldsOf({ "d:c": "3" }),
          columns: { permanent: true },
        });
        assert.equal(outcome.kind, "conflict");
        assert.deepEqual(outcome.kind === "conflict" && plain(outcome.record), plain(record));
      }
      assert.deepEqual(plain(await store.read(record.id, now)), plain(record));
    },
  ),

  clause("applies when every expectation holds", async (store) => {
    const record = await created(store, recordWith({ fields: fieldsOf({ "d:a": "1", "d:e": "" }) }));
    const fields = new Map([
      ["d:a", binaryField("1")],
      ["d:e", binaryField("")],
      ["d:b", null],
    ]);
    const expect = { verifier: record.verifier, fields };
    assert.equal(
      (await patchNow(store, record.id, { expect, set: fieldsOf({ "d:b": "2" }) })).kind,
      "applied",
    );
  }),

  clause("lets a touch move the idle deadline", async (store) => {
    const record = await created(store, recordWith({ idleTimeout: hour }));
    await store.patch(record.id, { epoch: 0, columns: { lastSeenAt: now + hour / 2 } }, now + hour / 2);
    assert.notEqual(await store.read(record.id, now + 1.5 * hour - 1), null);
    assert.equal(await store.read(record.id, now + 1.5 * hour), null);
  }),

  clause("lets a patch shorten and lengthen a record's life", async (store) => {
    const record = await created(store, recordWith());
    await patchNow(store, record.id, {
      columns: { idleTimeout: 30 * 24 * hour, absoluteDeadline: now + 30 * 24 * hour },
    });
    assert.notEqual(await store.read(record.id, now + 29 * 24 * hour), null);
    await patchNow(store, record.id, { columns: { idleTimeout: 1000, absoluteDeadline: now + 1000 } });
    assert.notEqual(await store.read(record.id, now + 999), null);
    assert.equal(await store.read(record.id, now + 1000), null);
  }),

  racing("lets patches of different fields that race all survive", async (doors, id) => {
    const names = Array.from({ length: 20 }, (_, at) => `d:${at}`);
    await Promise.all(
      names.map(async (name, at) => patchNow(doorAt(doors, at), id, { set: fieldsOf({ [name]: "x" }) })),
    );
    assert.deepEqual(Object.keys(await textsIn(doorAt(doors, 0), id)).toSorted(), names.toSorted());
    assert.equal((await doorAt(doors, 0).read(id, now))?.revision, 21);
  }),

  racing("lets one of the patches that remove the same field win it", async (doors, id) => {
    await patchNow(doorAt(doors, 0), id, { set: fieldsOf({ "f:1": "once" }) });
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async (_, at) => patchNow(doorAt(doors, at), id, { remove: ["f:1"] })),
    );
    assert.equal(
      outcomes.filter((outcome) => outcome.kind === "applied" && outcome.removed.length === 1).length,
      1,
    );
  }),

  racing("lets one of the patches that expect the same bytes win", async (doors, id) => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        const expect = { fields: new Map([["d:n", null]]) };
        return patchNow(doorAt(doors, at), id, { expect, set: fieldsOf({ "d:n": String(at) }) });
      }),
    );
    assert.equal(outcomes.filter(({ kind }) => kind === "applied").length, 1);
    assert.equal(outcomes.filter(({ kind }) => kind === "conflict").length, 19);
  }),

  racing(
    "lets one of the patches that begin a new epoch win; for the others the session is gone",
    async (doors, id) => {
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, async (_, at) =>
          patchNow(doorAt(doors, at), id, { columns: { epoch: 1 } }),
        ),
      );
      assert.equal(outcomes.filter(({ kind }) => kind === "applied").length, 1);
      assert.equal(outcomes.filter(({ kind }) => kind === "gone").length, 19);
    },
  ),
];
