import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { ChangedFields, binaryField, eachLength } from "../../../src/record/fields.ts";
import { packRecord, unpackRecord } from "../../../src/record/binary/record.ts";
import type { Fields } from "../../../src/record/fields.ts";
import { recordOf } from "../../support/record.ts";

/** The same fields as a record has them that was packed. */
function packed(fields: Fields): Fields {
  const record = recordOf({ fields });
  return unpackRecord(record.id, packRecord(record))?.fields ?? new Map();
}

const names = ["a", "b", "c", "d:ü", ""];
const name = fc.constantFrom(...names);
const bytes = fc.uint8Array({ maxLength: 5 });
const layers = fc.array(fc.array(fc.tuple(name, fc.option(bytes))).map((pairs) => new Map(pairs)));

for (const [kind, held] of [
  ["a map", (fields: Fields) => fields],
  ["a packed record", packed],
] as const) {
  test(`fields of ${kind} with changes over them are what a changed copy would be, however they are asked`, () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, bytes)), layers, (pairs, changes) => {
        const copy = new Map(pairs);
        let fields = held(new Map(pairs));
        for (const layer of changes) {
          fields = new ChangedFields(fields, layer);
          for (const [changed, to] of layer) {
            if (to === null) copy.delete(changed);
            else copy.set(changed, to);
          }
        }
        // One by one first: that is what needs no map.
        for (const asked of names) {
          const wanted = copy.get(asked);
          assert.equal(fields.has(asked), wanted !== undefined);
          assert.deepEqual(plain(fields.get(asked)), plain(wanted));
          assert.equal(
            binaryField(fields, asked),
            wanted === undefined ? undefined : Buffer.from(wanted).toString("latin1"),
          );
        }
        const lengths = new Map<string, number>();
        eachLength(fields, (asked, length) => lengths.set(asked, length));
        assert.deepEqual(lengths, new Map(Array.from(copy, ([asked, { length }]) => [asked, length])));
        assert.equal(fields.size, copy.size);
        assert.deepEqual(
          new Map(Array.from(fields, ([asked, found]) => [asked, plain(found)])),
          new Map(Array.from(copy, ([asked, found]) => [asked, plain(found)])),
        );
        for (const asked of names) assert.deepEqual(plain(fields.get(asked)), plain(copy.get(asked)));
      }),
    );
  });
}

function plain(found: Uint8Array | undefined): number[] | undefined {
  return found && [...found];
}
