import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { decodeValue, encodeValue } from "../../../src/services/values.ts";
import { hostileBlobs, textsWithProto } from "../../support/hostile-bytes.ts";

function roundTrip(value: unknown): unknown {
  return decodeValue(encodeValue(value, "key", 32));
}

/** Everything a session keeps, in each other. */
const value = fc.letrec<{ any: unknown; leaf: unknown }>((tie) => ({
  leaf: fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("$Date", "__proto__", "\\u", '"$', "-0", "\ud800", ""),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.constant(-0),
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array(),
    fc.webUrl({ withQueryParameters: true, withFragments: true }).map((url) => new URL(url)),
  ),
  any: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    tie("leaf"),
    fc.array(tie("any")),
    fc.array(fc.tuple(tie("any"), tie("any"))).map((pairs) => new Map(pairs)),
    fc.array(tie("any")).map((items) => new Set(items)),
    fc
      .array(
        fc.tuple(
          fc.oneof(fc.string(), fc.constantFrom("$Date", "$$Date", "$", "$number", "a", "constructor")),
          tie("any"),
        ),
      )
      .map((pairs) => Object.fromEntries(pairs.filter(([key]) => key !== "__proto__"))),
  ),
})).any;

describe("values come back as they went in", () => {
  test("whatever they are made of", () => {
    fc.assert(
      fc.property(value, (given) => {
        const text = encodeValue(given, "key", 256);
        const back = decodeValue(text);
        assert.deepStrictEqual(back, given);
        assert.equal(encodeValue(back, "key", 256), text);
      }),
      { numRuns: 1000 },
    );
  });

  test("with their types, their order and the sign of zero", () => {
    const given = {
      date: new Date(0),
      map: new Map<unknown, unknown>([
        [{ a: 1 }, new Set([1n, "1", 1])],
        [new Date(5), null],
      ]),
      bytes: Uint8Array.of(0, 128, 255),
      url: new URL("https://a.example/b?c#d"),
      big: -(2n ** 200n),
      zero: -0,
      nested: [[[-0]]],
    };
    const back = roundTrip(given) as typeof given;
    assert.deepStrictEqual(back, given);
    assert.ok(Object.is(back.zero, -0) && Object.is(back.nested[0]?.[0]?.[0], -0));
    assert.equal(Object.getPrototypeOf(back.bytes), Uint8Array.prototype);
    assert.ok(back.url instanceof URL && back.url.href === given.url.href);
    assert.deepEqual(Object.keys(back), Object.keys(given));
  });

  test("objects that look like our tags, too", () => {
    const lookalikes = [
      { $Date: 5 },
      { $$Date: 5 },
      { $Map: [["a", 1]] },
      { $: 1 },
      { $number: "-0" },
      { $Date: 5, other: 1 },
      { a: { $bytes: "AA==" } },
      [{ $Set: [] }],
    ];
    for (const given of lookalikes) assert.deepStrictEqual(roundTrip(given), given);
  });

  test("a value that holds the same object twice holds two equal ones", () => {
    const shared = { a: 1 };
    assert.deepStrictEqual(roundTrip([shared, shared]), [{ a: 1 }, { a: 1 }]);
  });
});

class Coat {
  readonly colour = "blue";
}

