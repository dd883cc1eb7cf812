import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { FastWeakMap } from "../../../src/runtime/fast-weak-map.ts";

test("a value is tied to an object and found again, by its owner alone", () => {
  const [one, other] = [new FastWeakMap<string[]>(), new FastWeakMap<string[]>()];
  const object = {};
  assert.equal(one.get(object), undefined);
  one.set(object, ["first"]);
  assert.equal(other.get(object), undefined);
  other.set(object, ["second"]);
  one.set(object, ["third"]);
  assert.deepEqual(one.get(object), ["third"]);
  assert.deepEqual(other.get(object), ["second"]);
  assert.equal(one.get({}), undefined);
});

test("nothing shows on the object", () => {
  const ties = new FastWeakMap<object>();
  const object = { a: 1 };
  ties.set(object, { hidden: true });
  assert.deepEqual(Reflect.ownKeys(object), ["a"]);
  assert.equal(inspect(object, { showHidden: true }), "{ a: 1 }");
  assert.equal(ties.get({ ...object }), undefined);
});

test("any object takes a value: a request, a function, a frozen one, one without a prototype, a proxy", () => {
  const ties = new FastWeakMap<object>();
  const objects = [
    new Request("http://localhost/"),
    () => {},
    Object.freeze({}),
    Object.create(null),
    new Proxy({}, {}),
  ];
  for (const object of objects) {
    ties.set(object, [object]);
    assert.deepEqual(ties.get(object), [object]);
  }
});
