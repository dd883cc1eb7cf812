import assert from "node:assert/strict";
import { test } from "node:test";
import type { SessionRecord } from "coatcheck";
import { memoryStore } from "coatcheck/memory";

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

test("a value that many records hold is there as long as one of them is", async () => {
  const store = memoryStore();
  const agent = new Uint8Array(100).fill(65);
  const ids = ["one", "two", "three", "four"];
  for (const id of ids) void store.create({ ...record, id, fields: new Map([["m:agent", agent]]) });
  for (const id of ids) {
    assert.deepEqual(Buffer.from((await store.read(id, 0))?.fields.get("m:agent") ?? []), Buffer.from(agent));
    void store.patch(id, { epoch: 0, set: new Map([["d:a", Uint8Array.of(1)]]) }, 0);
    assert.deepEqual(Buffer.from((await store.read(id, 0))?.fields.get("m:agent") ?? []), Buffer.from(agent));
    void store.patch(id, { epoch: 0, retain: [] }, 0);
    assert.equal((await store.read(id, 0))?.fields.get("m:agent"), undefined);
  }
});
