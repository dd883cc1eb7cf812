import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { decodeValue, encodeValue } from "../../src/core/values.ts";

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

function holed(): number[] {
  const array = [1, 2, 3];
  delete array[1]; // oxlint-disable-line no-array-delete -- a hole is the point
  return array;
}

class Coat {
  readonly colour = "blue";
}

const refused: Record<string, readonly [unknown, RegExp]> = {
  undefined: [undefined, /^key is undefined/],
  "a function": [{ a: () => 1 }, /^key\.a is a function/],
  "a symbol": [[Symbol("s")], /^key\[0\] is a symbol/],
  NaN: [{ a: [Number.NaN] }, /^key\.a\[0\] is NaN/],
  Infinity: [new Set([Infinity]), /^key\[Set item 0\] is Infinity/],
  "an invalid Date": [new Map([["a", new Date(Number.NaN)]]), /^key\[Map value 0\] is an invalid Date/],
  "an object of a class": [{ a: new Coat() }, /^key\.a is a Coat/],
  "a subclass of Date": [new (class Later extends Date {})(), /^key is a Later/],
  "a Buffer": [Buffer.from("x"), /^key is a Buffer/],
  "a typed array": [new Float64Array(1), /^key is a Float64Array/],
  "an ArrayBuffer": [new ArrayBuffer(1), /^key is a ArrayBuffer/],
  "an error": [new Error("x"), /^key is a Error/],
  "a regular expression": [/x/, /^key is a RegExp/],
  "a promise": [Promise.resolve(), /^key is a Promise/],
  "a boxed string": [new String("x"), /^key is a String/],
  "an object without prototype": [Object.create(null), /^key is a object without a prototype/],
  "a hole": [holed(), /^key is an array with holes/],
  "an array with a property": [
    Object.assign([1], { a: 1 }),
    /^key is an array with holes or extra properties/,
  ],
  "a hole beside a property": [
    Object.assign(holed(), { a: 1 }),
    /^key is an array with holes or extra properties/,
  ],
  "a Map with a property": [Object.assign(new Map(), { a: 1 }), /^key is a Map with extra properties/],
  "a Date with a property": [Object.assign(new Date(), { a: 1 }), /^key is a Date with extra properties/],
  "what only looks like a Date": [
    { a: Object.create(Date.prototype) as unknown },
    /^key\.a only looks like a Date/,
  ],
  "what only looks like a Map": [Object.create(Map.prototype), /^key only looks like a Map/],
  "what only looks like bytes": [Object.create(Uint8Array.prototype), /^key only looks like a Uint8Array/],
  "what only looks like a URL": [Object.create(URL.prototype), /^key only looks like a URL/],
  "a symbol as key": [{ [Symbol("s")]: 1 }, /^key has a symbol/],
  "a getter": [
    {
      get a() {
        return 1;
      },
    },
    /^key\.a is hidden or computed/,
  ],
  "a hidden property": [Object.defineProperty({}, "a", { value: 1 }), /^key\.a is hidden or computed/],
  "undefined deep inside": [
    { a: [{ b: new Map([[{ c: undefined }, 1]]) }] },
    /^key\.a\[0\]\.b\[Map key 0\]\.c is undefined/,
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
    '{"$Date":null}',
    '{"$Map":[[1]]}',
    '{"$Map":[1]}',
    '{"$Map":{}}',
    '{"$Set":{}}',
    '{"$bigint":"1.5"}',
    '{"$bigint":1}',
    '{"$URL":"nonsense"}',
    '{"$URL":{}}',
    '{"$bytes":5}',
    '{"$number":"0"}',
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