const refused: Record<string, readonly [unknown, RegExp]> = {
  undefined: [undefined, /^key is undefined/],
  "a function": [{ a: () => 1 }, /^key\.a is a function/],
  "a symbol": [[Symbol("s")], /^key\[0\] is a symbol/],
  "an object of a class": [{ a: new Coat() }, /^key\.a is a Coat, .*: give its class a toJSON method/],
  "a typed array": [new Float64Array(1), /^key is a Float64Array/],
  "a DataView": [new DataView(new ArrayBuffer(1)), /^key is a DataView/],
  "shared memory": [new SharedArrayBuffer(1), /^key is a SharedArrayBuffer/],
  "an error": [new Error("x"), /^key is a Error, .*: store its message/],
  "a regular expression": [/x/, /^key is a RegExp/],
  "a promise": [Promise.resolve(), /^key is a Promise, .*: await it first/],
  "a boxed string": [new String("x"), /^key is a String/],
  "what only looks like a Date": [
    { a: Object.create(Date.prototype) as unknown },
    /^key\.a has a toJSON that throws/,
  ],
  "what only looks like a Map": [Object.create(Map.prototype), /^key is a Map/],
  "what only looks like bytes": [Object.create(Uint8Array.prototype), /^key is a Uint8Array/],
  "what only looks like a URL": [Object.create(URL.prototype), /^key has a href that can't be read/],
  "a toJSON that throws": [
    {
      toJSON() {
        throw new Error("on purpose");
      },
    },
    /^key has a toJSON that throws/,
  ],
  "a toJSON that gives nothing": [{ toJSON: () => undefined }, /^key is undefined/],
  "a toJSON that gives something refused": [
    [{ toJSON: () => ({ a: () => 1 }) }],
    /^key\[0\]\.a is a function/,
  ],
  "a toJSON that gives itself": [
    {
      toJSON() {
        return this;
      },
    },
    /^key contains itself/,
  ],
  "an array made of holes": [
    Object.assign([], { 4_000_000_000: 1 }),
    /^key is an array that consists mostly of holes/,
  ],
  "a bigint without measure": [{ a: 2n ** 65_536n }, /^key\.a is a bigint of more than 65536 bits/],
  "an own __proto__": [JSON.parse('{"__proto__":{}}'), /^key\.__proto__ has a name/],
  "a function deep inside": [
    { a: [{ b: new Map([[{ c: () => 1 }, 1]]) }] },
    /^key\.a\[0\]\.b\[Map key 0\]\.c is a function/,
  ],
};

describe("what would not come back as it went in is refused with the path to it", () => {
  for (const [what, [given, message]] of Object.entries(refused)) {
    test(what, () => {
      assert.throws(() => encodeValue(given, "key", 32), {
        name: "MisuseError",
        code: "VALUE_NOT_STORABLE",
        message,
      });
    });
  }

  test("what contains itself", () => {
    const loop: unknown[] = [];
    loop.push({ again: new Map([[1, loop]]) });
    assert.throws(() => encodeValue(loop, "key", 32), {
      message: /^key\[0\]\.again\[Map value 0\] contains itself/,
    });
  });

  test("[89] what lies too deep, and not one level before", () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
    assert.deepStrictEqual(roundTrip(nested(32)), nested(32));
    assert.throws(() => encodeValue(nested(33), "key", 32), { name: "LimitError", code: "VALUE_TOO_DEEP" });
    assert.throws(() => encodeValue(nested(5000), "key", 32), { code: "VALUE_TOO_DEEP" });
  });
});

describe("a text that no value was written as is refused", () => {
  const texts = [
    "",
    "undefined",
    "{",
    "nul",
    "'x'",
    "NaN",
    '{"$Date":"2026"}',
    '{"$Map":[[1]]}',
    '{"$Map":[1]}',
    '{"$Map":{}}',
    '{"$Set":{}}',
    '{"$bigint":"1.5"}',
    '{"$bigint":1}',
    '{"$bigint":""}',
    '{"$bigint":" 1"}',
    '{"$bigint":"0x10"}',
    `{"$bigint":"${"9".repeat(19_730)}"}`,
    '{"$undefined":null}',
    '{"$undefined":1}',
    '{"$undefined":"undefined"}',
    '{"$URL":"nonsense"}',
    '{"$URL":{}}',
    '{"$bytes":5}',
    '{"$number":"0"}',
    '{"$number":"1e999"}',
    '{"$number":null}',
    '{"$unknown":"x"}',
    '{"$":1}',
    '[{"$Date":{}}]',
    "[".repeat(3000) + "]".repeat(3000),
  ];
  for (const text of texts) {
    test(text.slice(0, 30) || "(empty)", () => {
      assert.throws(() => decodeValue(text));
    });
  }
});

test("[91] a text with __proto__ in it, however spelt, is refused with a SyntaxError", () => {
  for (const text of textsWithProto) {
    assert.throws(() => decodeValue(text), SyntaxError, text);
  }
});

test("[47] what was not written by this package decodes to plain data or to a SyntaxError, without running anything", () => {
  for (const blob of hostileBlobs(10_000)) {
    try {
      const found = decodeValue(Buffer.from(blob).toString());
      assert.notEqual(typeof found, "function");
    } catch (error) {
      assert.ok(
        error instanceof SyntaxError || error instanceof RangeError || error instanceof TypeError,
        String(error),
      );
    }
  }
});
