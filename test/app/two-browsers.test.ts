import assert from "node:assert/strict";
import { test } from "node:test";
import { openStream } from "./event-stream.ts";
import { testSite } from "./test-site.ts";

/** The ids in the forms that end other sessions. */
const idsIn = (body: string) => [...body.matchAll(/name="id" value="([^"]*)"/g)].map(([, id = ""]) => id);

test("a browser that is ended from another one hangs up at once, and is logged out at its next click", async (t) => {
  const site = await testSite(t);
  const [one, other] = [site.visitor(), site.visitor()];
  await one.login();
  const line = await openStream(t, site, one, "/two-browsers/line");
  assert.deepEqual(await line.next(), { event: "open", data: "The line is open." });
  await other.login();
  assert.deepEqual(await line.next(), { event: "changed", data: "login" });
  const [id = ""] = idsIn((await other.get("/two-browsers")).body);
  assert.equal(id, one.ticket?.slice(0, 22));
  const ended = await other.submit("/two-browsers", { id });
  assert.match(ended.messages[0]?.text ?? "", /its line was hung up/);
  assert.equal((await line.next())?.event, "ended");
  assert.equal(await line.next(), undefined);
  assert.equal((await one.get("/two-browsers")).way, "/login");
  assert.equal((await other.get("/two-browsers")).status, 200);
  assert.equal(site.site.streams.size, 0);
});

test("a logout hangs up the lines of its own browser", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  await leo.login();
  const line = await openStream(t, site, leo, "/two-browsers/line");
  await line.next();
  await leo.post("/logout");
  assert.equal((await line.next())?.event, "ended");
});

test("nobody without a login has a line, and nobody ends the session of somebody else", async (t) => {
  const site = await testSite(t);
  const [leo, ada, stranger] = [site.visitor(), site.visitor(), site.visitor()];
  await leo.login();
  await ada.post("/signup", { name: "ada", password: "a good long password" });
  assert.equal((await openStream(t, site, stranger, "/two-browsers/line")).status, 401);
  assert.equal((await stranger.get("/two-browsers")).way, "/login");
  const id = leo.ticket?.slice(0, 22) ?? "";
  const owner = /name="owner" value="([^"]*)"/.exec((await ada.get("/user")).body)?.[1] ?? "";
  const answer = await ada.post("/two-browsers", { id, owner });
  assert.match((await ada.open(answer.location ?? "")).messages[0]?.text ?? "", /had ended already/);
  const foreign = { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" };
  assert.equal((await leo.post("/two-browsers", { id, owner }, foreign)).status, 403);
  assert.equal((await leo.get("/user")).status, 200);
});

test("only the pages with a stream may run the site's script", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  for (const path of ["/two-browsers", "/break"]) {
    const policy = (await leo.get(path)).headers.get("Content-Security-Policy") ?? "";
    assert.match(policy, /default-src 'none';.*script-src 'self'; connect-src 'self'/);
    assert.doesNotMatch(policy, /unsafe|nonce/);
  }
  for (const path of ["/", "/user", "/inside", "/devices"]) {
    const { headers, body } = await leo.get(path);
    assert.doesNotMatch(headers.get("Content-Security-Policy") ?? "", /script-src/);
    assert.doesNotMatch(body, /<script/);
  }
});
