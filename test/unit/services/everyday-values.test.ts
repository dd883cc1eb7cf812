import assert from "node:assert/strict";
import { parse } from "node:querystring";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { URL as NodesUrl } from "node:url";
import { createContext, runInContext, runInThisContext } from "node:vm";
import * as fc from "fast-check";
import { decodeValue, deepestJson, encodeValue } from "../../../src/services/values.ts";
import { Site, testOnStores } from "../../support/site.ts";
import { tampered } from "../../support/store-calls.ts";

function roundTrip(value: unknown): unknown {
  return decodeValue(encodeValue(value, "key", deepestJson));
}

/** Of a class that says what becomes of it. */
class Money {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
  toJSON(): unknown {
    return { cents: this.cents, at: new Date(this.cents) };
  }
}

class Labels extends Map<number, number> {
  readonly language = "en";
}

class List extends Array<number> {}

class LaterDate extends Date {
  readonly zone = "UTC";
}

function rowOf(sql: string): unknown {
  return new DatabaseSync(":memory:").prepare(sql).get();
}

/** As Express 5 makes `req.params`. */
function withoutPrototype(properties: object): object {
  return Object.assign(Object.create(null) as object, properties);
}

const getter = {
  get a() {
    return 1;
  },
};

/** What goes in, and what comes back. */
const normalised: Record<string, readonly [unknown, unknown]> = {
  "an optional property": [{ name: "x", avatar: undefined }, { name: "x" }],
  "an optional property beside one that looks like a tag": [{ $Date: 5, avatar: undefined }, { $Date: 5 }],
  "undefined in an array": [
    [undefined, 1],
    [undefined, 1],
  ],
  "undefined in a Map and a Set": [
    [new Map([[undefined, undefined]]), new Set([undefined])],
    [new Map([[undefined, undefined]]), new Set([undefined])],
  ],
  "numbers that JSON has no word for": [
    [Number.NaN, Infinity, -Infinity, -0],
    [Number.NaN, Infinity, -Infinity, -0],
  ],
  "an invalid Date": [{ at: new Date(Number.NaN) }, { at: new Date(Number.NaN) }],
  "an object without a prototype": [withoutPrototype({ id: "5" }), { id: "5" }],
  "what node:querystring gives": [parse("a=1&a=2&b="), { a: ["1", "2"], b: "" }],
  "a row of node:sqlite": [
    rowOf("SELECT 1 AS id, 'Lea' AS name, NULL AS gone"),
    { id: 1, name: "Lea", gone: null },
  ],
  "the groups of a regular expression": [{ .../(?<year>\d+)/.exec("2026")?.groups }, { year: "2026" }],
  "the result of a match": ["a-b".match(/(a)-(b)/), ["a-b", "a", "b"]],
  "an array with holes": [
    // oxlint-disable-next-line no-sparse-arrays -- a hole is the point
    [1, , 3],
    [1, undefined, 3],
  ],
  "a Buffer": [Buffer.from("x"), Uint8Array.of(120)],
  "a part of a Buffer": [Buffer.from("abc").subarray(1, 2), Uint8Array.of(98)],
  "an ArrayBuffer": [Uint8Array.of(1, 2).buffer, Uint8Array.of(1, 2)],
  "a symbol as key": [{ [Symbol("s")]: 1, a: 1 }, { a: 1 }],
  "a hidden property": [Object.defineProperty({ b: 1 }, "a", { value: 1 }), { b: 1 }],
  "a getter": [getter, { a: 1 }],
  "properties of an array, a Map and a Date": [
    [Object.assign([1], { a: 1 }), Object.assign(new Map(), { a: 1 }), Object.assign(new Date(0), { a: 1 })],
    [[1], new Map(), new Date(0)],
  ],
  "an object with toJSON": [{ total: [new Money(5)] }, { total: [{ cents: 5, at: new Date(5) }] }],
  "a plain object with toJSON": [{ toJSON: () => [1] }, [1]],
  "a plain object with data under that name": [{ toJSON: 5 }, { toJSON: 5 }],
  "a property whose toJSON gives nothing": [{ a: { toJSON: () => undefined }, b: 1 }, { b: 1 }],
  "a subclass of Date": [new LaterDate(5), new Date(5)],
  "a subclass of Map": [new Labels([[1, 2]]), new Map([[1, 2]])],
  "a subclass of Array": [List.of(1, 2), [1, 2]],
  "the URL of node:url": [new NodesUrl("https://a.example/"), new URL("https://a.example/")],
  arguments: [
    (
      function () {
        return arguments;
      } as (...args: number[]) => unknown
    )(1, 2),
    { 0: 1, 1: 2 },
  ],
  "a large bigint": [2n ** 65_536n - 1n, 2n ** 65_536n - 1n],
  "bytes that were handed over": [transferred(), new Uint8Array()],
};

