import assert from "node:assert/strict";
import { test } from "node:test";
import { testSite } from "./test-site.ts";
import type { Visitor } from "./visitor.ts";

test("scenario 1: logging in remembers the user and leads to /user, with no name in the address", async (t) => {
  const leo = (await testSite(t)).visitor();
  assert.match(
    (await leo.get("/login")).body,
    /<strong>leo<\/strong> with the password\s+<strong>1234<\/strong>/,
  );
  const answer = await leo.login();
  assert.equal(answer.status, 303);
  assert.equal(answer.location, "/user");
  assert.ok(leo.ticket);
});

test("scenario 2: /user greets by the name that the session holds", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  const page = await leo.get("/user");
  assert.equal(page.status, 200);
  assert.match(page.body, /<h1>Hello, leo!<\/h1>/);
});

test("scenario 2: a name full of markup is shown as it is, everywhere", async (t) => {
  const visitor = (await testSite(t)).visitor();
  const name = `<img src=x onerror="alert('1')">`;
  await visitor.post("/signup", { name, password: "correct horse" });
  for (const path of ["/user", "/inside", "/devices", "/nowhere", "/"]) {
    const { body } = await visitor.get(path);
    assert.ok(body.includes("&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;"), path);
    assert.ok(!body.includes("<img"), path);
  }
});

test("scenario 3: every page knows who is there, also one that does not exist", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  assert.match((await leo.get("/")).body, /Logged in as/);
  const lost = await leo.get("/no/such/page");
  assert.equal(lost.status, 404);
  assert.match(lost.body, /Logged in as/);
  assert.match((await leo.get("/user")).body, /Hello, leo!/);
});

test("scenario 4: a page that needs a login says why, and is where the login leads", async (t) => {
  const leo = (await testSite(t)).visitor();
  const sentAway = await leo.get("/devices?sort=1");
  assert.equal(sentAway.status, 303);
  assert.equal(sentAway.location, "/login");
  const login = await leo.get("/login");
  assert.deepEqual(login.messages, [{ category: "info", text: "Please log in to see /devices." }]);
  assert.equal((await leo.login()).location, "/devices?sort=1");
});

test("scenario 4: the return address is used once", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.get("/devices");
  await leo.login();
  await leo.post("/logout");
  assert.equal((await leo.login()).location, "/user");
});

test("scenario 4: a picture, a HEAD or a form does not decide where the login leads", async (t) => {
  const site = await testSite(t);
  for (const ask of [
    (visitor: Visitor) => visitor.get("/devices", { "Sec-Fetch-Dest": "image" }),
    (visitor: Visitor) => visitor.head("/devices"),
    (visitor: Visitor) => visitor.post("/devices", { others: "yes" }),
  ]) {
    const leo = site.visitor();
    assert.equal((await ask(leo)).location, "/login");
    assert.equal((await leo.login()).location, "/user");
  }
});

test("scenario 4: no path on the site leads to another site after the login", async (t) => {
  const site = await testSite(t);
  for (const path of [
    "/user/..//evil.example",
    "/user?next=//evil.example",
    "//evil.example/user",
    "/\\evil.example",
  ]) {
    const leo = site.visitor();
    await leo.get(path).catch(() => undefined);
    const { location } = await leo.login();
    assert.equal(new URL(location ?? "", site.url).origin, new URL(site.url).origin, path);
  }
});

test("scenario 4: whatever the session holds as return address, the login stays on the site", async (t) => {
  const site = await testSite(t);
  const { sessions } = site.site;
  for (const returnTo of [
    "//evil.example",
    "/\\evil.example",
    "https://evil.example/",
    "/x/..//evil.example",
  ]) {
    const leo = site.visitor();
    await leo.get("/devices");
    const headers = { Cookie: `__Host-Http-session=${leo.ticket}` };
    await sessions.handle(new Request(site.url, { headers }), async (request) => {
      (await sessions.of(request)).set("returnTo", returnTo);
      return new Response();
    });
    assert.equal((await leo.login()).location, "/user", returnTo);
  }
});

test("scenario 5: /login and /signup send somebody who is logged in straight to /user", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  assert.equal((await leo.get("/login")).location, "/user");
  assert.equal((await leo.get("/signup")).location, "/user");
});

test("scenario 6: logging out empties the server, says goodbye, and the old cookie is refused", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  await leo.login();
  const { ticket } = leo;
  const user = site.site.users.byName("leo");
  assert.equal((await site.site.sessions.list(user?.id ?? "")).length, 1);

  const page = await leo.submit("/logout");
  assert.deepEqual(page.messages, [{ category: "success", text: "Goodbye, leo! You are logged out." }]);
  assert.equal((await leo.get("/user")).location, "/login");
  assert.equal((await site.site.sessions.list(user?.id ?? "")).length, 0);

  const thief = site.visitor();
  thief.jar.set("__Host-Http-session", { value: ticket ?? "", ends: true });
  assert.equal((await thief.get("/user")).location, "/login");
  assert.match((await thief.get("/login")).body, /Your session has ended/);
  assert.doesNotMatch((await thief.get("/")).body, /Logged in as/);
});

test("scenario 6: opening /logout changes nothing; its button does", async (t) => {
  const leo = (await testSite(t)).visitor();
  assert.equal((await leo.get("/logout")).location, "/login");
  await leo.login();
  assert.match((await leo.get("/logout")).body, /<form method="post" action="\/logout">/);
  assert.equal((await leo.get("/user")).status, 200);
});

test("scenario 10: what belongs to the user is read from the database into the next session", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  await leo.post("/user", { note: "Call Ada\r\nat nine", colour: "rose" });
  await leo.post("/logout");
  assert.doesNotMatch((await leo.get("/inside")).body, /Call Ada/);
  await leo.login();
  const page = await leo.get("/user");
  assert.match(page.body, />Call Ada\nat nine<\/textarea/);
  assert.match(page.body, /value="rose"\s+checked/);
  assert.match((await leo.get("/inside")).body, /Call Ada\nat nine/);
});

test("scenario 19: right and wrong passwords each have a message, once, of their own category", async (t) => {
  const leo = (await testSite(t)).visitor();
  const failed = await leo.submit("/login", { name: "leo", password: "12345" });
  assert.deepEqual(failed.messages, [
    { category: "error", text: "Login failed: the name or the password is not right." },
  ]);
  assert.deepEqual((await leo.get("/login")).messages, []);
  const page = await leo.submit("/login", { name: "leo", password: "1234" });
  assert.deepEqual(page.messages, [{ category: "success", text: "Login successful." }]);
  assert.deepEqual((await leo.get("/user")).messages, []);
});

test("scenario 19: a failed login is told even where the old ticket was just replaced", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  await leo.login();
  const { ticket = "" } = leo;
  await leo.post("/logout");
  leo.jar.set("__Host-Http-session", { value: ticket, ends: true });
  const answer = await leo.login({ password: "wrong" });
  assert.equal(answer.status, 401);
  assert.match(answer.body, /Login failed/);
});
