import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { memoryStore } from "coatcheck/memory";
import { recordOf } from "../support/records.ts";

const record = recordOf({ idleTimeout: 1000, absoluteDeadline: 100_000 }, 0);

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

test("a value that many records hold is there until each of them drops it", async () => {
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

test("a field that is read late is what it was when its record was read", async () => {
  const store = memoryStore();
  const agent = (letter: number): Map<string, Uint8Array> =>
    new Map([["m:agent", new Uint8Array(100).fill(letter)]]);
  void store.create({ ...record, fields: agent(65) });
  const [early, whole] = [await store.read(record.id, 0), await store.read(record.id, 0)];
  void store.patch(record.id, { epoch: 0, set: agent(66) }, 0);
  assert.equal(early?.fields.get("m:agent")?.[0], 65);
  assert.deepEqual(
    Array.from(whole?.fields.values() ?? [], (bytes) => bytes[0]),
    [65],
  );
  assert.equal((await store.read(record.id, 0))?.fields.get("m:agent")?.[0], 66);
});

test("ids and subjects may be any text, and are told apart", async () => {
  const store = memoryStore();
  const texts = ["", "a", "aa", "é", "ü", "Ã©", "日本", "a".repeat(54), "a".repeat(55), "a".repeat(5000)];
  for (const text of texts)
    assert.equal(await store.create({ ...record, id: text, subject: `${text}!` }), true);
  for (const text of texts) {
    assert.equal(await store.create({ ...record, id: text }), false);
    assert.equal((await store.read(text, 0))?.subject, `${text}!`);
    const listed = await store.list(`${text}!`, 0);
    assert.deepEqual(
      listed.map(({ id }) => id),
      [text],
    );
  }
  assert.equal(await store.read("aaa", 0), null);
  assert.deepEqual(await store.list("", 0), []);
});

test("of a request from which an id or a subject was cut out, nothing else stays in memory", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const inUse = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const store = memoryStore();
  const id = (at: number): string => `id of visitor ${at}`;
  /** A text that ends a request of 200 kB. */
  const cutOut = (text: string): string => Buffer.alloc(200_000, " ").toString().concat(text).trim();
  const before = inUse();
  for (let at = 0; at < 500; at++) {
    void store.create({ ...record, id: cutOut(id(at)), subject: cutOut(`subject of visitor ${at}`) });
    void store.patch(cutOut(id(at)), { epoch: 0, columns: { lastSeenAt: 1 } }, 0);
    const subject = cutOut(`another subject of visitor ${at}`);
    if (at % 2 === 0) void store.patch(cutOut(id(at)), { epoch: 0, columns: { subject } }, 0);
  }
  const megabytes = (inUse() - before) / 1e6;
  assert.ok(megabytes < 20, `${megabytes} MB`);
  assert.notEqual(store.read(id(499), 0), null);
});
