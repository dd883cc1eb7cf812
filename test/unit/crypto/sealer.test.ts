import assert from "node:assert/strict";
import { createHmac, hkdfSync, webcrypto } from "node:crypto";
import { test } from "node:test";
import * as fc from "fast-check";
import { generateSecret } from "coatcheck";
import { createKeyring } from "../../../src/crypto/keyring.ts";
import type { Purpose } from "../../../src/crypto/keyring.ts";
import { createSealer, sealOverhead } from "../../../src/crypto/sealer.ts";

const secret = generateSecret();
const sealer = createSealer(createKeyring(secret), "field");
const plain = Buffer.from("a coat, blue, two buttons missing");

test("what is sealed opens as it was, for any context, place and bytes", () => {
  const first = createSealer(createKeyring(secret), "field");
  assert.deepEqual(first.unseal("", "", first.seal("", "", plain)), plain);
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.uint8Array(), (context, place, bytes) => {
      const sealed = sealer.seal(context, place, bytes);
      assert.equal(sealed.length, bytes.length + sealOverhead);
      assert.deepEqual(Buffer.from(sealer.unseal(context, place, sealed) ?? []), Buffer.from(bytes));
    }),
  );
});

test("[57] every bit flip, truncation, extension and splice is refused", () => {
  const sealed = sealer.seal("record", "d:x", plain);
  const other = sealer.seal("record", "d:x", plain.toReversed());
  const variants: Uint8Array[] = [];
  for (let at = 0; at < sealed.length; at++) {
    for (let bit = 0; bit < 8; bit++)
      variants.push(Uint8Array.from(sealed).with(at, (sealed[at] ?? 0) ^ (1 << bit)));
    variants.push(
      sealed.subarray(0, at),
      Buffer.concat([sealed.subarray(0, at), Buffer.of(0), sealed.subarray(at)]),
    );
    // Up to the nonce both are alike, and now and then a few bytes into it.
    const splice = Buffer.concat([sealed.subarray(0, at), other.subarray(at)]);
    if (!splice.equals(other) && !splice.equals(sealed)) variants.push(splice);
  }
  variants.push(Buffer.concat([sealed, Buffer.of(0)]), Buffer.concat([sealed, sealed]), new Uint8Array());
  for (const variant of variants) assert.equal(sealer.unseal("record", "d:x", variant), undefined);
  assert.ok(variants.length > 600);
});

test("[57] a tag shorter than 16 bytes is refused, which Node's decipher alone would take", () => {
  const sealed = sealer.seal("record", "d:x", plain);
  const body = sealed.subarray(0, sealed.length - 16);
  const tag = sealed.subarray(sealed.length - 16);
  for (let length = 0; length < 16; length++) {
    assert.equal(sealer.unseal("record", "d:x", Buffer.concat([body, tag.subarray(0, length)])), undefined);
  }
});

test("[51][58] sealed bytes open only for their own context, place, purpose and key", () => {
  const sealed = sealer.seal("record", "d:x", plain);
  assert.equal(sealer.unseal("another", "d:x", sealed), undefined);
  assert.equal(sealer.unseal("record", "d:y", sealed), undefined);
  assert.equal(sealer.unseal("recordd", ":x", sealed), undefined);
  for (const purpose of ["cookie-seal", "cookie-sign", "ticket"] satisfies Purpose[]) {
    assert.equal(createSealer(createKeyring(secret), purpose).unseal("record", "d:x", sealed), undefined);
  }
  assert.equal(
    createSealer(createKeyring(generateSecret()), "field").unseal("record", "d:x", sealed),
    undefined,
  );
});

test("[54] the first key seals, all of them open, and what an older one sealed is aged", () => {
  const newer = generateSecret();
  const both = createSealer(createKeyring([newer, secret]), "field");
  const old = sealer.seal("record", "d:x", plain);
  const young = both.seal("record", "d:x", plain);
  assert.deepEqual(both.unseal("record", "d:x", old), plain);
  assert.deepEqual(
    [both.isSealedByOldKey(old), both.isSealedByOldKey(young), both.isSealedByOldKey(new Uint8Array(40))],
    [true, false, false],
  );
  assert.equal(sealer.unseal("record", "d:x", young), undefined);
  assert.deepEqual(createSealer(createKeyring(newer), "field").unseal("record", "d:x", young), plain);
});

test("[58] a key that was derived a moment ago is used for its own context and key alone, however alike they are", () => {
  const [one, other] = ["AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAQ"];
  const newer = generateSecret();
  const both = createSealer(createKeyring([newer, secret]), "field");
  const old = sealer.seal(one, "d:x", plain);
  // Each right after the other, so that the one before is what was derived last.
  for (let times = 0; times < 2; times++) {
    assert.deepEqual(both.unseal(one, "d:x", old), plain);
    assert.equal(both.unseal(other, "d:x", old), undefined);
    const young = both.seal(one, "d:x", plain);
    assert.deepEqual(createSealer(createKeyring(newer), "field").unseal(one, "d:x", young), plain);
    assert.equal(both.unseal(other, "d:x", young), undefined);
    assert.deepEqual(both.unseal(one, "d:x", young), plain);
    assert.deepEqual(sealer.unseal(one, "d:x", old), plain);
  }
});

test("[59] no nonce comes twice, and equal texts look different", () => {
  const nonces = new Set<string>();
  for (let at = 0; at < 20_000; at++) {
    nonces.add(Buffer.from(sealer.seal("record", "d:x", plain).subarray(5, 17)).toString("hex"));
  }
  assert.equal(nonces.size, 20_000);
});

test("another implementation opens what was sealed: WebCrypto, from the layout's description", async () => {
  const sealed = sealer.seal("record", "d:x", plain);
  const root = Buffer.from(hkdfSync("sha256", secret, "coatcheck/1", "field", 36));
  assert.deepEqual([sealed[0], Buffer.from(sealed.subarray(1, 5))], [1, root.subarray(32)]);
  const raw = createHmac("sha256", root.subarray(0, 32)).update("record").digest();
  const key = await webcrypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
  const opened = await webcrypto.subtle.decrypt(
    {
      name: "AES-GCM",
      iv: Uint8Array.from(sealed.subarray(5, 17)),
      additionalData: Buffer.from("d:x"),
      tagLength: 128,
    },
    key,
    Uint8Array.from(sealed.subarray(17)),
  );
  assert.deepEqual(Buffer.from(opened), plain);
});
