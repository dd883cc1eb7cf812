import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { SessionRecord } from "coatcheck/store";
import { sqliteStore } from "coatcheck/sqlite";
import { Site, testOnStores } from "../support/site.ts";
import { tampered } from "../support/store-calls.ts";

/** Every value of a record, as bytes. */
function bytesIn(record: SessionRecord): Buffer[] {
  return Object.values(record).flatMap((value: unknown) => {
    if (value instanceof Uint8Array) return [Buffer.from(value)];
    if (value instanceof Map) {
      return Array.from(value as Map<string, Uint8Array>, ([name, bytes]) => [
        Buffer.from(name),
        Buffer.from(bytes),
      ]).flat();
    }
    return [Buffer.from(String(value))];
  });
}

/** What a thief would try: each value in every spelling, alone and as any part of a ticket. */
function guessesFrom(record: SessionRecord): string[] {
  const spellings = bytesIn(record).flatMap((bytes) => [
    bytes.toString("latin1"),
    bytes.toString("base64"),
    bytes.toString("base64url"),
    bytes.toString("hex"),
  ]);
  const verifier = Buffer.from(record.verifier).toString("base64url");
  const parts = spellings.flatMap((guess) => [
    guess,
    `${record.id}.${guess}`,
    `${record.id}.${verifier}.${guess.slice(0, 22)}`,
    `${record.id}.${guess.slice(0, 43)}.${verifier.slice(0, 21)}A`,
  ]);
  return parts.filter((guess) => /^[\x20-\x3a\x3c-\x7e]*$/.test(guess));
}

testOnStores("[46] nothing in a dump of the store opens a session", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  await visitor.with((session) => {
    session.set("diary", "dear");
    session.flash("hello");
  });
  const [record] = await site.probe.records();
  assert.ok(record);
  const guesses = guessesFrom(record);
  assert.ok(guesses.length > 50);
  for (const guess of guesses) {
    assert.equal(await site.visitor().subject({ cookie: `__Host-Http-session=${guess}` }), undefined);
  }
  // The dump holds no part of the ticket but the id.
  const [id, secret = "", mac = ""] = visitor.ticket?.split(".") ?? [];
  assert.equal(id, record.id);
  for (const bytes of bytesIn(record)) {
    for (const part of [secret, mac]) {
      assert.equal(bytes.includes(part), false);
      assert.equal(bytes.includes(Buffer.from(part, "base64url")), false);
    }
  }
});

test("[51] an SQLite file holds no data, message or device in the clear, its WAL included", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const site = new Site(t, { over: sqliteStore({ path: join(folder, "a.db") }) });
  const visitor = site.visitor();
  await visitor.with((session) => session.login("leo"), { headers: { "user-agent": "canary-agent" } });
  await visitor.with((session) => {
    session.set("canary-key", "canary-value");
    session.flash("canary-message", "canary-category");
  });
  const files = readdirSync(folder);
  assert.ok(files.some((file) => file.endsWith("-wal")));
  const everything = Buffer.concat(files.map((file) => readFileSync(join(folder, file))));
  const holds = (needle: string | Buffer): boolean => everything.indexOf(needle) !== -1;
  // The names of keys are the store's to see, which the field's name says.
  assert.ok(holds("d:canary-key"));
  for (const canary of ["canary-value", "canary-message", "canary-category", "canary-agent"]) {
    assert.equal(holds(canary), false, canary);
  }
  for (const part of visitor.ticket?.split(".").slice(1) ?? []) {
    assert.equal(holds(part), false);
    assert.equal(holds(Buffer.from(part, "base64url")), false);
  }
  assert.ok(holds(visitor.ticket?.split(".")[0] ?? "x"));
  await site.sessions.close();
});

test("[51] a field moved to another record, or to another field, reads as absent", async (t) => {
  const site = new Site(t, { store: "sqlite" });
  const [leo, mallory] = [site.visitor(), site.visitor()];
  for (const [visitor, subject] of [
    [leo, "leo"],
    [mallory, "mallory"],
  ] as const) {
    await visitor.login(subject);
    await visitor.with((session) => {
      session.set("role", subject === "leo" ? "admin" : "guest");
      session.set("name", subject);
      session.flash(`for ${subject}`);
    });
  }
  const [leos, mallorys] = await site.probe.records();
  assert.ok(leos && mallorys);
  // Mallory can write to the database: Leo's fields, in their own record.
  site.probe.around = tampered(() => ({ ...mallorys, fields: leos.fields }));
  await mallory.with(async (session) => {
    assert.equal(session.subject, "mallory");
    assert.deepEqual([session.get("role"), session.get("name")], [undefined, undefined]);
    assert.deepEqual(session.peekFlashes(), []);
  });
  const name = mallorys.fields.get("d:name") ?? new Uint8Array();
  site.probe.around = tampered(() => ({ ...mallorys, fields: new Map([["d:role", name]]) }));
  await mallory.with((session) => assert.equal(session.get("role"), undefined));
  site.probe.around = tampered(() => ({ ...mallorys, fields: new Map([["f:0", name]]) }));
  await mallory.with((session) => assert.deepEqual(session.peekFlashes(), []));
  // And the whole record of another: the ticket's secret is not its.
  site.probe.around = tampered(() => leos);
  assert.equal(await mallory.subject(), undefined);
});

test("[52] an SQLite file and what lies beside it are the owner's alone, and what is deleted leaves the file", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "deep", "a.db");
  const site = new Site(t, { over: sqliteStore({ path }) });
  await site.visitor().login("canary-subject");
  assert.equal(statSync(join(folder, "deep")).mode & 0o777, 0o700);
  for (const file of readdirSync(join(folder, "deep"))) {
    assert.equal(statSync(join(folder, "deep", file)).mode & 0o777, 0o600, file);
  }
  assert.equal(await site.sessions.revokeAll("canary-subject"), 1);
  site.clock.advance(61_000);
  assert.equal(await site.sessions.sweep(), 1);
  await site.sessions.close();
  new DatabaseSync(path).close();
  for (const file of readdirSync(join(folder, "deep"))) {
    assert.equal(readFileSync(join(folder, "deep", file)).includes("canary-subject"), false, file);
  }
});
