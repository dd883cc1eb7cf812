import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { safeReturnPath } from "coatcheck";
import type { SessionRecord } from "coatcheck/store";
import { testClock } from "coatcheck/testing";
import { sqliteStore } from "coatcheck/sqlite";
import { ChangedFields, eachLength } from "../../src/record/fields.ts";
import { parseCookieHeader, cookieValues } from "../../src/cookies/parse.ts";
import { createProtectedValues } from "../../src/cookies/protected-values.ts";
import { Cookies } from "../../src/cookies/cookies.ts";
import { FieldCodec } from "../../src/services/field-codec.ts";
import { FlashQueue } from "../../src/session/flashes.ts";
import { parseJson } from "../../src/runtime/parse-json.ts";
import { createKeyring } from "../../src/crypto/keyring.ts";
import { readLimits } from "../../src/services/limits.ts";
import { packedExpiry, packRecord, unpackRecord } from "../../src/record/binary/record.ts";
import { expiresAt } from "../../src/record/record.ts";
import { createSealer } from "../../src/crypto/sealer.ts";
import { createTicketSigner, newRecordId, newTicket } from "../../src/crypto/ticket.ts";
import { decodeValue, deepestJson, encodeValue } from "../../src/services/values.ts";
import { StoreError } from "../../src/errors.ts";
import { recordFrom, recordText } from "../../src/stores/postgres/record-json.ts";
import { fromHash, toHash } from "../../src/stores/redis/record-hash.ts";
import { recordOf } from "../support/records.ts";
import { adoptionDecoders } from "./adoption-decoders.ts";

/** Something that reads bytes that others may have written. */
export interface Decoder {
  /** What is valid. */
  readonly seeds: readonly Buffer[];
  /** Reads; throws what it is not meant to throw, and when what it has read makes no sense. */
  decode(input: Buffer): void;
}

/** Made for these tests. */
const secret = "9f2JmQxW0cTq7LrYv5hNbKd8sGzE3uXpRa1oViMw4Ic";
const clock = testClock();
const quiet = { emit: () => undefined };

const records: readonly SessionRecord[] = [
  recordOf(),
  recordOf({ subject: "lüa", authenticatedAt: Date.now(), permanent: true, revision: 300 }),
  recordOf({ ticketAt: 0.5, createdAt: -5, fields: new Map([["d:x", Buffer.from('{"a":[1,2]}')]]) }),
  recordOf({
    subject: "42",
    fields: new Map([
      ["d:user", Buffer.from('"Lea"')],
      ["m:agent", Buffer.alloc(200, "Mozilla/5.0 ")],
      ["f:0lh2k3j4k00000aaaaaaaa", Buffer.from('["message","Hello"]')],
      ["d:empty", Buffer.alloc(0)],
    ]),
  }),
];

/** What a store does with a record that it has read: nothing in it may make that fail. */
function use(record: SessionRecord | null | undefined): void {
  if (record === null || record === undefined) return;
  const { fields, subject, permanent, verifier, epoch, revision } = record;
  assert.ok(Number.isFinite(expiresAt(record)), "a record that never ends");
  assert.ok(Number.isSafeInteger(epoch) && Number.isSafeInteger(revision));
  assert.ok(verifier.length === 32 && typeof permanent === "boolean");
  assert.ok(subject === null || typeof subject === "string");
  let bytes = 0;
  eachLength(fields, (name, length) => (bytes += name.length + length));
  assert.ok(Number.isSafeInteger(bytes));
  fields.has("d:user");
  fields.get("d:x");
  const again = unpackRecord(record.id, packRecord(record));
  assert.deepEqual(again?.fields.size, fields.size);
  assert.ok(again !== undefined && expiresAt(again) === expiresAt(record));
  const changes = new Map([
    ["d:user", null],
    ["d:new", Buffer.of(1)],
  ]);
  assert.ok(unpackRecord(record.id, packRecord({ ...record, fields: new ChangedFields(fields, changes) })));
}

/** Throws again what is none of these. */
function unless(error: unknown, ...kinds: readonly (new (...args: never[]) => Error)[]): void {
  if (!kinds.some((kind) => error instanceof kind)) throw error;
}

