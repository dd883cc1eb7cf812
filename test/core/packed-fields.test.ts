import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { packFields, unpackFields } from "../../src/core/packed-fields.ts";

test("fields come back as they were packed, in their order", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ unit: "grapheme" }), fc.uint8Array())), (pairs) => {
      const fields = new Map(pairs);
      const back = unpackFields(packFields(fields));
      assert.deepEqual(
        Array.from(back ?? [], ([name, bytes]) => [name, [...bytes]]),
        Array.from(fields, ([name, bytes]) => [name, [...bytes]]),
      );
    }),
  );
});

test("the layout is what it was: files that are out there must stay readable", () => {
  const packed = Buffer.from(
    packFields(
      new Map([
        ["d:ü", Uint8Array.of(7, 8)],
        ["m", new Uint8Array()],
      ]),
    ),
  );
  assert.equal(packed.toString("hex"), "010004643ac3bc00000002070800016d00000000");
});

test("truncated bytes, and bytes of another format, hold no fields at all", () => {
  const packed = packFields(new Map([["d:x", Uint8Array.of(1, 2, 3)]]));
  for (let at = 2; at < packed.length; at++) assert.equal(unpackFields(packed.subarray(0, at)), undefined);
  assert.equal(unpackFields(new Uint8Array()), undefined);
  assert.equal(unpackFields(Uint8Array.from(packed).with(0, 2)), undefined);
  assert.equal(unpackFields(Buffer.concat([packed, Buffer.of(0)])), undefined);
  assert.deepEqual(unpackFields(Uint8Array.of(1)), new Map());
});

test("bytes in the middle of a larger buffer are read in place", () => {
  const packed = packFields(new Map([["a", Uint8Array.of(9)]]));
  const larger = Buffer.concat([Buffer.alloc(5, 255), packed, Buffer.alloc(5, 255)]);
  const fields = unpackFields(new Uint8Array(larger.buffer, larger.byteOffset + 5, packed.length));
  assert.deepEqual([...(fields?.get("a") ?? [])], [9]);
});
