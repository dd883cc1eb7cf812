import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { SessionRecord } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { packRecord, unpackRecord } from "../../src/stores/memory/packed-record.ts";

const record: SessionRecord = {
  id: "AAAAAAAAAAAAAAAAAAAAAA",
  epoch: 0,
  revision: 1,
  verifier: new Uint8Array(32),
  ticketAt: 0,
  subject: null,
  createdAt: 0,
  authenticatedAt: null,
  lastSeenAt: 0,
  idleTimeout: 1000,
  absoluteDeadline: 100_000,
  permanent: false,
  fields: new Map(),
};

test("a sweep finds what lies before the place where the last one stopped", () => {
  const store = memoryStore();
  const create = (id: string, idleTimeout: number) => store.create({ ...record, id, idleTimeout });
  void create("first", 10_000);
  void create("second", 1000);
  void create("third", 1000);
  assert.equal(store.sweep(2000, 1), 1);
  assert.equal(store.sweep(20_000, 100), 2);
  assert.equal(store.sweep(20_000, 100), 0);
});

test("a record comes out of its packing as it went in, whatever is in it", () => {
  const bytes = (most: number) => fc.uint8Array({ maxLength: most });
  const time = fc.double({ noNaN: true, min: 0 });
  fc.assert(
    fc.property(
      fc.record({
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
        fields: fc.dictionary(fc.string({ unit: "grapheme" }), bytes(300)),
      }),
      (columns) => {
        const given: SessionRecord = {
          ...columns,
          id: record.id,
          fields: new Map(Object.entries(columns.fields)),
        };
        const { fields, verifier, ...rest } = unpackRecord(given.id, packRecord(given));
        const { fields: givenFields, verifier: givenVerifier, ...givenRest } = given;
        assert.deepEqual(rest, givenRest);
        assert.deepEqual([...verifier], [...givenVerifier]);
        assert.deepEqual(
          Array.from(fields, ([name, value]) => [name, ...value]),
          Array.from(givenFields, ([name, value]) => [name, ...value]),
        );
      },
    ),
  );
});