function transferred(): Uint8Array {
  const bytes = new Uint8Array(5);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  return bytes;
}

describe("an everyday value is kept:", () => {
  for (const [what, [given, back]] of Object.entries(normalised)) {
    test(what, () => assert.deepStrictEqual(roundTrip(given), back));
  }
});

testOnStores("set to undefined removes a key, and so does an update that gives undefined", async (site) => {
  const visitor = site.visitor();
  await visitor.with((session) => {
    session.set("a", 1);
    session.set("b", 2);
    session.set("never", undefined);
  });
  await visitor.with(async (session) => {
    session.set("a", undefined);
    assert.deepEqual([session.get("a"), session.has("a"), session.keys()], [undefined, false, ["b"]]);
    assert.throws(() => session.set("", undefined), { code: "KEY_INVALID" });
    assert.equal(await session.update("b", () => undefined), undefined);
    assert.equal(session.has("b"), false);
  });
  assert.deepEqual(await visitor.with((session) => session.keys()), []);
});

testOnStores(
  "an update that gives undefined where there is nothing begins no session and writes nothing",
  async (site) => {
    const visitor = site.visitor();
    await visitor.with((session) => session.update("n", () => undefined));
    assert.equal(site.probe.count("create", "patch"), 0);
    assert.equal(visitor.ticket, undefined);
    await visitor.with((session) => session.set("m", 1));
    site.probe.calls.length = 0;
    await visitor.with((session) => session.update("n", () => undefined));
    assert.equal(site.probe.count("patch"), 0);
  },
);

/** What the first version wrote, and the value that it reads. */
const vectors: readonly (readonly [text: string, value: unknown])[] = [
  ['"Lea"', "Lea"],
  ["-1.5e-7", -1.5e-7],
  ["null", null],
  ['{"a":[1,true,{"b":""}]}', { a: [1, true, { b: "" }] }],
  ['{"$Date":0}', new Date(0)],
  ['{"$Map":[[{"a":1},{"$Set":[{"$bigint":"1"}]}]]}', new Map([[{ a: 1 }, new Set([1n])]])],
  ['{"$bytes":"AID/"}', Uint8Array.of(0, 128, 255)],
  ['{"$URL":"https://a.example/b?c#d"}', new URL("https://a.example/b?c#d")],
  ['{"$bigint":"-1606938044258990275541962092341162602522202993782792835301376"}', -(2n ** 200n)],
  ['[{"$number":"-0"}]', [-0]],
  ['{"$$Date":5}', { $Date: 5 }],
  ['{"$$$Date":5}', { $$Date: 5 }],
  ['"\\ud800"', "\ud800"],
  ['{"\\"":1}', { '"': 1 }],
];

describe("what is out there stays readable, and is what would be written today:", () => {
  for (const [text, value] of vectors) {
    test(text, () => {
      assert.deepStrictEqual(decodeValue(text), value);
      assert.equal(encodeValue(value, "key", 32), text);
    });
  }
});

/** Texts that are not what would be written of their values. */
const otherWritings = [
  '{"$bytes":"AIA"}',
  '{"$Set":[1,1]}',
  '{"$Map":[["a",1],["a",2]]}',
  '{ "a" : 1.0 }',
  '{"a":{"$undefined":null}}',
  '{"$Date":0.5}',
  '{"$URL":"https://a.example"}',
  "[1e999]",
];

for (const text of otherWritings) {
  test(`a value that was only read is not written, also where it was written as ${text}`, async (t) => {
    const site = new Site(t);
    const visitor = site.visitor();
    await visitor.with((session) => session.set("x", { any: "thing" }));
    site.probe.around = tampered((record) => ({ ...record, fields: new Map([["d:x", Buffer.from(text)]]) }));
    site.probe.calls.length = 0;
    await visitor.with((session) => assert.notEqual(session.get("x"), undefined));
    assert.equal(site.probe.count("patch"), 0);
  });
}

/** Source texts of values, so that every realm can make its own of each. */
const source = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(
      ..."1 -0 NaN Infinity -Infinity null undefined true 5n 'text' '$Date'".split(" "),
      ..."new·Date(0) new·Date(NaN) Uint8Array.of(1,2) new·Uint8Array([1,2,3,4]).buffer Object.create(null)"
        .split(" ")
        .map((text) => text.replaceAll("·", " ")),
      "Object.assign(Object.create(null), { a: 1 })",
      "({ toJSON() { return { a: new Date(1) } } })",
      "new (class A { toJSON() { return [1] } })()",
      "({ get a() { return [1] } })",
      "'a-b'.match(/a/)",
      "[1, , 3]",
    ),
    fc.array(tie("any"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
    fc.array(tie("any"), { maxLength: 3 }).map((items) => `new Set([${items.join(", ")}])`),
    fc
      .array(fc.tuple(tie("any"), tie("any")), { maxLength: 3 })
      .map((pairs) => `new Map([${pairs.map(([key, value]) => `[${key}, ${value}]`).join(", ")}])`),
    fc
      .array(fc.tuple(fc.constantFrom("a", "b", "$Date", "$$", "'1'"), tie("any")), { maxLength: 3 })
      .map((pairs) => `({ ${pairs.map(([key, value]) => `${key}: ${value}`).join(", ")} })`),
  ),
})).any;

