import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Secret } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { createKeyring } from "../../../src/crypto/keyring.ts";
import type { Keyring, Purpose } from "../../../src/crypto/keyring.ts";

const purposes: Purpose[] = ["ticket", "field", "cookie-sign", "cookie-seal"];

const weak: Record<string, unknown> = {
  "31 characters": generateSecret().slice(0, 31),
  "16 bytes": randomBytes(16),
  "one letter": "a".repeat(64),
  "zero bytes": new Uint8Array(32),
  "two letters": "ab".repeat(32),
  "a piece repeated": "correcthorse".repeat(4),
  "a piece repeated, cut off": "x7Kp2mQ9".repeat(5).slice(0, 37),
  "the alphabet": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP",
  "counting down": "zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONML",
  "counted bytes": Uint8Array.from({ length: 32 }, (_, at) => at),
  "few characters": "1010011010011101001011001010010110100101101001",
  "two characters, tossed": "azzazaazzazaazazzazzazaazzazzazaazazaazzaza",
  "a sentence": "the quick brown fox jumps over the lazy dog",
  "a passphrase": "correct-horse-battery-staple-and-one-more",
  "express-session's sample": "keyboard cat keyboard cat keyboard cat",
  "a sample": "your-secret-key-goes-here-and-is-32-long!",
  "change me": "please-CHANGE_ME-7fKq92mXv81LpQz63nWt",
  "a default": "default-7fKq92mXv81LpQz63nWt-4hYb2",
  "a password": "P4ssword-password-7fKq92mXv81LpQz63nWt",
  "a number": 12_345_678_901_234,
  "an object": { key: generateSecret() },
  "a nested list": [[generateSecret()]],
  "one weak of two": [generateSecret(), "short"],
};

for (const [what, secret] of Object.entries(weak)) {
  test(`[53] a weak key is refused at the start: ${what}`, () => {
    assert.throws(
      () => createSessions({ secret: secret as Secret, store: memoryStore() }),
      (error: Error & { code?: string }) =>
        error.code === "SECRET_WEAK" && /randomBytes\(32\)/.test(error.message),
    );
  });
}

test("[53] no key, or a list with a gap, is refused when it is needed, each time, with what to do", async () => {
  const missing = {
    name: "ConfigError",
    code: "SECRET_MISSING",
    message: /missing|empty.*randomBytes\(32\)/,
  };
  for (const secret of [undefined, null, "", [], [undefined], [generateSecret(), ""]]) {
    const sessions = createSessions({ secret: secret as unknown as Secret, store: memoryStore() });
    for (let time = 1; time <= 2; time++) await assert.rejects(sessions.check(), missing);
  }
  await assert.rejects(createSessions({ store: memoryStore() } as never).check(), missing);
  assert.throws(() => createSessions({ secret: ["", "short"], store: memoryStore() }), {
    code: "SECRET_WEAK",
  });
});

test("keys that are made as the hint says are taken, as text, hex or bytes", () => {
  for (let at = 0; at < 2000; at++) {
    createKeyring(generateSecret());
    createKeyring(randomBytes(32));
    createKeyring(randomBytes(32).toString("hex"));
    createKeyring(randomBytes(32).toString("base64"));
  }
  assert.match(generateSecret(), /^[\w-]{43}$/);
  assert.notEqual(generateSecret(), generateSecret());
});

/** What a key does, which tells keys apart without taking them out. */
function trace(keyring: Keyring, purpose: Purpose): string[] {
  return keyring.keys(purpose).map(({ key }) => createHmac("sha256", key).update("x").digest("hex"));
}

test("[58] every purpose has a key of its own, and so has every secret", () => {
  const keyring = createKeyring([generateSecret(), generateSecret()]);
  const keys = purposes.flatMap((purpose) => trace(keyring, purpose));
  assert.equal(new Set(keys).size, 8);
  const marks = purposes.flatMap((purpose) => keyring.keys(purpose).map(({ mark }) => mark.toString("hex")));
  assert.equal(new Set(marks).size, 8);
});

test("a key given as bytes is copied: wiping it afterwards changes nothing", () => {
  const bytes = randomBytes(32);
  const same = Uint8Array.from(bytes);
  const keyring = createKeyring(bytes);
  bytes.fill(0);
  assert.deepEqual(trace(keyring, "ticket"), trace(createKeyring(same), "ticket"));
});
