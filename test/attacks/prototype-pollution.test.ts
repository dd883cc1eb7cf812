import assert from "node:assert/strict";
import { test } from "node:test";
import { Site, testEverywhere } from "../support/site.ts";
import { tampered } from "../support/store-calls.ts";
import { textsWithProto } from "../support/hostile-bytes.ts";

const pollution = JSON.parse('{"__proto__": {"admin": true}}') as object;

testEverywhere("[91] a value with an own __proto__ is refused wherever it hides", async (site) => {
  const hidden: Record<string, unknown> = {
    itself: pollution,
    nested: { a: { b: pollution } },
    "in an array": [pollution],
    "as a Map value": new Map([["a", pollution]]),
    "as a Map key": new Map([[pollution, "a"]]),
    "in a Set": new Set([pollution]),
  };
  const visitor = site.visitor();
  await visitor.with((session) => {
    for (const [where, value] of Object.entries(hidden)) {
      assert.throws(
        () => session.set("x", value),
        { code: "VALUE_NOT_STORABLE", message: /__proto__/ },
        where,
      );
    }
    assert.throws(() => session.set("__proto__", 1), { code: "KEY_INVALID" });
    assert.equal(session.get("__proto__"), undefined);
    assert.equal(session.has("__proto__"), false);
  });
  await assert.rejects(
    visitor.with((session) => session.update("x", () => pollution)),
    { code: "VALUE_NOT_STORABLE" },
  );
});

testEverywhere("[91] keys named like properties of objects are plain keys", async (site) => {
  const before = Object.getOwnPropertyNames(Object.prototype);
  const names = ["constructor", "prototype", "toString", "hasOwnProperty", "then"];
  const visitor = site.visitor();
  await visitor.with((session) => {
    for (const name of names) {
      assert.equal(session.get(name), undefined);
      assert.equal(session.has(name), false);
      session.set(name, { constructor: { prototype: { admin: true } } });
    }
  });
  await visitor.with((session) => session.rotate());
  await visitor.with((session) => {
    assert.deepEqual(session.keys().toSorted(), names.toSorted());
    for (const [, value] of session.entries()) {
      assert.deepEqual(value, { constructor: { prototype: { admin: true } } });
      assert.equal((Object.assign({}, value) as Record<string, unknown>)["admin"], undefined);
    }
  });
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype), before);
});

test("[91] a stored text with __proto__ in it, however spelt, reads as absent", async (t) => {
  const site = new Site(t, { store: "memory" });
  const visitor = site.visitor();
  await visitor.with((session) => session.set("x", 1));
  const read = async (text: string): Promise<unknown> => {
    site.probe.around = tampered((record) => ({
      ...record,
      fields: new Map([...record.fields, ["d:x", Buffer.from(text)]]),
    }));
    return visitor.with((session) => session.get("x"));
  };
  for (const text of textsWithProto) assert.equal(await read(text), undefined, text);
  // An escape inside the tag must not smuggle the name in, either.
  const smuggled = (await read('{"$$__proto__":{"admin":true}}')) ?? {};
  assert.equal(Object.getPrototypeOf(smuggled), Object.prototype);
  assert.equal((smuggled as Record<string, unknown>)["admin"], undefined);
});

testEverywhere("[91] a key that looks like a tag of __proto__ comes back as it was", async (site) => {
  const odd = { $__proto__: 1 };
  const visitor = site.visitor();
  await visitor.with((session) => session.set("x", odd));
  await visitor.with((session) => assert.deepEqual(session.get("x"), odd));
});