function latin1(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

const values: readonly unknown[] = [
  { user: "Lea", cart: [{ id: 17, price: 129.5 }], "a\\b": null },
  new Map<unknown, unknown>([
    ["at", new Date(0)],
    [{ a: 1 }, new Set([1n, -(2n ** 70n), "ü"])],
  ]),
  [Uint8Array.of(0, 128, 255), new URL("https://a.example/b?c#d"), -0, { $Date: 1 }, { $$a: {} }],
  { __proto__: null, "é\n": "\ud800", 1: true },
];

const texts = [
  ...values.map((value) => encodeValue(value, "key", 64)),
  '{"$number":"NaN"}',
  '[{"$undefined":null},{"$Date":null},{"$number":"-Infinity"}]',
].map((text) => Buffer.from(text));

const keyring = createKeyring([secret, `${secret.slice(1)}x`]);
const sealer = createSealer(keyring, "field");
const protectedValues = createProtectedValues(keyring, clock);
const signer = createTicketSigner(keyring, "__Host-Http-session");
const ticket = signer.sign(newTicket(newRecordId()));
const limits = readLimits();
const codec = new FieldCodec(undefined, quiet);
const header = `theme=dark; __Host-Http-session=${ticket}; a="b"; =x; c=%C3%BC; c=%zz`;

/** A real file, in which a row is overwritten. */
function sqlite(): (blob: Buffer) => void {
  const path = join(mkdtempSync(join(tmpdir(), "coatcheck-fuzz-")), "a.db");
  const store = sqliteStore({ path });
  const [first] = records;
  assert.ok(first);
  const record = { ...first, subject: "42", absoluteDeadline: 9e15 };
  assert.equal(store.create(record), true);
  const raw = new DatabaseSync(path);
  raw.exec("PRAGMA synchronous = OFF");
  const write = raw.prepare("UPDATE coatcheck_session SET record = ?");
  return (blob) => {
    write.run(blob);
    for (const call of [
      () => use(store.read(record.id, 0) as SessionRecord),
      () => void store.patch(record.id, { epoch: record.epoch, set: new Map([["d:x", blob]]) }, 0),
      () => (store.list("42", 0) as SessionRecord[]).forEach(use),
    ]) {
      try {
        call();
      } catch (error) {
        if (!(error instanceof StoreError && error.code === "RECORD_UNREADABLE")) throw error;
      }
    }
  };
}

/** Decoders by name; each is made where it is used. */
export type Decoders = Readonly<Record<string, () => Decoder>>;

/** Every decoder of the package. */
export const decoders: Decoders = {
  ...adoptionDecoders,
  "packed record": () => ({
    seeds: records.map((record) => latin1(packRecord(record))),
    decode(input) {
      const text = input.toString("latin1");
      const record = unpackRecord("id", text);
      use(record);
      const expiry = packedExpiry(text);
      assert.ok(record === undefined || expiry === expiresAt(record));
    },
  }),
  "SQLite's record": () => ({
    seeds: records.map((record) => latin1(packRecord(record))),
    decode: sqlite(),
  }),
  "Redis' record": () => ({
    seeds: records.flatMap((record) => toHash(record).map((part) => Buffer.from(part))),
    decode(input) {
      for (const record of records) {
        const hash = toHash(record).map((part, at) => (at % 2 === 0 ? part : Buffer.from(part)));
        for (let at = 0; at < Math.min(hash.length, 10); at++) {
          const damaged = hash.with(at, at % 2 === 0 ? input.toString() : input);
          // What the near cache does: it packs what it has read.
          use(fromHash("id", damaged));
        }
      }
      use(fromHash("id", [input.toString(), input]));
    },
  }),
  "PostgreSQL's record": () => ({
    seeds: records.map((record) => {
      const made: Record<string, unknown> = JSON.parse(recordText(record));
      return Buffer.from(JSON.stringify({ ...made, permanent: Number(made["permanent"]) }));
    }),
    decode(input) {
      let json: unknown;
      try {
        json = parseJson(input.toString());
      } catch (error) {
        return unless(error, SyntaxError, RangeError);
      }
      use(recordFrom(json));
    },
  }),
  "a value": () => ({
    seeds: texts,
    decode(input) {
      let value: unknown;
      try {
        value = decodeValue(input.toString());
      } catch (error) {
        return unless(error, SyntaxError, TypeError, RangeError);
      }
      assert.notEqual(typeof value, "function");
      const text = encodeValue(value, "key", deepestJson);
      assert.equal(encodeValue(decodeValue(text), "key", deepestJson), text);
    },
  }),
  "an unsealed field": () => ({
    seeds: texts,
    decode: (input) => void codec.decode("id", "d:x", input.toString("latin1")),
  }),
  "a sealed field": () => ({
    seeds: texts.map((text) => Buffer.from(sealer.seal("id", "d:x", text))),
    decode(input) {
      sealer.isSealedByOldKey(input);
      const plain = sealer.unseal("id", "d:x", input);
      assert.ok(plain === undefined || plain instanceof Uint8Array);
    },
  }),
  "a message": () => ({
    seeds: ['["message","Hello"]', "0lh2k3j4k00000aaaaaaaa"].map((text) => Buffer.from(text)),
    decode(input) {
      const fields = new Map<string, Uint8Array>([
        ["f:0lh2k3j4k00000aaaaaaaa", input],
        [`f:${input.toString()}`, Buffer.from('["message","Hello"]')],
      ]);
      const queue = new FlashQueue(codec, limits, recordOf({ fields }));
      for (const flash of queue.peek({})) assert.equal(typeof flash.message, "string");
      queue.add("another", "message", clock.now());
    },
  }),
  "a ticket": () => ({
    seeds: [Buffer.from(ticket)],
    decode: (input) => void signer.verify(input.toString("latin1")),
  }),
  "a signed cookie": () => ({
    seeds: ["", "Lea", "ü".repeat(50)].map((value) =>
      Buffer.from(protectedValues.signed.encode("name", value, 0)),
    ),
    decode: (input) => void protectedValues.signed.decode("name", input.toString("latin1")),
  }),
  "a sealed cookie": () => ({
    seeds: ["", "Lea", "ü".repeat(50)].map((value) =>
      Buffer.from(protectedValues.sealed.encode("name", value, 2e9)),
    ),
    decode: (input) => void protectedValues.sealed.decode("name", input.toString("latin1")),
  }),
  "a Cookie header": () => ({
    seeds: [Buffer.from(header)],
    decode(input) {
      const text = input.toString("latin1");
      const found = parseCookieHeader(text);
      assert.deepEqual(cookieValues(text, "theme"), found.get("theme") ?? []);
      const cookies = new Cookies({
        incoming: () => found,
        sessionCookie: "__Host-Http-session",
        protectedValues,
        clock,
      });
      for (const name of found.keys()) cookies.getAll(name);
    },
  }),
  "a return path": () => ({
    seeds: ["/", "/a/b?c=d#e", "/..//evil", "/%2e%2e/\\x"].map((text) => Buffer.from(text)),
    decode(input) {
      const path = safeReturnPath(input.toString("latin1"));
      assert.ok(/^\/(?![/\\])/.test(path) && path.length < 10_000);
    },
  }),
};
