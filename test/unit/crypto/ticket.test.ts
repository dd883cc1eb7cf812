import assert from "node:assert/strict";
import { createHmac, hkdfSync } from "node:crypto";
import { test } from "node:test";
import { createKeyring } from "../../../src/crypto/keyring.ts";
import {
  createTicketSigner,
  isRecordId,
  newRecordId,
  newTicket,
  revokedVerifier,
  verifierOf,
  verifiersEqual,
} from "../../../src/crypto/ticket.ts";

const secret = "q1w2e3r4t5z6u7i8o9p0a-s_d4f5g6h7j8k9l0yxcvb";
const office = createTicketSigner(createKeyring(secret), "__Host-Http-session");
const ticket = { id: "AAECAwQFBgcICQoLDA0ODw", secret: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8" };

test("a ticket is 89 characters of canonical base64url in three parts, and opens as what was signed", () => {
  const signed = office.sign(ticket);
  assert.match(signed, /^[\w-]{22}\.[\w-]{43}\.[\w-]{22}$/);
  assert.deepEqual(office.verify(signed), { ...ticket, verifier: verifierOf(ticket), signedByOldKey: false });
});

test("the format is what it was: an accident that changes it would log everybody out", () => {
  // Made again here from the words of the design: HKDF for the purpose, HMAC over purpose, cookie name, id and secret.
  const key = Buffer.from(hkdfSync("sha256", secret, "coatcheck/1", "ticket", 36)).subarray(0, 32);
  const text = `ticket\n__Host-Http-session\n${ticket.id}\n${ticket.secret}`;
  const mac = createHmac("sha256", key).update(text).digest().subarray(0, 16).toString("base64url");
  assert.equal(office.sign(ticket), `${ticket.id}.${ticket.secret}.${mac}`);
  assert.equal(mac, "LAyPwrwk2pS1EN_zwR3eAg");
  // printf AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8 | openssl dgst -sha256
  assert.equal(
    Buffer.from(verifierOf(ticket)).toString("hex"),
    "ea866a757e4c38babfa8127cbe9a409d3e1f93a00ff1488ff735fcf917afffd0",
  );
});

test("[1] ids have 128 random bits and secrets 256, each bit as often set as not, and none comes twice", () => {
  const count = 20_000;
  const parts: Record<string, () => Buffer> = {
    id: () => Buffer.from(newRecordId(), "base64url"),
    secret: () => Buffer.from(newTicket("x").secret, "base64url"),
  };
  for (const [name, make] of Object.entries(parts)) {
    const made = Array.from({ length: count }, make);
    assert.equal(made[0]?.length, name === "id" ? 16 : 32);
    assert.equal(new Set(made.map((bytes) => bytes.toString("hex"))).size, count);
    const set = Array.from({ length: (made[0]?.length ?? 0) * 8 }, () => 0);
    for (const bytes of made)
      for (let bit = 0; bit < set.length; bit++) set[bit]! += (bytes[bit >> 3]! >> (bit & 7)) & 1;
    // Six times the standard deviation of a fair coin: wrong once in a million runs.
    for (const ones of set)
      assert.ok(Math.abs(ones - count / 2) < 6 * Math.sqrt(count / 4), `${name}: ${ones}`);
  }
});

test("an id is 22 canonical characters, and nothing else is one", () => {
  assert.equal(isRecordId(ticket.id), true);
  for (const other of [
    "",
    `${ticket.id}A`,
    ticket.id.slice(1),
    `${ticket.id.slice(0, 21)}B`,
    "../".padEnd(22, "A"),
    `${ticket.id}\n`,
    7,
    null,
    undefined,
    [ticket.id],
    {},
  ]) {
    assert.equal(isRecordId(other), false, JSON.stringify(other));
  }
});

test("what has not the shape of a ticket is malformed, and what has it without our mac is forged", () => {
  const signed = office.sign(ticket);
  for (const value of [
    "",
    "x",
    signed.slice(1),
    `${signed}A`,
    signed.replace(".", "-"),
    "é".repeat(89),
    `${signed.slice(0, 88)}B`,
  ]) {
    assert.equal(office.verify(value), "malformed", value);
  }
  assert.equal(office.verify(`${signed.slice(0, 88)}${signed.endsWith("A") ? "Q" : "A"}`), "forged");
  assert.equal(createTicketSigner(createKeyring(secret), "session").verify(signed), "forged");
});

test("what was opened a moment ago opens as the whole text alone, however alike another begins", () => {
  const fresh = createTicketSigner(createKeyring(secret), "__Host-Http-session");
  const signed = fresh.sign(ticket);
  const opened = fresh.verify(signed);
  assert.deepEqual(opened, { ...ticket, verifier: verifierOf(ticket), signedByOldKey: false });
  for (let at = 5; at < signed.length; at++) {
    for (const letter of ["A", "Q", "-"]) {
      if (signed[at] === letter || signed[at] === ".") continue;
      const forgery = signed.slice(0, at) + letter + signed.slice(at + 1);
      // Twice: an answer that is kept must not be another one.
      for (let times = 0; times < 2; times++) assert.equal(typeof fresh.verify(forgery), "string", forgery);
      assert.deepEqual(fresh.verify(signed), opened, "a forgery that begins like it shuts nobody out");
    }
  }
});

test("a mac that is wrong is wrong again, also before the ticket itself was ever seen", () => {
  const fresh = createTicketSigner(createKeyring(secret), "__Host-Http-session");
  const signed = fresh.sign(ticket);
  const forgery = signed.slice(0, 67) + "A".repeat(22);
  for (let times = 0; times < 3; times++) assert.equal(fresh.verify(forgery), "forged");
  assert.equal(typeof fresh.verify(signed), "object");
});

test("[54] what one office has opened, an office of other keys or of another name has to find out itself", () => {
  const newer = `${secret}-newer`;
  const signed = office.sign(ticket);
  const offices = {
    same: createTicketSigner(createKeyring(secret), "__Host-Http-session"),
    rotated: createTicketSigner(createKeyring([newer, secret]), "__Host-Http-session"),
    removed: createTicketSigner(createKeyring(newer), "__Host-Http-session"),
    renamed: createTicketSigner(createKeyring(secret), "__Host-other"),
  };
  for (let times = 0; times < 2; times++) {
    const seen = Object.values(offices).map((each) => {
      const found = each.verify(signed);
      return typeof found === "string" ? found : found.signedByOldKey;
    });
    assert.deepEqual(seen, [false, true, "forged", "forged"]);
  }
});

test("[95] verifiers of unequal length are unequal, and no error", () => {
  const verifier = verifierOf(ticket);
  assert.equal(verifiersEqual(verifier, verifierOf({ ...ticket })), true);
  assert.equal(verifiersEqual(verifier, verifierOf(newTicket("x"))), false);
  assert.equal(verifiersEqual(verifier, verifier.subarray(1)), false);
  assert.equal(verifiersEqual(verifier, new Uint8Array()), false);
  assert.equal(verifiersEqual(revokedVerifier, verifier), false);
});
