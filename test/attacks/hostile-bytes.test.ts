import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { SessionRecord } from "coatcheck/store";
import { sqliteStore } from "coatcheck/sqlite";
import { packRecord, unpackRecord } from "../../src/record/binary/record.ts";
import { decodeValue } from "../../src/services/values.ts";
import { recordFrom, recordText } from "../../src/stores/postgres/record-json.ts";
import { fromHash, toHash } from "../../src/stores/redis/record-hash.ts";
import { recordOf } from "../support/record.ts";
import { collectEvents } from "../support/events.ts";
import { Site, testOnStores } from "../support/site.ts";
import type { Visitor } from "../support/site.ts";

/** Bytes of every kind that could lie in a field: noise, and things that other systems would run or revive. */
function* hostileBlobs(count: number): Generator<Uint8Array> {
  const payloads = [
    "",
    "null",
    "undefined",
    "{",
    '"',
    "\u0000",
    '{"$Date":"x"}',
    '{"$Date":null}',
    '{"$Map":{}}',
    '{"$Map":[1]}',
    '{"$Set":"x"}',
    '{"$bigint":"1e9"}',
    '{"$bigint":"0x"}',
    '{"$URL":"javascript:alert(1)//"}',
    '{"$URL":"::"}',
    '{"$bytes":1}',
    '{"$number":"NaN"}',
    '{"$function":"process.exit()"}',
    '{"$Error":"x"}',
    '{"rce":"_$$ND_FUNC$$_function(){process.exit(1)}()"}',
    '{"__proto__":{"admin":true}}',
    '{"type":"Buffer","data":[1]}',
    "rO0ABXNyABNqYXZhLnV0aWwuSGFzaHRhYmxl",
    'O:8:"stdClass":0:{}',
    "\x80\x04\x95cos\nsystem\n",
    "[".repeat(100_000),
    `${"[".repeat(50_000)}${"]".repeat(50_000)}`,
    `${'{"$Set":['.repeat(50_000)}${"]}".repeat(50_000)}`,
  ];
  for (const payload of payloads) yield Buffer.from(payload);
  for (let at = 0; at < count; at++) yield randomBytes(randomInt(0, 80));
}

async function aSession(site: Site): Promise<Visitor> {
  const visitor = site.visitor();
  await visitor.login("leo");
  await visitor.with((session) => {
    session.set("x", { deep: [1] });
    session.set("y", "untouched");
    session.flash("hello");
  });
  return visitor;
}

testOnStores(
  "[47][48] whatever lies in a field, it is a value, or absent with an event, and never a crash",
  async (site, t) => {
    const visitor = await aSession(site);
    const [record] = await site.store.dump();
    assert.ok(record);
    const flash = [...record.fields.keys()].find((name) => name.startsWith("f:")) ?? "";
    const events = collectEvents(t);
    let refused = 0;
    for (const blob of hostileBlobs(5000)) {
      site.store.tamper = () => ({
        ...record,
        fields: new Map([...record.fields, ["d:x", blob], [flash, blob], ["m:agent", blob]]),
      });
      events.length = 0;
      const [value, other, messages] = await visitor.with((session) => [
        session.get("x"),
        session.get("y"),
        session.peekFlashes(),
      ]);
      assert.equal(visitor.last.status, 200);
      assert.equal(other, "untouched");
      assert.deepEqual(messages, []);
      if (value === undefined) {
        refused++;
        assert.ok(events.some((event) => event.type === "field-unreadable" && event.field === "d:x"));
      } else {
        // In memory nothing is sealed: noise may be JSON by chance, and is plain data then.
        assert.equal(site.store.inProcess, true);
        assert.notEqual(typeof value, "function");
      }
    }
    assert.ok(refused > 4000);
    assert.equal(({} as Record<string, unknown>)["admin"], undefined);
  },
);

testOnStores(
  "[48] every bit flip and truncation of a stored field reads as absent when it is sealed",
  async (site) => {
    const visitor = await aSession(site);
    const [record] = await site.store.dump();
    const bytes = record?.fields.get("d:y") ?? new Uint8Array();
    const variants: Uint8Array[] = [];
    for (const [at, byte] of bytes.entries()) {
      for (let bit = 0; bit < 8; bit++) variants.push(Uint8Array.from(bytes).with(at, byte ^ (1 << bit)));
      variants.push(bytes.slice(0, at), bytes.slice(at + 1));
    }
    for (const variant of variants) {
      site.store.tamper = (stored) => ({ ...stored, fields: new Map([["d:y", variant]]) });
      const value = await visitor.with((session) => session.get("y"));
      assert.equal(visitor.last.status, 200);
      if (!site.store.inProcess) assert.equal(value, undefined);
    }
  },
);

test("[47] what was not written by this package decodes to plain data or to a SyntaxError, without running anything", () => {
  for (const blob of hostileBlobs(10_000)) {
    try {
      const value = decodeValue(Buffer.from(blob).toString());
      assert.notEqual(typeof value, "function");
    } catch (error) {
      assert.ok(
        error instanceof SyntaxError || error instanceof RangeError || error instanceof TypeError,
        String(error),
      );
    }
    const fields = unpackRecord("id", Buffer.from(blob).toString("latin1"))?.fields;
    assert.ok(fields === undefined || fields.size <= blob.length);
  }
});

