import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { probeStore } from "coatcheck/testing";
import { memoryStore } from "coatcheck/memory";
import { testSite } from "./test-site.ts";

/** A built site of a few files, with a secret beside it. */
function docsFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-docs-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const built = join(folder, ".built");
  mkdirSync(join(built, "assets"), { recursive: true });
  mkdirSync(join(built, "reference"));
  const files = {
    "index.html": "home",
    "404.html": "not in the documentation",
    "flash.html": "about flash",
    "reference/index.html": "all names",
    "assets/app.1234.js": "start()",
    "ticket.svg": "<svg/>",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(built, name), text);
  writeFileSync(join(folder, "secret.txt"), "s3cret");
  symlinkSync(join(folder, "secret.txt"), join(built, "link.txt"));
  const tags = Object.fromEntries(Object.keys(files).map((name) => [name, `tag-of-${name.length}`]));
  writeFileSync(
    join(built, "built.json"),
    JSON.stringify({ hash: "1", scripts: ["'sha256-abc='"], files: tags }),
  );
  return folder;
}

test("the documentation is served with its types, at addresses without .html", async (t) => {
  const visitor = (await testSite(t, { docs: docsFolder(t) })).visitor();
  for (const [path, type, text] of [
    ["/docs/", "text/html; charset=utf-8", "home"],
    ["/docs/flash", "text/html; charset=utf-8", "about flash"],
    ["/docs/flash.html", "text/html; charset=utf-8", "about flash"],
    ["/docs/reference/", "text/html; charset=utf-8", "all names"],
    ["/docs/assets/app.1234.js", "text/javascript; charset=utf-8", "start()"],
    ["/docs/ticket.svg", "image/svg+xml", "<svg/>"],
  ] as const) {
    const { status, headers, body } = await visitor.get(path);
    assert.deepEqual([status, headers.get("Content-Type"), body], [200, type, text], path);
    assert.equal(headers.get("X-Content-Type-Options"), "nosniff");
    const policy = headers.get("Content-Security-Policy") ?? "";
    assert.match(policy, /script-src 'self' 'sha256-abc='/);
    assert.doesNotMatch(policy, /unsafe-eval/);
  }
  const moved = await visitor.get("/docs");
  assert.deepEqual([moved.status, moved.location], [308, "/docs/"]);
});

test("a page of the documentation is asked for anew, and not sent again; what is named by its content is kept", async (t) => {
  const visitor = (await testSite(t, { docs: docsFolder(t) })).visitor();
  const page = await visitor.get("/docs/flash");
  assert.equal(page.headers.get("Cache-Control"), "no-cache");
  const tag = page.headers.get("ETag") ?? "";
  for (const known of [tag, `W/${tag}`, `"other", ${tag}`]) {
    const again = await visitor.get("/docs/flash", { "If-None-Match": known });
    assert.deepEqual([again.status, again.body], [304, ""], known);
  }
  assert.equal((await visitor.get("/docs/flash", { "If-None-Match": '"other"' })).status, 200);
  const asset = await visitor.get("/docs/assets/app.1234.js");
  assert.match(asset.headers.get("Cache-Control") ?? "", /public.*immutable/);
  const head = await visitor.head("/docs/flash");
  assert.deepEqual([head.status, head.body, head.headers.get("ETag")], [200, "", tag]);
});

test("nothing but the site's own files is served, whatever the path", async (t) => {
  const site = await testSite(t, { docs: docsFolder(t) });
  const visitor = site.visitor();
  for (const path of [
    "/docs/nowhere",
    "/docs/flash/",
    "/docs/%",
    "/docs/%E0%A4%A",
    "/docs/%00",
    "/docs/..%2fsecret.txt",
    "/docs/%2e%2e%2fsecret.txt",
    "/docs/%252e%252e%252fsecret.txt",
    "/docs/..%5csecret.txt",
    "/docs/assets/..%2f..%2fsecret.txt",
    "/docs//etc/passwd",
    "/docs/link.txt",
    "/docs/built.json",
    "/docs/constructor",
    "/docs/__proto__",
  ]) {
    const { status, headers, body } = await visitor.get(path);
    assert.deepEqual([status, body], [404, "not in the documentation"], path);
    assert.equal(headers.get("Content-Type"), "text/html; charset=utf-8");
    assert.equal(headers.get("Cache-Control"), "no-store");
  }
  assert.deepEqual(site.reported, []);
});

test("the documentation can be read, and nothing else", async (t) => {
  const { url } = await testSite(t, { docs: docsFolder(t) });
  for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
    const answer = await fetch(`${url}/docs/flash`, { method });
    assert.deepEqual([answer.status, answer.headers.get("Allow")], [405, "GET, HEAD, OPTIONS"], method);
    assert.match(await answer.text(), /<h1>Not like this<\/h1>/);
  }
  const options = await fetch(`${url}/docs/flash`, { method: "OPTIONS" });
  assert.deepEqual([options.status, options.headers.get("Allow")], [204, "GET, HEAD, OPTIONS"]);
});

test("the documentation touches no session", async (t) => {
  const { store, calls } = probeStore(memoryStore());
  const visitor = (await testSite(t, { docs: docsFolder(t), store })).visitor();
  await visitor.login();
  assert.ok(calls.length > 0);
  calls.length = 0;
  for (const path of ["/docs/", "/docs/flash", "/docs/nowhere"]) {
    const { headers } = await visitor.get(path);
    assert.deepEqual([headers.getSetCookie(), headers.get("Vary")], [[], null], path);
  }
  assert.deepEqual(calls, []);
});

test("while there is no documentation, its page says why, and reloads only if that helps", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-docs-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const visitor = (await testSite(t, { docs: folder })).visitor();
  const status = (text: string) => writeFileSync(join(folder, ".status.json"), text);
  const see = async (refresh: string | null, text: RegExp) => {
    const { status: code, headers, body } = await visitor.get("/docs/flash");
    assert.deepEqual(
      [code, headers.get("Refresh"), headers.get("Cache-Control")],
      [503, refresh, "no-store"],
    );
    assert.match(body, text);
  };
  await see(null, /npm run docs/);
  status(JSON.stringify({ state: "building", pid: process.pid }));
  await see("3", /is being built/);
  status(JSON.stringify({ state: "failed", message: "<offline>" }));
  await see(null, /failed. The rest of the site works[^]*&lt;offline&gt;/);
  // A process that was killed, and a file that is being written.
  status(JSON.stringify({ state: "building", pid: 2 ** 30 }));
  await see(null, /npm run docs/);
  status('{"state":"bui');
  await see(null, /npm run docs/);
});