test("values of another realm are kept like our own", () => {
  const realm = createContext({});
  const foreign: unknown = runInContext(
    "[new Date(0), new Map(), new Set(), {}, [], Uint8Array.of(1)]",
    realm,
  );
  assert.notEqual(Object.getPrototypeOf(foreign), Array.prototype);
  assert.deepStrictEqual(roundTrip(foreign), [new Date(0), new Map(), new Set(), {}, [], Uint8Array.of(1)]);
  fc.assert(
    fc.property(source, (text) => {
      fc.pre(text !== "undefined");
      const own = encodeValue(runInThisContext(text), "key", 64);
      assert.equal(encodeValue(runInContext(text, realm), "key", 64), own);
      assert.equal(encodeValue(runInContext(`[${text}]`, realm), "key", 64), `[${own}]`);
    }),
    { numRuns: 500 },
  );
  for (const text of [
    "new Error('x')",
    "/x/",
    "Promise.resolve()",
    "() => 1",
    "Symbol('s')",
    "new (class Coat {})()",
    "new Float64Array(1)",
    "new WeakMap()",
    "new String('x')",
  ]) {
    assert.throws(
      () => encodeValue(runInContext(text, realm), "key", 64),
      { code: "VALUE_NOT_STORABLE" },
      text,
    );
  }
});

test("a URL of another make, such as jsdom's, is a URL", () => {
  class Other {
    readonly href = "https://a.example/";
    get [Symbol.toStringTag]() {
      return "URL";
    }
  }
  assert.deepStrictEqual(roundTrip(new Other()), new URL("https://a.example/"));
  assert.throws(() => encodeValue(Object.assign(new Other(), { href: "no" }), "key", 64), {
    code: "VALUE_NOT_STORABLE",
  });
});

test("what an object gives back to structuredClone and JSON is kept", async () => {
  for (const value of [structuredClone({ at: new Date(5) }), await new Response('{"a":[1]}').json()]) {
    assert.deepStrictEqual(roundTrip(value), value);
  }
});

/** What comes back, as docs/values.md has it: written apart from the encoder. */
function expected(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return Array.from(value, expected);
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (value instanceof Date) return new Date(value.getTime());
  if (value instanceof Map)
    return new Map(Array.from(value, ([key, item]) => [expected(key), expected(item)] as const));
  if (value instanceof Set) return new Set(Array.from(value, expected));
  if (value instanceof Money) return expected(value.toJSON());
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, expected(item)]])),
  );
}

/** Whatever fast-check can think of that is of a kind that is kept. */
const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withSparseArray: true,
  values: [
    fc.string({ unit: "binary" }),
    fc.double(),
    fc.constantFrom(undefined, null, true, -0, Number.NaN),
    fc.bigInt(),
    fc.date(),
    fc.uint8Array(),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.nat().map((cents) => new Money(cents)),
  ],
});

test("what comes back is what the page says, and is kept itself as it is", () => {
  fc.assert(
    fc.property(anything, (value) => {
      fc.pre(value !== undefined && !hasProto(value));
      const back = roundTrip(value);
      assert.deepStrictEqual(back, expected(value));
      assert.deepStrictEqual(roundTrip(back), back);
      const text = encodeValue(back, "key", deepestJson);
      assert.equal(encodeValue(decodeValue(text), "key", deepestJson), text);
    }),
    { numRuns: 500 },
  );
});

/** An own `__proto__` anywhere, which is refused. */
function hasProto(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (value instanceof Map) return hasProto([...value.keys(), ...value.values()]);
  if (value instanceof Set) return hasProto([...value]);
  return Object.hasOwn(value, "__proto__") || Object.values(value).some(hasProto);
}

test("what comes out of JSON as it went in is kept", () => {
  const json = fc.anything({
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withObjectString: true,
    withSparseArray: true,
    withTypedArray: true,
    withUnicodeString: true,
  });
  let kept = 0;
  fc.assert(
    fc.property(json, (value) => {
      const text: string | undefined = JSON.stringify(value);
      if (text === undefined || hasProto(value)) return;
      const back: unknown = JSON.parse(text);
      try {
        assert.deepEqual(back, value);
      } catch {
        return;
      }
      kept++;
      assert.deepEqual(roundTrip(value), value);
    }),
    { numRuns: 1500 },
  );
  assert.ok(kept > 200, `only ${kept}`);
});
