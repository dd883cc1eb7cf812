import assert from "node:assert/strict";
import {
  binaryField,
  clause,
  created,
  doorAt,
  fieldsOf,
  now,
  patchNow,
  plain,
  racing,
  recordWith,
  textsIn,
} from "./store-clause.ts";
import type { StoreClause } from "./store-clause.ts";
import type { FieldLimits } from "../record/field-limits.ts";
import type { PatchOutcome } from "../record/patch.ts";
import type { Store } from "../record/store.ts";

/** Limits of `d:` fields. */
function limitsOf(limits: Partial<FieldLimits>): { readonly limits: FieldLimits } {
  return { limits: { prefix: "d:", bytes: 1000, fields: 100, ...limits } };
}

const full = (limit: "bytes" | "fields"): PatchOutcome => ({ kind: "full", limit });

/** A record whose `d:` fields take 20 bytes, names and values; the other fields count for nothing. */
async function createdWithTwenty(store: Store): Promise<string> {
  const fields = fieldsOf({ "d:ü": "123456", "d:bc": "123456", "e:x": "x".repeat(500), "f:1": "", d: "d" });
  return (await created(store, recordWith({ fields }))).id;
}

/** What must hold of patches that say how much a record may hold, and of which fields only the newest. */
export const limitClauses: readonly StoreClause[] = [
  clause(
    "fills a record up to the bytes that a patch allows, names and values, and not beyond",
    async (store) => {
      const id = await createdWithTwenty(store);
      const before = plain(await store.read(id, now));
      const patch = { set: fieldsOf({ "d:x": "1234567", "e:x": "y".repeat(2000) }) };
      const refused = await patchNow(store, id, { ...patch, ...limitsOf({ bytes: 29 }) });
      assert.deepEqual(refused, full("bytes"));
      assert.deepEqual(plain(await store.read(id, now)), before, "nothing was done");
      const fits = await patchNow(store, id, { ...patch, ...limitsOf({ bytes: 30 }) });
      assert.deepEqual(fits, { kind: "applied", revision: 2, removed: [] });
      assert.equal((await textsIn(store, id))["d:x"], "1234567");
    },
  ),

  clause("fills a record up to the number of fields that a patch allows, and not beyond", async (store) => {
    const id = await createdWithTwenty(store);
    const before = plain(await store.read(id, now));
    const set = fieldsOf({ "d:x": "", "d:y": "", "e:y": "" });
    assert.deepEqual(await patchNow(store, id, { set, ...limitsOf({ fields: 3 }) }), full("fields"));
    assert.deepEqual(plain(await store.read(id, now)), before, "nothing was done");
    assert.equal((await patchNow(store, id, { set, ...limitsOf({ fields: 4 }) })).kind, "applied");
  }),

  clause(
    "counts what a patch leaves: what it retains, without what it removes, with what it sets",
    async (store) => {
      const change = {
        retain: ["d:ü", "d:bc", "d:none"],
        remove: ["d:bc", "d:bc", "d:x"],
        set: fieldsOf({ "d:x": "123" }),
      };
      for (const [limits, kind] of [
        [{ bytes: 16 }, "applied"],
        [{ bytes: 16, fields: 2 }, "applied"],
        // Fewer than it leaves, and it leaves fewer than there were.
        [{ bytes: 15 }, "applied"],
      ] as const) {
        const id = await createdWithTwenty(store);
        assert.equal((await patchNow(store, id, { ...change, ...limitsOf(limits) })).kind, kind);
        assert.deepEqual(await textsIn(store, id), { "d:ü": "123456", "d:x": "123" });
      }
      const more = { ...change, set: fieldsOf({ "d:x": "12345678", "d:y": "x" }) };
      const id = await createdWithTwenty(store);
      assert.deepEqual(await patchNow(store, id, { ...more, ...limitsOf({ bytes: 24 }) }), full("bytes"));
      assert.deepEqual(await patchNow(store, id, { ...more, ...limitsOf({ fields: 2 }) }), full("fields"));
      assert.equal(
        (await patchNow(store, id, { ...more, ...limitsOf({ bytes: 25, fields: 3 }) })).kind,
        "applied",
      );
    },
  ),

  clause(
    "lets what passes a limit already be made smaller, and be written again at its size",
    async (store) => {
      const id = await createdWithTwenty(store);
      const tight = limitsOf({ bytes: 5, fields: 1 });
      for (const set of [
        { "d:bc": "654321" },
        { "e:x": "other" },
        { "d:ü": "12345", "d:bc": "1234567" },
        { "d:ü": "1" },
      ])
        assert.equal((await patchNow(store, id, { set: fieldsOf(set), ...tight })).kind, "applied");
      assert.deepEqual(
        await patchNow(store, id, { set: fieldsOf({ "d:ü": "12" }), ...tight }),
        full("bytes"),
      );
      const another = { remove: ["d:bc"], set: fieldsOf({ "d:z": "1" }), ...tight };
      assert.equal((await patchNow(store, id, another)).kind, "applied");
      const remove = { remove: ["d:z"], ...tight };
      assert.equal((await patchNow(store, id, remove)).kind, "applied");
    },
  ),

  clause("tells gone and conflict before full", async (store) => {
    const id = await createdWithTwenty(store);
    const set = { set: fieldsOf({ "d:x": "x" }), ...limitsOf({ bytes: 1 }) };
    assert.equal((await patchNow(store, id, { ...set, epoch: 1 })).kind, "gone");
    const expect = { fields: new Map([["d:bc", binaryField("other")]]) };
    assert.equal((await patchNow(store, id, { ...set, expect })).kind, "conflict");
  }),

  clause("counts again where the record is no longer what its writer has counted", async (store) => {
    const id = await createdWithTwenty(store);
    const counted = { set: fieldsOf({ "d:x": "1234567" }), ...limitsOf({ bytes: 30, countedAt: 1 }) };
    assert.equal((await patchNow(store, id, counted)).kind, "applied");
    const late = { set: fieldsOf({ "d:y": "" }), ...limitsOf({ bytes: 30, countedAt: 1 }) };
    assert.deepEqual(await patchNow(store, id, late), full("bytes"));
  }),

  clause("leaves the newest of some fields: those whose names come last, byte by byte", async (store) => {
    const names = [
      "f:0",
      "f:00",
      "f:9",
      "f:A",
      "f:_",
      "f:a",
      "f:-",
      "f:aa",
      "f:ü",
      "f:\uffff",
      "f:\u{1f39f}",
    ];
    for (const count of [1, 5, names.length - 1]) {
      const fields = fieldsOf({ "d:a": "1", "e:a": "1", g: "1" });
      const { id } = await created(store, recordWith({ fields }));
      const some = Object.fromEntries(names.slice(0, 6).map((name) => [name, "old"]));
      await patchNow(store, id, { set: fieldsOf(some) });
      const rest = Object.fromEntries(names.slice(6).map((name) => [name, "new"]));
      const outcome = await patchNow(store, id, { set: fieldsOf(rest), newest: { prefix: "f:", count } });
      const inOrder = names.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
      assert.deepEqual(
        outcome.kind === "applied" && outcome.removed.toSorted(),
        inOrder.slice(0, -count).toSorted(),
        "those that were removed are told",
      );
      assert.deepEqual(
        Object.keys(await textsIn(store, id)).toSorted(),
        ["d:a", "e:a", "g", ...inOrder.slice(-count)].toSorted(),
      );
    }
  }),

  clause("removes nothing where there are no more than the newest", async (store) => {
    const { id } = await created(
      store,
      recordWith({ fields: fieldsOf({ "f:1": "", "f:2": "", "d:a": "" }) }),
    );
    const patch = { remove: ["f:1"], set: fieldsOf({ "f:3": "" }), newest: { prefix: "f:", count: 2 } };
    assert.deepEqual(await patchNow(store, id, patch), { kind: "applied", revision: 2, removed: ["f:1"] });
    assert.deepEqual(Object.keys(await textsIn(store, id)).toSorted(), ["d:a", "f:2", "f:3"]);
  }),

  racing("lets no more patches that race fill a record than fit into it", async (doors, id) => {
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, async (_, at) => {
        const set = fieldsOf({ [`d:${10 + at}`]: "x".repeat(96) });
        // Each knows of the empty record alone.
        return patchNow(doorAt(doors, at), id, { set, ...limitsOf({ bytes: 1050, countedAt: 1 }) });
      }),
    );
    assert.equal(outcomes.filter(({ kind }) => kind === "applied").length, 10);
    assert.equal(outcomes.filter(({ kind }) => kind === "full").length, 30);
    assert.equal((await doorAt(doors, 0).read(id, now))?.fields.size, 10);
  }),

  racing(
    "leaves the newest of the fields that patches set that race, and tells of each other one once",
    async (doors, id) => {
      const names = Array.from({ length: 40 }, (_, at) => `f:${10 + at}`);
      const outcomes = await Promise.all(
        names.map(async (name, at) =>
          patchNow(doorAt(doors, at), id, {
            set: fieldsOf({ [name]: "" }),
            newest: { prefix: "f:", count: 8 },
          }),
        ),
      );
      assert.deepEqual(Object.keys(await textsIn(doorAt(doors, 0), id)).toSorted(), names.slice(-8));
      const removed = outcomes.flatMap((outcome) => (outcome.kind === "applied" ? outcome.removed : []));
      assert.deepEqual(removed.toSorted(), names.slice(0, -8));
    },
  ),
];
