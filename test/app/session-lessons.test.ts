import assert from "node:assert/strict";
import { test } from "node:test";
import { testSite } from "./test-site.ts";

test("scenario 12: /session_set stores a name and a message, and says so", async (t) => {
  const visitor = (await testSite(t)).visitor();
  const page = await visitor.submit("/session_set", { name: "Ada", message: "Good <morning>" });
  assert.equal(page.messages.at(-1)?.category, "success");
  assert.match(page.messages.at(-1)?.text ?? "", /now holds the name Ada/);
});

test("scenario 13: /session_get shows both, or says that the session holds nothing", async (t) => {
  const visitor = (await testSite(t)).visitor();
  const empty = await visitor.get("/session_get");
  assert.match(empty.body, /The session holds no name and no message/);
  assert.equal(empty.headers.getSetCookie().length, 0, "reading makes no session");
  await visitor.post("/session_set", { name: "Ada", message: "Good <morning>" });
  const { body } = await visitor.get("/session_get");
  assert.match(body, /id="kept-name">\s*Ada\s*</);
  assert.match(body, /id="kept-message">\s*Good &lt;morning&gt;\s*</);
});

test("scenario 14: /session_delete removes one key, then everything, and says so", async (t) => {
  const visitor = (await testSite(t)).visitor();
  await visitor.submit("/session_set", { name: "Ada", message: "Good morning" });
  const one = await visitor.submit("/session_delete", { what: "name" });
  assert.match(one.messages.at(-1)?.text ?? "", /name is removed/);
  assert.match(one.body, /id="kept-name">\s*<em>not there<\/em>/);
  assert.match(one.body, /Good morning/);
  const all = await visitor.submit("/session_delete", { what: "everything" });
  assert.match(all.messages.at(-1)?.text ?? "", /holds nothing now/);
  assert.match(all.body, /The session holds no name and no message/);
});

test("scenario 14: clearing does not log out, and the greeting comes back from the database", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  await leo.post("/session_delete", { what: "everything" });
  assert.match((await leo.get("/user")).body, /Hello, leo!/);
});

test("scenario 15: the browser holds one opaque cookie, HttpOnly, that no page repeats", async (t) => {
  const leo = (await testSite(t)).visitor();
  const [cookie, ...others] = (await leo.login()).headers.getSetCookie();
  assert.deepEqual(others, []);
  for (const attribute of ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"]) {
    assert.match(cookie ?? "", new RegExp(`; ${attribute}(;|$)`, "i"));
  }
  assert.equal(leo.jar.size, 1);
  const [, secret = "?", mac = "?"] = leo.ticket?.split(".") ?? [];
  for (const path of ["/inside", "/user", "/devices", "/"]) {
    const { body } = await leo.get(path);
    assert.ok(!body.includes(secret) && !body.includes(mac), path);
  }
});

test("scenario 15: changing any one character of it logs out, and breaks nothing", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  await leo.login();
  const { ticket = "" } = leo;
  for (let at = 0; at < ticket.length; at += 1) {
    const other = ticket[at] === "A" ? "B" : "A";
    const edited = site.visitor();
    edited.jar.set("__Host-Http-session", {
      value: ticket.slice(0, at) + other + ticket.slice(at + 1),
      ends: true,
    });
    const page = await edited.get("/");
    assert.equal(page.status, 200);
    assert.doesNotMatch(page.body, /Logged in as/, `character ${at}`);
  }
  assert.equal((await leo.get("/user")).status, 200, "the real ticket still counts");
});

test("scenario 15: /inside shows what the server keeps, beside the shape of what the browser holds", async (t) => {
  const leo = (await testSite(t)).visitor();
  assert.match((await leo.get("/inside")).body, /No ticket yet/);
  await leo.login();
  await leo.post("/counter");
  const { body } = await leo.get("/inside");
  assert.match(body, /__Host-Http-session/);
  assert.match(body, /<code>counter<\/code>/);
  assert.match(body, /One cookie of 89 characters/);
});

test("the counter counts every click of many at once", async (t) => {
  const visitor = (await testSite(t)).visitor();
  await visitor.post("/session_set", { name: "Ada", message: "hi" });
  await Promise.all(Array.from({ length: 40 }, () => visitor.post("/counter")));
  assert.match((await visitor.get("/counter")).body, /id="count">40</);
});
