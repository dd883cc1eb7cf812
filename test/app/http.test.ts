import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { StoreError } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { probeStore } from "coatcheck/testing";
import { testSite } from "./test-site.ts";
import { broken, untouched } from "../support/store-calls.ts";

test("every page forbids scripts, frames and whatever comes from elsewhere", async (t) => {
  const visitor = (await testSite(t)).visitor();
  for (const path of ["/", "/login", "/nowhere", "/static/site.css", "/health"]) {
    const { headers, body } = await visitor.get(path);
    assert.match(headers.get("Content-Security-Policy") ?? "", /default-src 'none'; style-src 'self'/);
    assert.equal(headers.get("X-Content-Type-Options"), "nosniff");
    assert.doesNotMatch(body, /<script|<style|style="|\son\w+="/);
  }
});

test("row 85, 86: pages that look at the session are not shared by caches; stylesheets are", async (t) => {
  const visitor = (await testSite(t)).visitor();
  for (const path of ["/", "/login", "/nowhere", "/user"]) {
    const { headers } = await visitor.get(path);
    assert.match(headers.get("Vary") ?? "", /Cookie/i, path);
    assert.match(headers.get("Cache-Control") ?? "", /private|no-store/, path);
  }
  assert.match((await visitor.login()).headers.get("Cache-Control") ?? "", /no-store/);
  const page = await visitor.get("/");
  const sheet = /href="(\/static\/site\.css\?v=[^"]+)"/.exec(page.body)?.[1] ?? "";
  const { headers } = await visitor.get(sheet);
  assert.match(headers.get("Cache-Control") ?? "", /public.*immutable/);
  assert.equal(headers.get("Vary"), null);
});

test("row 66: a login, logout or any form from another site is refused, and does nothing", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  const elsewhere = { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" };
  assert.equal((await leo.post("/login", { name: "leo", password: "1234" }, elsewhere)).status, 403);
  assert.equal(leo.ticket, undefined);
  await leo.login();
  for (const path of ["/logout", "/password", "/devices", "/user", "/session_delete", "/cookie_set"]) {
    assert.equal((await leo.post(path, { others: "yes" }, elsewhere)).status, 403, path);
  }
  assert.equal((await leo.get("/user")).status, 200);
});

test("row 93: fields that come twice, or in another shape, are refused with 400", async (t) => {
  const visitor = (await testSite(t)).visitor();
  const type = "application/x-www-form-urlencoded";
  const { url } = await testSite(t);
  for (const [body, contentType] of [
    ["name=leo&name=ada&password=1234", type],
    ['{"name":"leo"}', "application/json"],
    ["name=leo", "multipart/form-data; boundary=x"],
  ] as const) {
    const answer = await fetch(`${url}/login`, {
      method: "POST",
      body,
      headers: { "Content-Type": contentType },
    });
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /did not make sense/);
  }
  assert.equal((await visitor.get("/")).status, 200);
});

test("row 105: a form that is too long is refused quickly, whether or not it says how long it is", async (t) => {
  const visitor = (await testSite(t)).visitor();
  assert.equal((await visitor.login({ password: "x".repeat(1_000_000) })).status, 413);
  assert.equal((await visitor.login({ password: "x".repeat(1_025) })).status, 413);
  const { url } = await testSite(t);
  const { port } = new URL(url);
  const socket = connect(Number(port), "127.0.0.1");
  const piece = `4000\r\n${"x".repeat(0x4000)}\r\n`;
  socket.write(
    "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
      `Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n${piece}${piece}${piece}0\r\n\r\n`,
  );
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 413 /);
  socket.destroy();
});

test("row 107: while the store fails, pages answer 503 with Retry-After, and the cookie is left alone", async (t) => {
  const probe = probeStore(memoryStore());
  const site = await testSite(t, { store: probe.store });
  const leo = site.visitor();
  await leo.login();
  probe.around = broken;
  for (const ask of [
    () => leo.get("/user"),
    () => leo.get("/"),
    () => leo.post("/logout"),
    () => leo.get("/nowhere"),
  ]) {
    const answer = await ask();
    assert.equal(answer.status, 503);
    assert.match(answer.headers.get("Retry-After") ?? "", /^\d+$/);
    assert.match(answer.body, /You have not been logged out/);
    assert.deepEqual(answer.headers.getSetCookie(), []);
    assert.doesNotMatch(answer.body, /disk is gone/);
  }
  assert.equal((await leo.get("/static/site.css")).status, 200);
  assert.ok(site.reported.every((error) => error instanceof StoreError));
  probe.around = untouched;
  assert.match((await leo.get("/user")).body, /Hello, leo!/);
});

test("a fault of the site's own is a plain page: no trace, no detail, and nothing half done", async (t) => {
  const site = await testSite(t);
  const visitor = site.visitor();
  site.site.users.close();
  const answer = await visitor.login();
  assert.equal(answer.status, 500);
  assert.match(answer.body, /Something broke/);
  assert.doesNotMatch(answer.body, /database|at .*\.ts/);
  assert.deepEqual(answer.headers.getSetCookie(), []);
  assert.equal(site.reported.length, 1);
});

test("every page says if browsers keep no secure cookie for the site's name over plain http", async (t) => {
  const site = await testSite(t);
  const { port } = new URL(site.url);
  const ask = async (path: string, headers = "") => {
    const socket = connect(Number(port), "127.0.0.1");
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 192.168.1.7:3000\r\n${headers}Connection: close\r\n\r\n`);
    let text = "";
    for await (const piece of socket) text += String(piece);
    return text;
  };
  for (const path of ["/", "/login", "/signup", "/counter", "/nowhere", "/static/nope.css"]) {
    assert.match(await ask(path), /Logging in will not work here[^]*192\.168\.1\.7:3000/, path);
    for (const headers of ["X-Forwarded-Proto: https\r\n", "Sec-Fetch-Site: none\r\n"])
      assert.doesNotMatch(await ask(path, headers), /id="notice"/, "it was asked by https");
    assert.doesNotMatch((await site.visitor().get(path)).body, /id="notice"/, "localhost is kept");
  }
});

test("a browser that did not keep the cookie is told so after the login", async (t) => {
  const site = await testSite(t);
  const visitor = site.visitor();
  const login = await visitor.login();
  visitor.jar.clear();
  const page = await visitor.get(login.location ?? "", { Referer: `${site.url}/login` });
  assert.equal(page.location, "/login?cookies=missing");
  assert.match((await visitor.get(page.location ?? "")).body, /did not keep the session&#39;s cookie/);
});

test("search engines are told what they may read, and what a page is about", async (t) => {
  const visitor = (await testSite(t)).visitor();
  const robots = await visitor.get("/robots.txt");
  assert.deepEqual([robots.status, robots.body], [200, "User-agent: *\nAllow: /\n"]);
  assert.match(robots.headers.get("Content-Type") ?? "", /^text\/plain/);
  assert.match((await visitor.get("/")).body, /<meta\s+name="description"\s+content="[^"]{50,}"/);
});
