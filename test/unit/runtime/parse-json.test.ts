import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseJson } from "../../../src/runtime/parse-json.ts";

// Each text is one that JSON.parse of Node 22 to 26 gets wrong after the ones before it (nodejs/node#63785).
for (const [seen, text, key] of [
  ['{"a":1,"\\\\":1}', '{"a":1,"\\"":1}', '"'],
  ['{"c":1,"\\\\n":1}', '{"c":1,"\\nn":1}', "\nn"],
  ['{"e":{"\\\\":1}}', '{"e":{"\\r":1}}', "\r"],
] as const) {
  test(`a key that is written ${JSON.stringify(key)} is read so, whatever was read before`, () => {
    const keysOf = (json: unknown): string[] =>
      typeof json === "object" && json !== null
        ? Object.keys(json).concat(Object.values(json).flatMap(keysOf))
        : [];
    for (let time = 0; time < 5; time++) {
      JSON.parse(seen);
      parseJson(seen);
    }
    assert.deepEqual(keysOf(parseJson(text)).slice(1), [key]);
  });
}

test("every value comes out of its text as it went in, whatever its keys", () => {
  const key = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom('"', "\\", "\n", "\u007f", "\u007f00", "\\u005f", "\ud800", "__proto__", "1"),
  );
  const { tree } = fc.letrec<{ tree: unknown; leaf: unknown }>((tie) => ({
    leaf: fc.oneof(fc.string({ unit: "binary" }), fc.integer(), fc.boolean(), fc.constant(null)),
    tree: fc.oneof(
      { depthSize: "small" },
      tie("leaf"),
      fc.array(tie("tree")),
      fc.array(fc.tuple(key, tie("tree"))).map((pairs) => Object.fromEntries(pairs)),
    ),
  }));
  fc.assert(
    fc.property(tree, fc.constantFrom(undefined, 1), (value, space) => {
      assert.deepStrictEqual(parseJson(JSON.stringify(value, undefined, space)), value);
    }),
    { numRuns: 500 },
  );
});

test("a text of many megabytes is read", () => {
  const value = { "a\n": "x\n".repeat(5_000_000), b: [`"${"y".repeat(10_000_000)}`] };
  assert.deepEqual(parseJson(JSON.stringify(value)), value);
});

for (const text of ["", "{", '{"\\":1}', '{"\\q":1}', '{"a\n\\n":1}', '{"\\n":}', '"\\', '{"\\n" "a":1}']) {
  test(`what is no JSON is refused: ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseJson(text), SyntaxError);
  });
}
