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
  assert.equal(sentAway.way, "/login");
  const login = await leo.get(sentAway.location ?? "");
  assert.deepEqual(login.messages, [{ category: "info", text: "Please log in to see /devices." }]);
  const back = /name="return" value="([^"]*)"/.exec(login.body)?.[1] ?? "";
  assert.equal((await leo.login({ return: back })).location, "/devices?sort=1");
});

test("scenario 4: signing up leads there as well, and a failed login does not forget it", async (t) => {
  const site = await testSite(t);
  const [leo, ada] = [site.visitor(), site.visitor()];
  const page = await leo.submit("/login", { name: "leo", password: "wrong", return: "/devices?sort=1" });
  assert.match(page.body, /name="return" value="\/devices\?sort=1"/);
  const login = await ada.open("/devices?sort=1");
  const signUp = /href="(\/signup[^"]*)"[^>]*>Sign up<\/a\s*><\/p>/.exec(login.body)?.[1] ?? "";
  assert.match((await ada.get(signUp)).body, /name="return" value="\/devices\?sort=1"/);
  const made = await ada.post("/signup", {
    name: "Ada",
    password: "correct horse",
    return: "/devices?sort=1",
  });
  assert.equal(made.location, "/devices?sort=1");
});

test("scenario 4: a picture, a HEAD or a form does not decide where the login leads", async (t) => {
  const site = await testSite(t);
  for (const ask of [
    (visitor: Visitor) => visitor.get("/devices", { "Sec-Fetch-Dest": "image" }),
    (visitor: Visitor) => visitor.head("/devices"),
    (visitor: Visitor) => visitor.post("/devices", { others: "yes" }),
  ]) {
    const leo = site.visitor();
    assert.equal((await ask(leo)).way, "/login");
    assert.equal((await leo.login()).location, "/user");
  }
});

test("scenario 4: whatever the address or the form says, the login stays on the site", async (t) => {
  const site = await testSite(t);
  for (const target of [
    "//evil.example",
    "/\\evil.example",
    "https://evil.example/",
    "/x/..//evil.example",
    "javascript:alert(1)",
    "",
  ]) {
    const leo = site.visitor();
    const { body } = await leo.get(`/login?return=${encodeURIComponent(target)}`);
    assert.doesNotMatch(body, /evil|javascript:|Please log in to see/, target);
    const { location = "" } = await leo.login({ return: target });
    assert.equal(new URL(location, site.url).origin, new URL(site.url).origin, target);
  }
  for (const path of ["/user/..//evil.example", "//evil.example/user", "/\\evil.example"]) {
    const { location = "/" } = await site
      .visitor()
      .get(path)
      .catch(() => ({ location: "/" }));
    assert.equal(new URL(location, site.url).origin, new URL(site.url).origin, path);
  }
});

test("scenario 4: an address cannot make the login page say what somebody else wrote", async (t) => {
  const visitor = (await testSite(t)).visitor();
  for (const path of ["/call-0900-123-now", "/user/or-else", "/devices%20now"]) {
    const { messages } = await visitor.get(`/login?return=${encodeURIComponent(path)}`);
    assert.deepEqual(messages, [], path);
  }
  const { messages, body } = await visitor.get(`/session_get?notice=Your+account+is+closed&kept=sure`);
  assert.deepEqual(messages, []);
  assert.match(body, /id="notice"[^]*Nothing was kept: your browser/, "that is all an address can do");
  assert.doesNotMatch(body, /account is closed/);
});

test("scenario 5: /login and /signup send somebody who is logged in straight to /user", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  assert.equal((await leo.get("/login")).location, "/user");
  assert.equal((await leo.get("/signup")).location, "/user");
  assert.equal(
    (await leo.get("/login?return=/devices")).location,
    "/devices",
    "they logged in in another tab",
  );
  assert.equal((await leo.open("/login?return=/login")).status, 200, "without end it does not go round");
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
  assert.equal((await leo.get("/user")).way, "/login");
  assert.equal((await site.site.sessions.list(user?.id ?? "")).length, 0);

  const thief = site.visitor();
  thief.jar.set("__Host-Http-session", { value: ticket ?? "", ends: true });
  assert.equal((await thief.get("/user")).way, "/login");
  assert.match((await thief.get("/login")).body, /Your session has ended/);
  assert.doesNotMatch((await thief.get("/")).body, /Logged in as/);
});

test("scenario 6: opening /logout changes nothing; its button does", async (t) => {
  const leo = (await testSite(t)).visitor();
  assert.equal((await leo.get("/logout")).way, "/login");
  await leo.login();
  assert.match((await leo.get("/logout")).body, /<form method="post" action="\/logout">/);
  assert.equal((await leo.get("/user")).status, 200);
});

