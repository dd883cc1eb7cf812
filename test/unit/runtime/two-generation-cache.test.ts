import assert from "node:assert/strict";
import { test } from "node:test";
import { fingerprintOf, TwoGenerationCache } from "../../../src/runtime/two-generation-cache.ts";

test("there is room for one to two generations, and what is asked for stays", () => {
  const recent = new TwoGenerationCache<string>(100);
  recent.set(0, "asked for");
  for (let at = 1; at <= 10_000; at++) {
    recent.set(at, `value ${at}`);
    assert.equal(recent.get(0), "asked for");
  }
  const held = Array.from({ length: 10_000 }, (_, at) => recent.get(at + 1)).filter(
    (value) => value !== undefined,
  );
  assert.ok(held.length >= 100 && held.length <= 200, String(held.length));
  assert.ok(held.includes("value 10000"));
});

test("what weighs much takes the place of much", () => {
  const recent = new TwoGenerationCache<string>(100);
  recent.set(1, "one");
  recent.set(2, "two", 100);
  recent.set(3, "three", 100);
  assert.deepEqual([recent.get(1), recent.get(2), recent.get(3)], [undefined, "two", "three"]);
});

test("what is asked for again weighs what it weighed before", () => {
  const recent = new TwoGenerationCache<string>(100);
  let held = 0;
  for (let at = 0; at < 200; at++) {
    recent.set(at, "heavy", 10);
    // Each is asked for before it is forgotten.
    held = Array.from({ length: at }, (_, earlier) => recent.get(earlier)).filter(Boolean).length;
  }
  assert.ok(held <= 20, String(held));
});

test("a value takes the place of the one with the same fingerprint", () => {
  const recent = new TwoGenerationCache<string>(1);
  recent.set(7, "old");
  recent.set(7, "new");
  assert.equal(recent.get(7), "new");
  recent.set(8, "another");
  assert.equal(recent.get(7), "new");
});

test("a fingerprint is made of five characters from there on", () => {
  assert.equal(fingerprintOf("__abcdeX", 2), fingerprintOf("abcdeY", 0));
  assert.notEqual(fingerprintOf("abcde", 0), fingerprintOf("abcdf", 0));
  assert.notEqual(fingerprintOf("abcde", 0), fingerprintOf("bbcde", 0));
});
