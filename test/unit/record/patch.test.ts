import assert from "node:assert/strict";
import { test } from "node:test";
import { applyPatch, expiresAt } from "coatcheck/store";
import type { Patch, SessionRecord } from "coatcheck/store";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

const record: SessionRecord = {
  id: "AAECAwQFBgcICQoLDA0ODw",
  epoch: 3,
  revision: 7,
  verifier: bytes(1, 2, 3),
  ticketAt: 0,
  subject: "leo",
  createdAt: 0,
  authenticatedAt: 0,
  lastSeenAt: 1000,
  idleTimeout: 500,
  absoluteDeadline: 2000,
  permanent: false,
  fields: new Map([
    ["d:a", bytes(1)],
    ["d:b", bytes(2)],
    ["f:1", bytes(3)],
  ]),
};

const apply = (patch: Partial<Patch>, now = 1400, to: SessionRecord | null = record) =>
  applyPatch(to, { epoch: 3, ...patch }, now);

test("a record ends at the earlier of its deadlines, and at that very millisecond", () => {
  assert.equal(expiresAt(record), 1500);
  assert.equal(expiresAt({ ...record, idleTimeout: 5000 }), 2000);
  assert.equal(apply({}, 1499).outcome.kind, "applied");
  assert.equal(apply({}, 1500).outcome.kind, "gone");
});

test("[80] a patch for no record, an expired one or another epoch is gone, and nothing is to be written", () => {
  for (const { outcome, next } of [
    apply({}, 1400, null),
    apply({}, 9999),
    apply({ epoch: 2 }),
    apply({ epoch: 4 }),
  ]) {
    assert.deepEqual([outcome, next], [{ kind: "gone" }, undefined]);
  }
});

test("a patch retains, then removes, then sets, and tells which removals it won", () => {
  const { outcome, next } = apply({
    retain: ["d:a", "f:1", "d:missing"],
    remove: ["f:1", "d:b", "f:2"],
    set: new Map([["d:c", bytes(9)]]),
    columns: { lastSeenAt: 1400 },
  });
  assert.deepEqual(outcome, { kind: "applied", revision: 8, removed: ["f:1"] });
  assert.deepEqual(next, {
    ...record,
    revision: 8,
    lastSeenAt: 1400,
    fields: new Map([
      ["d:a", bytes(1)],
      ["d:c", bytes(9)],
    ]),
  });
  assert.deepEqual(
    [...(apply({ remove: ["d:a"], set: new Map([["d:a", bytes(5)]]) }).next?.fields.get("d:a") ?? [])],
    [5],
  );
  assert.deepEqual(apply({ retain: [] }).next?.fields, new Map());
});

test("what a patch expects must hold as a whole, or it conflicts with the record as it is", () => {
  const holds: Patch["expect"][] = [
    {},
    { verifier: bytes(1, 2, 3) },
    { fields: new Map([["d:a", bytes(1)]]) },
    {
      fields: new Map<string, Uint8Array | null>([
        ["d:a", bytes(1)],
        ["d:z", null],
      ]),
    },
  ];
  for (const expect of holds)
    assert.equal(apply(expect === undefined ? {} : { expect }).outcome.kind, "applied");
  const fails: NonNullable<Patch["expect"]>[] = [
    { verifier: bytes(1, 2, 4) },
    { verifier: bytes(1, 2) },
    { fields: new Map([["d:a", bytes(2)]]) },
    { fields: new Map([["d:a", bytes(1, 0)]]) },
    { fields: new Map([["d:z", bytes()]]) },
    { fields: new Map([["d:a", null]]) },
    {
      fields: new Map<string, Uint8Array | null>([
        ["d:a", bytes(1)],
        ["d:b", null],
      ]),
    },
  ];
  for (const expect of fails) {
    const { outcome, next } = apply({ expect, set: new Map([["d:a", bytes(9)]]) });
    assert.deepEqual([outcome, next], [{ kind: "conflict", record }, undefined]);
  }
});

test("the record given is left as it was", () => {
  const before = structuredClone(record);
  apply({ retain: [], set: new Map([["d:a", bytes(9)]]), columns: { subject: null } });
  assert.deepEqual(structuredClone(record), before);
});
