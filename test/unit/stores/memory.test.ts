import assert from "node:assert/strict";
import { test } from "node:test";
import type { SessionRecord } from "coatcheck/store";
import { memoryStore } from "coatcheck/memory";
import { KeyedHash } from "../../../src/stores/memory/keyed-hash.ts";
import { SharedValues } from "../../../src/stores/memory/shared-values.ts";
import { randomFrom } from "../../support/random.ts";
import { recordOf } from "../../support/records.ts";

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

/** A record of these columns whose one field is long enough to be shared. */
function withAgent(id: string, letter: number, columns: Partial<SessionRecord> = {}): SessionRecord {
  return { ...record, id, fields: new Map([["m:agent", new Uint8Array(100).fill(letter)]]), ...columns };
}

function userAgentOf(read: SessionRecord | null): number | undefined {
  return read?.fields.get("m:agent")?.[0];
}

test("a field that is read late is its own record's, though another's value took its number meanwhile", async () => {
  const store = memoryStore();
  void store.create(withAgent("one", 65));
  void store.create(withAgent("two", 65));
  const early = await store.read("two", 0);
  const patched = await store.read("two", 0);
  for (const id of ["one", "two"]) void store.patch(id, { epoch: 0, retain: [] }, 0);
  for (const id of ["three", "four", "five"]) void store.create(withAgent(id, 66));
  assert.equal(userAgentOf(early), 65);
  assert.deepEqual(
    [...(patched?.fields.values() ?? [])].map((bytes) => bytes[0]),
    [65],
  );
  assert.equal(userAgentOf(await store.read("five", 0)), 66);
});

test("a shared value is counted once for each record that holds it, and forgotten with the last", async (t) => {
  const uses = new Map<number, number>();
  // oxlint-disable-next-line typescript/unbound-method -- they are called on the values
  const { use, release } = SharedValues.prototype;
  t.mock.method(SharedValues.prototype, "use", function (this: SharedValues, text: string) {
    const number = use.call(this, text);
    if (number !== undefined) uses.set(number, (uses.get(number) ?? 0) + 1);
    return number;
  });
  t.mock.method(SharedValues.prototype, "release", function (this: SharedValues, number: number) {
    uses.set(number, (uses.get(number) ?? 0) - 1);
    release.call(this, number);
  });
  const store = memoryStore({ maxRecords: 6 });
  const letters = new Map<string, number>();
  let ids = 0;
  const pick = randomFrom(7);
  const anyId = (): string => [...letters.keys()][pick(letters.size)] ?? "";
  for (let step = 0; step < 3000; step++) {
    const letter = 65 + pick(3);
    const id = anyId();
    const now = step;
    switch (pick(6)) {
      case 0:
      case 1: {
        const made = `id ${ids++}`;
        const subject = pick(2) === 0 ? null : "leo";
        const times = { createdAt: now, lastSeenAt: now, idleTimeout: 1 + pick(400) };
        void store.create(withAgent(made, letter, { subject, ...times }));
        letters.set(made, letter);
        break;
      }
      case 2:
        void store.patch(
          id,
          { epoch: 0, set: new Map([["m:agent", new Uint8Array(100).fill(letter)]]) },
          now,
        );
        if ((await store.read(id, now)) !== null) letters.set(id, letter);
        break;
      case 3:
        void store.patch(id, { epoch: 0, columns: { subject: "ada", lastSeenAt: now } }, now);
        break;
      case 4:
        void store.patch(id, { epoch: 0, set: new Map([["d:a", Uint8Array.of(1)]]) }, now);
        break;
      default:
        void store.sweep(now, 2);
    }
    for (const [each, wanted] of letters) {
      const read = await store.read(each, now);
      if (read === null) letters.delete(each);
      else assert.equal(userAgentOf(read), wanted);
    }
    for (const count of uses.values())
      assert.ok(count >= 0 && count <= 6, "no more uses than records, nor fewer than none");
  }
  void store.sweep(1e9, 100);
  assert.ok(uses.size > 0);
  assert.deepEqual(new Set(uses.values()), new Set([0]));
});

for (const [name, end, collide] of [
  ["", "", false],
  // Of ids the end is hashed; of subjects all, under a key.
  [", though all have the same hash", " at their end", true],
] as const) {
  test(`ids and subjects may be any text, and are told apart${name}`, async (t) => {
    if (collide) t.mock.method(KeyedHash.prototype, "of", () => -1);
    const store = memoryStore();
    const beginnings = [
      "",
      "a",
      "aa",
      "é",
      "ü",
      "Ã©",
      "日本",
      "a".repeat(54),
      "a".repeat(55),
      "a".repeat(5000),
    ];
    const texts = beginnings.map((beginning) => beginning + end);
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
    assert.equal(await store.read(`aaa${end}`, 0), null);
    assert.deepEqual(await store.list("", 0), []);
  });
}
