import assert from "node:assert/strict";
import { test } from "node:test";
import { testSite } from "./test-site.ts";

test("scenario 20: several messages survive redirects, and are shown once, in order, escaped, by category", async (t) => {
  const visitor = (await testSite(t)).visitor();
  const first = await visitor.post("/flash", { message: "<b>bold</b>" });
  assert.equal(first.way, "/flash/on");
  const page = await visitor.open(first.location ?? "");
  assert.deepEqual(page.messages, [
    { category: "success", text: "First: this went well." },
    { category: "info", text: "Second: this is good to know." },
    { category: "warning", text: "Third: careful with this." },
    { category: "error", text: "Fourth: this went wrong." },
    { category: "message", text: "And yours: &lt;b&gt;bold&lt;/b&gt;" },
  ]);
  for (const { category } of page.messages.slice(0, 4))
    assert.ok(page.body.includes(`class="message ${category}"`));
  assert.deepEqual((await visitor.get("/flash")).messages, []);
});

test("scenario 20: a HEAD, a stylesheet or another visitor does not take the messages", async (t) => {
  const site = await testSite(t);
  const visitor = site.visitor();
  await visitor.post("/flash");
  await visitor.head("/flash");
  await visitor.get("/static/site.css");
  assert.deepEqual((await site.visitor().get("/flash")).messages, []);
  assert.equal((await visitor.get("/nowhere")).messages.length, 4);
});

test("scenario 20: a page that shows messages is kept by no cache", async (t) => {
  const visitor = (await testSite(t)).visitor();
  await visitor.post("/flash");
  const { headers } = await visitor.get("/flash");
  assert.match(headers.get("Cache-Control") ?? "", /no-store|private/);
  assert.match(headers.get("Vary") ?? "", /cookie/i);
});

test("scenario 21: of many tabs opened at once after one message, one shows it", async (t) => {
  const visitor = (await testSite(t)).visitor();
  await visitor.post("/session_set", { name: "Ada", message: "hi" });
  const tabs = await Promise.all(Array.from({ length: 20 }, () => visitor.get("/")));
  assert.equal(tabs.filter((tab) => tab.messages.length === 1).length, 1);
});

test("a program that never looks at a page does not pile up messages until nothing works", async (t) => {
  const visitor = (await testSite(t)).visitor();
  for (let count = 0; count < 50; count += 1) assert.equal((await visitor.get("/user")).status, 303);
  for (let count = 0; count < 12; count += 1)
    assert.equal((await visitor.post("/flash", { message: `${count}` })).status, 303);
  assert.ok((await visitor.get("/login")).messages.length <= 20);
});
