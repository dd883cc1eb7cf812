import assert from "node:assert/strict";
import { createHmac, createSecretKey, randomBytes } from "node:crypto";
import { test } from "node:test";
import * as fc from "fast-check";
import { createHmacSha256 } from "../../../src/crypto/hmac.ts";

test("it is HMAC-SHA-256: the vector of RFC 4231, test case 2", () => {
  const mac = createHmacSha256(createSecretKey(Buffer.from("Jefe")));
  assert.equal(
    mac("what do ya want for nothing?"),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
});

test("it gives what createHmac gives, for keys up to a block and texts of any length and script", () => {
  const long = fc.string({ unit: "binary", minLength: 100, maxLength: 2000 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 64 }),
      fc.oneof(fc.string({ unit: "binary" }), long),
      (length, text) => {
        const key = createSecretKey(randomBytes(length));
        const expected = createHmac("sha256", key).update(text).digest("hex");
        const mac = createHmacSha256(key);
        assert.equal(mac(text), expected);
        assert.equal(mac(text), expected, "and again");
      },
    ),
  );
});
