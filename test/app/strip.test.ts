import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { memoryStore } from "coatcheck/memory";
import { probeStore } from "coatcheck/testing";
import { currentMeasurement, measured } from "../../app/measure.ts";
import { handlersOf, sources } from "../../app/sources.ts";
import { FLASK } from "../../app/views/strip-flask.ts";
import { broken } from "../support/store-calls.ts";
import { testSite } from "./test-site.ts";

const root = join(import.meta.dirname, "..", "..");

/** The strip's part about one request, as plain text. */
function costsIn(body: string, title: string): string {
  const [, rest = ""] = body.split(`<h2>${title}</h2>`);
  return rest
    .slice(0, rest.indexOf("</section>"))
    .replaceAll(/<[^>]+>/g, " ")
    .replaceAll(/\s+/g, " ");
}

/** The operations that a strip lists, in order. */
function callsIn(costs: string): string[] {
  const [, list = ""] = /store calls (.*) Set-Cookie/.exec(costs) ?? [];
  return [...list.matchAll(/[a-z]+(?= (?:failed|[\d.]+ ms))/g)].map(([name]) => name);
}

test("a page tells the store calls that were made for it, also those of the commit after the handler", async (t) => {
  const probe = probeStore(memoryStore());
  const site = await testSite(t, { store: probe.store });
  const leo = site.visitor();
  await leo.login();
  for (const path of ["/user", "/user", "/devices", "/nowhere", "/inside/disk"]) {
    probe.calls.length = 0;
    const costs = costsIn((await leo.get(path)).body, "This page");
    assert.deepEqual(
      callsIn(costs),
      probe.calls.map(({ operation }) => operation),
      path,
    );
    assert.ok(probe.calls.length > 0);
  }
  // The idle clock moves in the commit.
  site.later({ minutes: 7 });
  assert.deepEqual(callsIn(costsIn((await leo.get("/")).body, "This page")), ["read", "patch"]);
});

test("a page without a session costs no store call and no cookie, and says so", async (t) => {
  const { body } = await (await testSite(t)).visitor().get("/");
  assert.match(body, /no store call · no cookie set · Cache-Control: private, no-cache/);
  assert.match(costsIn(body, "This page"), /GET \/ → 200 store calls none Set-Cookie none/);
});

test("the page after a form tells once what the form cost, with its cookies' names and without their values", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  const login = await leo.login({ keep: "on" });
  await leo.head("/user");
  const { body } = await leo.get("/user");
  const costs = costsIn(body, "The form before it");
  assert.match(costs, /POST \/login → 303/);
  assert.deepEqual(callsIn(costs), ["create", "patch"]);
  for (const line of login.headers.getSetCookie()) {
    const [, name = "", value = "", attributes = ""] = /^([^=]+)=([^;]*); (.*)$/.exec(line) ?? [];
    assert.ok(costs.includes(`${name}=…; ${attributes}`), name);
    assert.ok(!body.includes(value), name);
  }
  assert.match(body, /aria-label="POST \/login"/);
  assert.match(body, /@app\.post\(&quot;\/login&quot;\)/);
  assert.doesNotMatch((await leo.get("/user")).body, /The form before it/);
});

test("a form's cost is shown to its own session only", async (t) => {
  const site = await testSite(t);
  const [leo, other] = [site.visitor(), site.visitor()];
  await other.post("/counter");
  await leo.login();
  assert.doesNotMatch((await site.visitor().get("/")).body, /The form before it/);
  assert.match(costsIn((await leo.get("/")).body, "The form before it"), /POST \/login/);
  assert.match(costsIn((await other.get("/counter")).body, "The form before it"), /POST \/counter/);
});

test("what a request has started and left running is no part of it once its response has begun", async () => {
  const seen: boolean[] = [];
  let later: Promise<unknown> = Promise.resolve();
  await measured(async () => {
    seen.push(currentMeasurement() !== undefined);
    later = turn().then(() => seen.push(currentMeasurement() !== undefined));
  });
  await later;
  assert.deepEqual(seen, [true, false]);
});

test("while the store fails, the strip says which call failed", async (t) => {
  const probe = probeStore(memoryStore());
  const leo = (await testSite(t, { store: probe.store })).visitor();
  await leo.login();
  probe.around = broken;
  const answer = await leo.get("/user");
  assert.equal(answer.status, 503);
  assert.match(costsIn(answer.body, "This page"), /GET \/user → 503 store calls read failed after [\d.]+ ms/);
});

test("the cache headers in the strip are those of the response", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  for (const path of ["/user", "/inside", "/cookies_get"]) {
    const { body, headers } = await leo.get(path);
    assert.ok(costsIn(body, "This page").includes(`Cache-Control: ${headers.get("Cache-Control")}`), path);
    assert.ok(costsIn(body, "This page").includes(`Vary: ${headers.get("Vary")}`), path);
  }
});

test("a visitor's text that looks like the strip's place stays text", async (t) => {
  const visitor = (await testSite(t)).visitor();
  const { body } = await visitor.submit("/session_set", { name: "<!--strip-->", message: "$& $1" });
  assert.equal(body.match(/<details class="strip">/g)?.length, 1);
  assert.match(body, /<details class="strip">[^]*<\/details>[^]*<\/main>/);
  assert.match(body, /id="kept-name">&lt;!--strip--&gt;</);
  assert.doesNotMatch(body, /<!--strip-->/);
});

test("every page that Flask has a word about shows the lines of its handler, as they stand in the source", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  await leo.login();
  for (const [path, lesson] of FLASK) {
    const handlers = handlersOf(path);
    assert.ok(
      handlers.some(({ method }) => method === "GET"),
      path,
    );
    for (const { file, code } of handlers) {
      const source = readFileSync(join(root, file), "utf8");
      const [first = ""] = code.split("\n");
      const start =
        source.indexOf(`${first}\n`) === -1 ? source.indexOf(first) : source.indexOf(`${first}\n`);
      const indent = source.slice(source.lastIndexOf("\n", start) + 1, start);
      const asWritten = code.replaceAll(/\n(?=.)/g, `\n${indent}`);
      assert.ok(source.includes(asWritten), `${file} has the lines of ${path}`);
      assert.ok(code.endsWith(";"), "to the end of the statement");
    }
    assert.ok(existsSync(join(root, "docs", `${lesson.docs}.md`)), lesson.docs);
  }
  const { body } = await leo.submit("/counter");
  assert.match(
    body,
    /<mark>  await session\.update\(&quot;counter&quot;, \(count\) =&gt; \(count \?\? 0\) \+ 1\);<\/mark>/,
  );
  assert.match(body, /href="\/docs\/values"/);
});

test("the sources of the pages can be read, and no other file", async (t) => {
  const visitor = (await testSite(t)).visitor();
  const { headers, body, status } = await visitor.get("/source/app/routes/lessons.ts");
  assert.equal(status, 200);
  assert.equal(headers.get("Content-Type"), "text/plain; charset=utf-8");
  assert.equal(body, sources.get("app/routes/lessons.ts"));
  for (const path of [
    "/source/app/secret.ts",
    "/source/app/routes/../secret.ts",
    "/source/app/routes/..%2fsecret.ts",
    "/source/app/routes/%2e%2e%2f%2e%2e%2fpackage.json",
    "/source/app/routes/constructor",
    "/source/etc/passwd",
  ]) {
    assert.equal((await visitor.get(path)).status, 404, path);
  }
});
