import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { SessionRecord } from "coatcheck/store";
import { ChangedFields } from "../../../src/record/fields.ts";
import { packedExpiry, packRecord, unpackRecord } from "../../../src/record/binary/record.ts";
import { expiresAt } from "../../../src/record/record.ts";

const id = "AAAAAAAAAAAAAAAAAAAAAA";

const record: SessionRecord = {
  id,
  epoch: 1,
  revision: 300,
  verifier: Uint8Array.from({ length: 32 }, (_, at) => at + 100),
  ticketAt: 1_700_000_000_500,
  subject: "lüa",
  createdAt: 1_700_000_000_000,
  authenticatedAt: 1_700_000_000_200,
  lastSeenAt: 1_700_000_060_000,
  idleTimeout: 3_600_000,
  absoluteDeadline: 1_700_086_400_000,
  permanent: true,
  fields: new Map([
    ["d:ü", Uint8Array.of(7, 8)],
    ["m", new Uint8Array()],
  ]),
};

function pairs(fields: SessionRecord["fields"] | undefined): [string, number[]][] {
  return Array.from(fields ?? [], ([name, bytes]) => [name, [...bytes]]);
}

function assertSame(found: SessionRecord | undefined, wanted: SessionRecord): void {
  assert.ok(found);
  const { fields, verifier, ...rest } = found;
  const { fields: wantedFields, verifier: wantedVerifier, ...wantedRest } = wanted;
  assert.deepEqual(rest, wantedRest);
  assert.deepEqual([...verifier], [...wantedVerifier]);
  for (const [name, bytes] of wantedFields) assert.deepEqual([...(fields.get(name) ?? [])], [...bytes]);
  assert.deepEqual(pairs(fields), pairs(wantedFields));
  assert.equal(fields.size, wantedFields.size);
}

test("a record comes out of its packing as it went in, whatever is in it", () => {
  const time = fc.oneof(fc.maxSafeNat(), fc.double({ noNaN: true, min: 0, max: 2 ** 52 }), fc.nat());
  const columns = fc.record({
    epoch: fc.nat(),
    revision: fc.nat(),
    verifier: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    ticketAt: time,
    subject: fc.option(fc.string({ unit: "grapheme" })),
    createdAt: time,
    authenticatedAt: fc.option(time),
    lastSeenAt: time,
    idleTimeout: time,
    absoluteDeadline: time,
    permanent: fc.boolean(),
    fields: fc.dictionary(fc.string({ unit: "grapheme" }), fc.uint8Array({ maxLength: 300 })),
  });
  fc.assert(
    fc.property(columns, ({ fields, ...rest }) => {
      const given = { ...rest, id, fields: new Map(Object.entries(fields)) };
      const packed = packRecord(given);
      assertSame(unpackRecord(id, packed), given);
      assert.equal(packedExpiry(packed), expiresAt(given));
    }),
  );
});

test("a packed record that is packed again with changes over it holds what did not change, and the changes", () => {
  const name = fc.constantFrom("a", "b", "d:ü", "m:agent", "");
  const bytes = fc.uint8Array({ maxLength: 5 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, bytes)),
      fc.array(fc.tuple(name, fc.option(bytes))),
      (held, changes) => {
        const before = unpackRecord(id, packRecord({ ...record, fields: new Map(held) }));
        assert.ok(before);
        const fields = new ChangedFields(before.fields, new Map(changes));
        const after = unpackRecord(id, packRecord({ ...before, fields }));
        const wanted = new Map(held);
        for (const [changed, to] of new Map(changes)) {
          if (to === null) wanted.delete(changed);
          else wanted.set(changed, to);
        }
        // Nothing is in it twice, and all is at its place.
        assert.equal(packRecord({ ...before, fields }), packRecord({ ...before, fields: wanted }));
        const sorted = (found: SessionRecord["fields"] | undefined): [string, number[]][] =>
          pairs(found).toSorted(([one], [other]) => (one < other ? -1 : 1));
        assert.deepEqual(sorted(after?.fields), sorted(wanted));
      },
    ),
  );
});

test("a change of a name that a damaged record holds many times is written once", () => {
  const one = packRecord({ ...record, fields: new Map([["d:x", Uint8Array.of(7)]]) });
  const damaged = one + one.slice(-6).repeat(1000);
  const found = unpackRecord(id, damaged);
  assert.ok(found);
  const changes = new Map([["d:x", new Uint8Array(1000)]]);
  const packed = packRecord({ ...found, fields: new ChangedFields(found.fields, changes) });
  assert.ok(packed.length < one.length + 1100);
  assert.equal(unpackRecord(id, packed)?.fields.get("d:x")?.length, 1000);
});

test("a record larger than any before fits, and what comes after it is right, too", () => {
  const large = { ...record, fields: new Map([["d:x", new Uint8Array(100_000).fill(9)]]) };
  assertSame(unpackRecord(id, packRecord(large)), large);
  assertSame(unpackRecord(id, packRecord(record)), record);
});

test("the layout is what it was: files that are out there must stay readable", () => {
  assert.equal(
    Buffer.from(packRecord(record), "latin1").toString("hex"),
    "02" + // format
      "07" + // permanent, with a subject, authenticated
      "01ac02" + // epoch and revision
      "80d095ffbc31" + // created
      "f403e0d403c801" + // ticket, last seen and login, counted from there
      "80dddb0180b89929" + // idle timeout and absolute deadline
      Buffer.from(record.verifier).toString("hex") +
      "046cc3bc61" + // subject
      "04643ac3bc040708" + // a field of two bytes
      "016d00", // an empty one
  );
});

test("truncated text, and text of another format, is no record at all", () => {
  const packed = packRecord(record);
  const whole = packed.length;
  // A field begins after each of these, so that what is before it is a record with less in it.
  const ends = new Set([whole - 3, whole - 3 - 8]);
  for (let at = 0; at < whole; at++)
    assert.equal(unpackRecord(id, packed.slice(0, at)) === undefined, !ends.has(at), `${at} of ${whole}`);
  assert.equal(unpackRecord(id, `\u0001${packed.slice(1)}`), undefined);
  assert.equal(unpackRecord(id, `${packed[0]}\u0080${packed.slice(2)}`), undefined);
  assert.equal(unpackRecord(id, `${packed}\0`), undefined);
});

test("a length that is odd is of no field: lengths are doubled", () => {
  const packed = packRecord({ ...record, fields: new Map([["m", Uint8Array.of(65, 65)]]) });
  assert.ok(packed.endsWith("\u0001m\u0004AA"));
  assert.equal(unpackRecord(id, `${packed.slice(0, -3)}\u0005AA`), undefined);
  assert.equal(unpackRecord(id, `${packed.slice(0, -3)}\u0003A`), undefined);
});
