import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "coatcheck/memory";
import { probeStore } from "coatcheck/testing";
import { testSite } from "./test-site.ts";
import type { Visitor } from "./visitor.ts";

const numberOf = (visitor: Visitor) => visitor.ticket?.slice(0, 6) ?? "none";
const numbersIn = (body: string) => [...body.matchAll(/No\. ([\w?-]+)/g)].map(([, number]) => number);
const hangersIn = (body: string) => body.match(/class="hanger-icon"/g)?.length ?? 0;

test("ticket and coat carry the same number, and each key has a hanger", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  const { body } = await leo.get("/inside");
  assert.deepEqual(numbersIn(body), [numberOf(leo), numberOf(leo)]);
  assert.equal(hangersIn(body), 3);
  await leo.post("/session_set", { name: "Ada", message: "hi" });
  assert.equal(hangersIn((await leo.get("/inside")).body), 5);
  await leo.post("/session_delete", { what: "everything" });
  assert.match((await leo.get("/inside")).body, /id="empty-hanger"/);
});

test("after a logout there is a torn ticket and an empty hanger with its number", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  const [old, number] = [leo.ticket ?? "", numberOf(leo)];
  await leo.submit("/logout");
  const { body } = await leo.get("/inside");
  assert.deepEqual(numbersIn(body), [numberOf(leo), number, numberOf(leo), number]);
  assert.match(body, /id="torn"/);
  assert.match(body, /An empty hanger/);

  leo.jar.set("__Host-Http-session", { value: old, ends: true });
  const replayed = (await leo.get("/inside")).body;
  assert.deepEqual(numbersIn(replayed), [number, number]);
  assert.match(replayed, /its session has ended/);
  for (const secret of old.split(".").slice(1)) assert.ok(!replayed.includes(secret));
});

test("a ticket that was edited is torn, and it is not said that its session is over", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  const value = `${leo.ticket?.slice(0, -1)}${leo.ticket?.endsWith("A") ? "Q" : "A"}`;
  leo.jar.set("__Host-Http-session", { value, ends: true });
  const { body } = await leo.get("/inside");
  assert.match(body, /id="torn"/);
  assert.doesNotMatch(body, /An empty hanger|class="coat"/);
  leo.jar.set("__Host-Http-session", { value: "<b>x</b>", ends: true });
  assert.match((await leo.get("/inside")).body, /No\. \?/);
});

test("what lies on disk is what the store really holds: sealed bytes and a hash, no value and no cookie", async (t) => {
  const probe = probeStore(memoryStore());
  const store = { ...probe.store, inProcess: false };
  const site = await testSite(t, { store });
  const leo = site.visitor();
  await leo.login();
  await leo.submit("/session_set", { name: "Grace-the-visitor", message: "meet me at noon" });
  const { body } = await leo.get("/inside/disk");
  const [record] = await probe.records();
  assert.ok(record);
  const shown = (bytes: Uint8Array) => Buffer.from(bytes.subarray(0, 4)).toString("hex");
  assert.ok(body.includes(shown(record.verifier)));
  for (const [name, bytes] of record.fields) {
    assert.ok(body.includes(`<dt>${name}</dt>`), name);
    assert.match(body, new RegExp(`${shown(bytes)}[^]*${bytes.length} bytes`));
  }
  assert.doesNotMatch(body, /Grace-the-visitor|meet me at noon|Buy milk/);
  for (const secret of leo.ticket?.split(".").slice(1) ?? []) assert.ok(!body.includes(secret));
  assert.ok(!body.includes(Buffer.from(record.verifier).toString("hex")), "shortened");
});

test("a store in memory seals nothing, so no byte of its fields is shown", async (t) => {
  const probe = probeStore(memoryStore());
  const leo = (await testSite(t, { store: probe.store })).visitor();
  await leo.login();
  const { body } = await leo.get("/inside/disk");
  assert.match(body, /Nothing\s+lies on disk/);
  const fields = /<dl class="kept" id="fields">[^]*?<\/dl>/.exec(body)?.[0] ?? "";
  assert.match(fields, /d:note/);
  assert.doesNotMatch(fields, /<code>|AES|Buy milk/);
});

test("without a session nothing lies on disk, and looking leaves nothing there", async (t) => {
  const probe = probeStore(memoryStore());
  const visitor = (await testSite(t, { store: probe.store })).visitor();
  assert.match((await visitor.get("/inside/disk")).body, /id="nothing"/);
  assert.equal(probe.calls.length, 0);
});