test("scenario 10: what belongs to the user is read from the database into the next session", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  await leo.fill("/user", { note: "Call Ada\r\nat nine", colour: "rose" });
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

test("scenario 19: a failed login is told once, whatever cookies the browser keeps or sends", async (t) => {
  const site = await testSite(t);
  const { ticket = "" } = await loggedOut(site);
  for (const [state, prepare] of [
    ["a ticket that has just ended", (visitor: Visitor) => setTicket(visitor, ticket)],
    ["a ticket that nobody made", (visitor: Visitor) => setTicket(visitor, "x")],
    ["no cookie at all", () => undefined],
    ["a session", (visitor: Visitor) => visitor.post("/counter")],
  ] as const) {
    const visitor = site.visitor();
    await prepare(visitor);
    const answer = await visitor.login({ password: "wrong" });
    assert.equal(answer.status, 303, state);
    const cookies = answer.headers.getSetCookie().map((line) => line.split("=", 1)[0]);
    assert.deepEqual(cookies, ["typed-login"], "no session is made for this");
    const { location = "" } = answer;
    assert.deepEqual((await visitor.head(location)).messages, []);
    assert.match((await visitor.get(location)).messages[0]?.text ?? "", /^Login failed/, state);
    assert.deepEqual((await visitor.get(location)).messages, [], state);
  }
});

test("a failed login beside a session that is logged in is told on the page where it leads", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  await leo.get("/");
  const page = await leo.submit("/login", { name: "leo", password: "wrong" });
  assert.match(page.messages.at(-1)?.text ?? "", /^Login failed/);
});

async function loggedOut(
  site: Awaited<ReturnType<typeof testSite>>,
): Promise<{ ticket: string | undefined }> {
  const leo = site.visitor();
  await leo.login();
  const { ticket } = leo;
  await leo.post("/logout");
  return { ticket };
}

function setTicket(visitor: Visitor, value: string): void {
  visitor.jar.set("__Host-Http-session", { value, ends: true });
}

test("a failed login keeps the name and the tick, in this browser and not in the address", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  const name = 'Zoë "& Co"';
  const answer = await leo.login({ name, password: "wrong", keep: "on" });
  assert.doesNotMatch(answer.location ?? "", /Zo|Co/);
  assert.doesNotMatch(leo.jar.get("typed-login")?.value ?? "", /Zo/);
  const page = await leo.open(answer.location ?? "");
  assert.match(page.body, /name="name"\s+value="Zoë &quot;&amp; Co&quot;"/);
  assert.match(page.body, /name="keep" type="checkbox" checked/);
  assert.doesNotMatch(page.body, /wrong/);
  await leo.login({ password: "wrong" });
  const again = await leo.get("/login");
  assert.match(again.body, /name="name"\s+value="leo"/);
  assert.doesNotMatch(again.body, /type="checkbox" checked/);
  assert.match((await site.visitor().get(answer.location ?? "")).body, /name="name"\s+value=""/);
  await leo.login();
  assert.ok(!leo.jar.has("typed-login"));
  await leo.login({ name, password: "wrong" });
  await leo.post("/logout");
  site.later({ minutes: 11 });
  assert.match((await leo.get("/login")).body, /name="name"\s+value=""/, "for ten minutes");
});

test("the home page logs in as leo with one click, and says so where cookies are blocked", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  const { body } = await leo.get("/");
  const form = /<form method="post" action="\/login">[^]*?<\/form>/.exec(body)?.[0] ?? "";
  const fields = Object.fromEntries(
    [...form.matchAll(/name="(\w+)" value="([^"]*)"/g)].map(([, field = "", value = ""]) => [field, value]),
  );
  const page = await leo.submit("/login", fields);
  assert.match(page.body, /Hello, leo!/);
  assert.doesNotMatch((await leo.get("/")).body, /Log in as leo/);

  const blocked = site.visitor();
  const answer = await blocked.login(fields);
  blocked.jar.clear();
  const told = await blocked.open(answer.location ?? "");
  assert.match(told.body, /did not keep the session&#39;s cookie/);
});

test("every page says that the browser keeps no cookies, once that is known", async (t) => {
  const site = await testSite(t);
  const visitor = site.visitor();
  await visitor
    .login({ return: "/inside" })
    .then(({ location }) => assert.equal(location, "/inside?kept=unsure"));
  visitor.jar.clear();
  let from = "/inside?kept=unsure";
  assert.match((await visitor.get(from)).body, /did not keep the session&#39;s cookie/);
  for (const path of ["/", "/counter", "/nowhere", "/login", "/lessons/flask", "/user"]) {
    const answer = await visitor.get(path, { Referer: site.url + from });
    from = answer.location ?? "";
    assert.match(from, /\?cookies=missing$/);
    const page = await visitor.open(from);
    assert.match(page.body, /did not keep the session&#39;s cookie/, path);
  }
  await visitor.login();
  assert.equal(
    (await visitor.get("/counter?cookies=missing")).location,
    "/counter",
    "cookies are kept again",
  );
  assert.doesNotMatch((await visitor.open("/counter?cookies=missing")).body, /did not keep/);
});
