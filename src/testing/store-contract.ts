import assert from "node:assert/strict";
import {
  clause,
  created,
  fieldsOf,
  newSubject,
  now,
  patchNow,
  plain,
  recordWith,
  textsIn,
} from "./store-clause.ts";
import type { StoreClause } from "./store-clause.ts";
import { limitClauses } from "./store-limit-clauses.ts";
import { patchClauses } from "./store-patch-clauses.ts";
import { newRecordId } from "../crypto/ticket.ts";

const hour = 3_600_000;

const recordClauses: readonly StoreClause[] = [
  clause("returns a record as it was created", async (store) => {
    const everyByte = Uint8Array.from({ length: 256 }, (_, at) => at);
    const record = recordWith({
      epoch: 3,
      revision: 7,
      subject: newSubject(),
      authenticatedAt: now - 5,
      permanent: true,
      fields: new Map([
        ["d:bytes", everyByte],
        ["d:empty", new Uint8Array()],
        ["d:large", new Uint8Array(65_536).fill(7)],
      ]),
    });
    await created(store, record);
    assert.deepEqual(plain(await store.read(record.id, now)), plain(record));
  }),

  clause("accepts any field name", async (store) => {
    const names = ["d:ü 日本 🎟", "d:__proto__", "d:constructor", "d:a:b*?[x]{y}", "d:'\"\\`;--", "f:0"];
    const fields = fieldsOf(Object.fromEntries(names.map((name, at) => [name, String(at)])));
    const record = await created(store, recordWith({ fields }));
    assert.deepEqual(plain(await store.read(record.id, now)), plain(record));
  }),

  clause("does not confuse a field's name with a similar one in another record", async (store) => {
    // JSON.parse may confuse them (nodejs/node#63785): it takes a backslash that it has seen before for a quotation mark.
    for (const name of ["d:\\", 'd:"', "d:\\n", "d:\n"]) {
      const record = await created(store, recordWith({ fields: fieldsOf({ "d:!": "1", [name]: "2" }) }));
      for (let time = 0; time < 5; time++)
        assert.deepEqual(plain(await store.read(record.id, now)), plain(record));
    }
  }),

  clause("holds many fields in one record", async (store) => {
    const fields = fieldsOf(Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`d:${at}`, `${at}`])));
    const record = await created(store, recordWith({ fields }));
    assert.equal((await store.read(record.id, now))?.fields.size, 300);
  }),

  clause("does not create a record over an existing one", async (store) => {
    const first = await created(store, recordWith({ fields: fieldsOf({ "d:a": "first" }) }));
    assert.equal(
      await store.create(recordWith({ id: first.id, fields: fieldsOf({ "d:a": "second" }) })),
      false,
    );
    assert.deepEqual(await textsIn(store, first.id), { "d:a": "first" });
  }),

  clause("tells ids apart that differ only in upper and lower case", async (store) => {
    const id = newRecordId().replace(/^./, "a");
    const [one, other] = [id, `A${id.slice(1)}`];
    await created(store, recordWith({ id: one, fields: fieldsOf({ "d:a": "one" }) }));
    assert.equal(await store.read(other, now), null);
    assert.deepEqual(await patchNow(store, other, {}), { kind: "gone" });
    await created(store, recordWith({ id: other, fields: fieldsOf({ "d:a": "other" }) }));
    assert.deepEqual(await textsIn(store, one), { "d:a": "one" });
  }),

  clause("returns null for an unknown id", async (store) => {
    assert.equal(await store.read(newRecordId(), now), null);
  }),

  clause("keeps its records as they are if the caller changes what it passed in", async (store) => {
    const bytes = Buffer.from("kept");
    const verifier = new Uint8Array(32).fill(1);
    const fields = new Map<string, Uint8Array>([["d:a", bytes]]);
    const record = await created(store, recordWith({ verifier, fields }));
    bytes.fill(0);
    verifier.fill(0);
    fields.clear();
    const patched = Buffer.from("patched");
    await store.patch(record.id, { epoch: 0, set: new Map([["d:b", patched]]) }, now);
    patched.fill(0);
    assert.deepEqual(await textsIn(store, record.id), { "d:a": "kept", "d:b": "patched" });
    assert.equal((await store.read(record.id, now))?.verifier[0], 1);
  }),

  clause("keeps its records as they are if the caller changes what it got back", async (store) => {
    const record = await created(store, recordWith({ fields: fieldsOf({ "d:a": "kept" }) }));
    const out = await store.read(record.id, now);
    out?.fields.get("d:a")?.fill(0);
    out?.verifier.fill(0);
    const conflict = await store.patch(
      record.id,
      { epoch: 0, expect: { fields: new Map([["d:a", null]]) } },
      now,
    );
    if (conflict.kind === "conflict") conflict.record.fields.get("d:a")?.fill(0);
    assert.deepEqual(plain(await store.read(record.id, now)), plain(record));
  }),

  clause("holds a record until its idle deadline, and not at it", async (store) => {
    const record = await created(store, recordWith({ idleTimeout: hour }));
    assert.notEqual(await store.read(record.id, now + hour - 1), null);
    assert.equal(await store.read(record.id, now + hour), null);
  }),

  clause("holds a record until its absolute deadline, and not at it", async (store) => {
    const record = await created(store, recordWith({ idleTimeout: 10 * hour, absoluteDeadline: now + hour }));
    assert.notEqual(await store.read(record.id, now + hour - 1), null);
    assert.equal(await store.read(record.id, now + hour), null);
  }),

  clause("holds a record for 400 days", async (store) => {
    const lifetime = 400 * 24 * hour;
    const record = await created(
      store,
      recordWith({ idleTimeout: lifetime, absoluteDeadline: now + lifetime }),
    );
    assert.notEqual(await store.read(record.id, now), null);
    assert.notEqual(await store.read(record.id, now + lifetime - 1), null);
    assert.equal(await store.read(record.id, now + lifetime), null);
  }),
];

