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
import { packRecord, unpackRecord } from "../../../src/record/binary/record.ts";
import { recordFrom, recordText } from "../../../src/stores/postgres/record-json.ts";
import { fromHash, toHash } from "../../../src/stores/redis/record-hash.ts";
import { collectEvents } from "../../support/events.ts";
import { hostileBlobs, visitorWithEverything } from "../../support/hostile-bytes.ts";
import { recordOf } from "../../support/records.ts";
import { Site } from "../../support/site.ts";

test("[47] bytes that were not written by this package are no record, or a small one", () => {
  for (const blob of hostileBlobs(10_000)) {
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
  const visitor = await visitorWithEverything(site);
  const [record] = await site.probe.records();
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
  const visitor = await visitorWithEverything(site);
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
