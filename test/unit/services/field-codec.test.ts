import assert from "node:assert/strict";
import { test } from "node:test";
import { generateSecret } from "coatcheck";
import type { SessionEvent } from "../../../src/services/events.ts";
import { FieldCodec } from "../../../src/services/field-codec.ts";
import { createKeyring } from "../../../src/crypto/keyring.ts";
import { binaryField } from "../../../src/record/fields.ts";
import { toBinaryString } from "../../../src/runtime/binary-string.ts";
import { createSealer } from "../../../src/crypto/sealer.ts";

const keyring = createKeyring(generateSecret());
const [one, other] = ["AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAQ"];

function given() {
  const events: SessionEvent[] = [];
  const codec = new FieldCodec(createSealer(keyring, "field"), { emit: (event) => void events.push(event) });
  return { codec, events };
}

for (const [how, makes] of [
  ["read", false],
  ["written", true],
] as const) {
  test(`[58] bytes moved to another record or field read as absent, right after they were ${how} in their own place`, () => {
    const { codec, events } = given();
    const maker = makes ? codec : given().codec;
    const sealed = toBinaryString(maker.encode(one, "d:balance", "100"));
    for (let times = 0; times < 2; times++) {
      assert.equal(codec.decode(one, "d:balance", sealed)?.value, 100);
      events.length = 0;
      assert.equal(codec.decode(other, "d:balance", sealed), undefined);
      assert.equal(codec.decode(one, "d:limit", sealed), undefined);
      assert.deepEqual(events, [
        { type: "field-unreadable", id: other, field: "d:balance" },
        { type: "field-unreadable", id: one, field: "d:limit" },
      ]);
    }
  });

  test(`[57] bytes that differ anywhere read as absent, right after the right ones were ${how}`, () => {
    const { codec } = given();
    const maker = makes ? codec : given().codec;
    const sealed = maker.encode(one, "d:x", '"a coat"');
    for (const [at, byte] of sealed.entries()) {
      assert.equal(codec.decode(one, "d:x", toBinaryString(sealed))?.value, "a coat");
      const variant = Uint8Array.from(sealed).with(at, byte ^ 1);
      assert.equal(codec.decode(one, "d:x", toBinaryString(variant)), undefined, `byte ${at}`);
    }
    assert.equal(codec.decode(one, "d:x", toBinaryString(Buffer.concat([sealed, Buffer.of(0)]))), undefined);
  });
}

test("what can't be unsealed is told of each time", () => {
  const { codec, events } = given();
  const sealed = toBinaryString(
    new FieldCodec(createSealer(createKeyring(generateSecret()), "field"), { emit: () => {} }).encode(
      one,
      "d:x",
      "1",
    ),
  );
  for (let times = 1; times < 4; times++) {
    assert.equal(codec.decode(one, "d:x", sealed), undefined);
    assert.equal(events.length, times);
  }
});

test("a value that was found a moment ago is a new one each time", () => {
  const { codec } = given();
  const fields = new Map([["d:x", codec.encode(one, "d:x", '{"size":[1]}')]]);
  const read = (): { size: number[] } =>
    codec.decode(one, "d:x", binaryField(fields, "d:x") ?? "")?.value as { size: number[] };
  read().size.push(2);
  assert.deepEqual(read(), { size: [1] });
});