const subjectClauses: readonly StoreClause[] = [
  clause("lists a subject's records and nobody else's", async (store) => {
    const subject = newSubject();
    const one = await created(store, recordWith({ subject }));
    const two = await created(store, recordWith({ subject }));
    await created(store, recordWith({ subject: `${subject}x` }));
    await created(store, recordWith());
    const listed = await store.list(subject, now);
    assert.deepEqual(listed.map(plain).toSorted(byId), [one, two].map(plain).toSorted(byId));
    assert.deepEqual(await store.list(newSubject(), now), []);
  }),

  clause("accepts any text as a subject, as it is", async (store) => {
    const base = newSubject();
    const long = "日".repeat(255 - base.length); // the longest that a login accepts
    for (const odd of ["ü 日本", "'\"\\;--", "*?[a]{b}", "a b", "%_", "A", "a", "a ", long]) {
      const record = await created(store, recordWith({ subject: base + odd }));
      assert.deepEqual(
        (await store.list(base + odd, now)).map(({ id }) => id),
        [record.id],
        odd,
      );
    }
  }),

  clause("lists no expired records", async (store) => {
    const subject = newSubject();
    await created(store, recordWith({ subject, idleTimeout: hour }));
    assert.equal((await store.list(subject, now + hour - 1)).length, 1);
    assert.deepEqual(await store.list(subject, now + hour), []);
  }),

  clause("lists a record under the subject that a patch gave it, and only there", async (store) => {
    const [one, other] = [newSubject(), newSubject()];
    const record = await created(store, recordWith({ subject: one }));
    await store.patch(record.id, { epoch: 0, columns: { subject: other } }, now);
    assert.deepEqual(await store.list(one, now), []);
    assert.deepEqual(
      (await store.list(other, now)).map(({ id }) => id),
      [record.id],
    );
    await store.patch(record.id, { epoch: 0, columns: { subject: null } }, now);
    assert.deepEqual(await store.list(other, now), []);
  }),

  clause("sweeps only expired records, at most as many as requested", async (store) => {
    const subject = newSubject();
    const live = await created(store, recordWith({ subject }));
    const expired = Array.from({ length: 5 }, () =>
      recordWith({ idleTimeout: 1, absoluteDeadline: now + 1 }),
    );
    for (const record of expired) await created(store, record);
    const later = now + 2;
    assert.ok((await store.sweep(later, 2)) <= 2);
    // Records of other tests may be swept, too. The bound is far above their number.
    for (let calls = 0; calls < 10_000 && (await store.sweep(later, 500)) > 0; calls++);
    assert.equal(await store.sweep(later, 500), 0);
    assert.notEqual(await store.read(live.id, later), null);
    assert.equal((await store.list(subject, later)).length, 1);
    for (const record of expired) assert.equal(await store.read(record.id, now), null, "swept for good");
  }),

  {
    name: "shows in every instance what was written through another",
    async check(open) {
      const [one, other] = [await open(), await open()];
      try {
        const record = await created(one, recordWith());
        assert.deepEqual(plain(await other.read(record.id, now)), plain(record));
        await other.patch(record.id, { epoch: 0, set: fieldsOf({ "d:a": "there" }) }, now);
        assert.deepEqual(await textsIn(one, record.id), { "d:a": "there" });
      } finally {
        await one.close();
        if (other !== one) await other.close();
      }
    },
  },
];

function byId(one: unknown, other: unknown): number {
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
}

/** The contract of every store. The clauses can run on a store of their own or on a shared one. */
export const storeContract: readonly StoreClause[] = [
  ...recordClauses,
  ...patchClauses,
  ...limitClauses,
  ...subjectClauses,
];