function withRow(t: TestContext): { site: Site; tear: (column: string, value: unknown) => void } {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-"));
  const path = join(folder, "a.db");
  const store = sqliteStore({ path });
  const site = new Site(t, { over: store });
  const raw = new DatabaseSync(path);
  t.after(async () => {
    raw.close();
    await store.close();
    rmSync(folder, { recursive: true });
  });
  return {
    site,
    tear: (column, value) => {
      raw.prepare(`UPDATE coatcheck_session SET ${column} = ?`).run(value as string);
    },
  };
}

test("[48] a row that is damaged, truncated or of another format is anonymous, with one event", async (t) => {
  const { site, tear } = withRow(t);
  const visitor = await aSession(site);
  const [record] = await site.store.dump();
  assert.ok(record);
  const packed = (fields: SessionRecord["fields"], columns: Partial<SessionRecord> = {}) =>
    Buffer.from(packRecord({ ...record, ...columns, fields }), "latin1");
  const [bare, row] = [packed(new Map()), packed(new Map([["d:x", Uint8Array.of(7)]]))];
  const blobs = [
    Buffer.of(0),
    ...Array.from({ length: row.length }, (_, at) => row.subarray(0, at)).filter(
      (blob) => blob.length !== bare.length,
    ),
    Buffer.concat([row, Buffer.of(0)]),
    Buffer.concat([bare, Buffer.of(255)]),
    Buffer.concat([bare, Buffer.of(1, 65, 255, 255, 255, 255)]),
    Buffer.concat([bare, Buffer.of(1, 65, 1)]),
    // Numbers that never end, and one that ends after it has become infinite.
    Buffer.concat([Buffer.of(2, 7), Buffer.alloc(147, 0xff), Buffer.of(0)]),
    Buffer.concat([bare, Buffer.alloc(147, 0xff), Buffer.of(0)]),
    Buffer.concat([bare, Buffer.alloc(10_000, 0xff)]),
    // Times that are none: such a session would never end.
    packed(new Map(), { lastSeenAt: Number.NaN }),
    packed(new Map(), { absoluteDeadline: Infinity }),
    Buffer.from(row).fill(1, 0, 1),
    Buffer.from(row).fill(255, 1, 2),
  ];
  const events = collectEvents(t);
  for (const blob of blobs) {
    tear("record", blob);
    events.length = 0;
    const seen = await visitor.with((session) => [
      session.subject,
      session.keys(),
      session.rejection?.reason,
    ]);
    assert.deepEqual(seen, [undefined, [], "unreadable"], blob.toString("hex"));
    assert.deepEqual(visitor.last.headers.getSetCookie(), []);
    assert.deepEqual(
      events.map(({ type }) => type),
      ["rejected"],
    );
  }
  assert.deepEqual(await site.sessions.list("leo"), []);
  tear("record", bare);
  assert.equal(await visitor.subject(), "leo");
});

test("[48] a record with numbers that can't be reckoned with is none, whatever it is kept in", () => {
  const sound = recordOf({ subject: "42", authenticatedAt: 1 });
  const columns = ["epoch", "revision", "ticketAt", "createdAt", "authenticatedAt", "lastSeenAt"] as const;
  const damaged: SessionRecord[] = [...columns, "idleTimeout" as const, "absoluteDeadline" as const].flatMap(
    (column) =>
      [Infinity, -Infinity, Number.NaN, 1e300].map((number) =>
        Object.assign({}, sound, { [column]: number }),
      ),
  );
  damaged.push({ ...sound, epoch: -1 }, { ...sound, revision: 0.5 });
  const inHash = (record: SessionRecord) =>
    fromHash(
      "id",
      toHash(record).map((part, at) => (at % 2 === 0 ? part : Buffer.from(part))),
    );
  // As a database may answer: JSON can hold a number that is read as infinite.
  const inJson = (record: SessionRecord) => {
    const text = recordText({ ...record, subject: "42" })
      .replaceAll('"permanent":false', '"permanent":0')
      .replaceAll("1e+300", "1e999");
    return recordFrom(JSON.parse(text));
  };
  assert.ok(inHash(sound) && inJson(sound) && unpackRecord("id", packRecord(sound)));
  for (const record of damaged) {
    assert.equal(inHash(record), undefined);
    // Which JSON writes as null: nobody has logged in.
    if (Number.isFinite(record.authenticatedAt)) assert.equal(inJson(record), undefined);
    // Epoch and revision are packed as whole numbers: such can't even be written.
    if (record.epoch !== sound.epoch || record.revision !== sound.revision) continue;
    assert.equal(unpackRecord("id", packRecord(record)), undefined);
  }
});

test("[48] ten thousand random rows: anonymous or empty, never a crash, and a login still works", async (t) => {
  const { site, tear } = withRow(t);
  const visitor = await aSession(site);
  for (let at = 0; at < 10_000; at++) {
    const blob = randomBytes(randomInt(0, 60));
    if (at % 2 === 0 && blob.length > 1) blob.set([2, at % 16]);
    // One in a hundred by way of the file, the others where the store would read them.
    if (at % 100 === 0) {
      tear("record", blob);
      await visitor.with((session) => session.keys());
      assert.equal(visitor.last.status, 200);
    }
    const fields = unpackRecord("id", blob.toString("latin1"))?.fields;
    assert.ok(fields === undefined || fields.size <= blob.length);
  }
  tear("record", Buffer.of(9));
  await visitor.login("leo");
  assert.equal(await visitor.subject(), "leo");
});
