import assert from "node:assert/strict";
import { test } from "node:test";
import { idHash } from "../../../src/stores/memory/id-hash.ts";
import { KeyedHash } from "../../../src/stores/memory/keyed-hash.ts";
import { SlotTable } from "../../../src/stores/memory/slot-table.ts";
import { randomFrom } from "../../support/random.ts";
import { newId } from "../../support/records.ts";

// Hashes as they come by chance one time in millions, or never.
for (const [name, hashOf] of [
  ["all texts have the same hash", () => -1],
  ["hashes lie at both ends of the table", (number: number) => [0, -1, -2][number % 3] ?? 0],
  ["hashes lie close to each other", (number: number) => (number % 8) << 26],
] as const) {
  test(`a table finds what is in it, and nothing else, though ${name}`, () => {
    const pick = randomFrom(11);
    const texts: string[] = [];
    const table = new SlotTable((slot, text) => texts[slot] === text);
    const model = new Map<string, number>();
    const free = Array.from({ length: 20 }, (_, at) => at + 1);
    table.grow(21);
    for (let step = 0; step < 4000; step++) {
      // Later there is room for more.
      if (step === 2000) {
        table.grow(41);
        free.push(...Array.from({ length: 20 }, (_, at) => at + 21));
      }
      const number = pick(60);
      const [text, hash] = [`text ${number}`, hashOf(number)];
      const held = model.get(text);
      const slot = free[0];
      if (held === undefined && slot !== undefined) {
        free.shift();
        texts[slot] = text;
        table.add(hash, slot);
        model.set(text, slot);
      } else if (held !== undefined && slot !== undefined && pick(3) === 0) {
        free.shift();
        texts[slot] = text;
        table.replace(held, slot);
        free.push(held);
        model.set(text, slot);
      } else if (held !== undefined) {
        table.remove(held);
        free.push(held);
        model.delete(text);
      }
      for (let each = 0; each < 60; each++)
        assert.equal(
          table.find(hashOf(each), `text ${each}`),
          model.get(`text ${each}`) ?? 0,
          `step ${step}`,
        );
    }
  });
}

test("a text has the same hash each time, and another one under another key", () => {
  const [one, other] = [new KeyedHash(), new KeyedHash()];
  const texts = Array.from({ length: 100 }, (_, at) => `user-${at}`);
  const hashes = texts.map((text) => one.of(text));
  assert.deepEqual(
    texts.map((text) => one.of(text)),
    hashes,
  );
  assert.ok(hashes.filter((hash, at) => hash === other.of(texts[at] ?? "")).length < 5);
});

test("every character of a text counts for its hash, its length and the order, too", () => {
  const hash = new KeyedHash();
  const long = "abcdefghijklmnopqrstuv";
  const others = Array.from(long, (_, at) => `${long.slice(0, at)}\u0161${long.slice(at + 1)}`);
  const texts = ["", "\0", "\0\0", "\0\0\0", "ab", "ba", "a\0", "a", "\u6261", long, ...others];
  // Two in 500 pairs are alike by chance once in ten million runs.
  assert.ok(new Set(texts.map((text) => hash.of(text))).size >= texts.length - 1);
});

test("ids are hashed alike one time in thousands of millions, and spread over a table", () => {
  const ids = Array.from({ length: 10_000 }, newId);
  const hashes = ids.map((id) => idHash(id) >>> 0);
  // By chance there is a pair in every hundredth run.
  assert.ok(new Set(hashes).size >= ids.length - 2);
  const inFirstTenth = hashes.filter((hash) => hash < 2 ** 32 / 10).length;
  assert.ok(inFirstTenth > 800 && inFirstTenth < 1200, `${inFirstTenth}`);
});
