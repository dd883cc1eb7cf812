import assert from "node:assert/strict";
import { test } from "node:test";
import { testSite } from "./test-site.ts";
import type { TestSite } from "./test-site.ts";
import type { Visitor } from "./visitor.ts";

const ownerIn = (body: string): string => /name="owner" value="([^"]*)"/.exec(body)?.[1] ?? "";

/** A browser that has a page of eve's open while leo is logged in; returns whose form it is. */
async function switched(site: TestSite, visitor: Visitor, path: string): Promise<string> {
  await visitor.post("/signup", { name: "eve", password: "correct horse" });
  await visitor.login({ name: "eve", password: "correct horse" });
  const owner = ownerIn((await visitor.get(path)).body);
  assert.equal(owner, site.site.users.byName("eve")?.id);
  await visitor.post("/logout");
  await visitor.login();
  await visitor.get("/");
  return owner;
}

test("no form that changes an account is taken for another account than it was made for", async (t) => {
  const site = await testSite(t);
  const leo = () => site.site.users.byName("leo");
  const before = leo();
  for (const [path, fields] of [
    ["/user", { note: "Eve's secret", colour: "rose" }],
    ["/password", { current: "1234", next: "correct horse" }],
    ["/devices", { others: "yes" }],
    ["/devices", { id: "x" }],
    ["/account", {}],
    ["/confirm", { password: "1234" }],
  ] as const) {
    for (const forWhom of ["eve", "nobody", "somebody made up"] as const) {
      const visitor = site.visitor();
      const eve = await switched(site, visitor, path);
      const owner = { eve, nobody: "", "somebody made up": "<b>x</b>" }[forWhom];
      const { ticket } = visitor;
      const answer = await visitor.post(path, { ...fields, owner });
      assert.equal(answer.status, 409, path);
      assert.match(answer.body, /<strong>leo<\/strong>\s+is logged in/, path);
      if (forWhom === "eve") assert.match(answer.body, /made for\s+<strong>eve<\/strong>/, path);
      else assert.match(answer.body, /does not say whose it is/);
      assert.doesNotMatch(answer.body, /<b>x|correct horse|value="1234"/);
      assert.deepEqual(leo(), before, path);
      assert.equal(visitor.ticket, ticket);
    }
  }
});

test("the page that refuses a form has it anew, for whoever is logged in now, with the text", async (t) => {
  const site = await testSite(t);
  const visitor = site.visitor();
  const owner = await switched(site, visitor, "/user");
  const refused = await visitor.post("/user", { note: "A </textarea> story", colour: "rose", owner });
  assert.match(refused.body, />A &lt;\/textarea&gt; story<\/textarea>/);
  assert.match(refused.body, /value="rose"\s+checked/);
  assert.equal(ownerIn(refused.body), site.site.users.byName("leo")?.id);
});

test("a form stays good when its owner logs out and in again, and on another ticket", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  const owner = ownerIn((await leo.get("/user")).body);
  await leo.post("/logout");
  await leo.login();
  assert.equal((await leo.post("/user", { note: "mine", colour: "blue", owner })).location, "/user");
});

test("a note that comes when nobody is logged in is back in the form after the login", async (t) => {
  const site = await testSite(t);
  const [leo, eve] = [site.visitor(), site.visitor()];
  await leo.login();
  const owner = ownerIn((await leo.get("/user")).body);
  for (const note of [
    "A </textarea> story\n\nwith lines",
    "ü€𝄞\n".repeat(100).slice(0, 500),
    "\u0007".repeat(500),
  ]) {
    await leo.login();
    site.later({ hours: 2 });
    const sent = await leo.post("/user", { note: note.replaceAll("\n", "\r\n"), colour: "rose", owner });
    assert.equal(sent.location, "/login?return=%2Fuser");
    const asked = await leo.get(sent.location);
    assert.match(asked.messages[0]?.text ?? "", /Your note is not lost/);
    await leo.login({ password: "wrong" });
    const page = await leo.submit("/login", { name: "leo", password: "1234", return: "/user" });
    assert.match(page.body, /id="notice"[^]*It is not saved yet/);
    const escaped = note.replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    assert.ok(page.body.includes(`>${escaped}</textarea>`), page.body);
    assert.match(page.body, /value="rose"\s+checked/);
    assert.match(
      (await leo.submit("/user", { note, colour: "rose", owner })).messages[0]?.text ?? "",
      /^Saved/,
    );
    assert.doesNotMatch((await leo.get("/user")).body, /not saved yet/);
    await leo.post("/logout");
  }

  // Not for somebody else who logs in at this browser, and not for ever.
  await leo.post("/user", { note: "mine alone", colour: "rose", owner });
  await eve.post("/signup", { name: "eve", password: "correct horse" });
  await leo.login({ name: "eve", password: "correct horse" });
  assert.doesNotMatch((await leo.get("/user")).body, /mine alone/);
  await leo.post("/logout");
  await leo.login();
  assert.match((await leo.get("/user")).body, /mine alone/);
  await leo.post("/user", { discard: "yes" });
  assert.doesNotMatch((await leo.get("/user")).body, /mine alone/);
  await leo.post("/logout");
  await leo.post("/user", { note: "mine alone", colour: "rose", owner });
  site.later({ minutes: 31 });
  await leo.login();
  assert.doesNotMatch((await leo.get("/user")).body, /mine alone/);
});

test("a note that is too long is not saved and not lost, logged in or not", async (t) => {
  const leo = (await testSite(t)).visitor();
  const note = "x".repeat(501);
  await leo.login();
  const owner = ownerIn((await leo.get("/user")).body);
  for (let logins = 0; logins < 2; logins += 1) {
    const answer = await leo.post("/user", { note, colour: "rose", owner });
    assert.equal(answer.status, 422);
    assert.match(answer.messages[0]?.text ?? "", /at most 500 characters/);
    assert.ok(answer.body.includes(`>${note}</textarea>`));
    await leo.post("/logout");
  }
  assert.equal((await leo.post("/user", { note: "", colour: "rose" })).way, "/login", "nobody's form");
});

test("every form of a page for those who are logged in says whose it is, or is for logging out", async (t) => {
  const site = await testSite(t);
  const [leo, other] = [site.visitor(), site.visitor()];
  await leo.login();
  await other.login();
  for (const path of ["/user", "/password", "/devices", "/account", "/confirm"]) {
    const { body } = await leo.get(path);
    for (const [form] of body.matchAll(/<form method="post"[^]*?<\/form>/g)) {
      assert.ok(form.includes('action="/logout"') || ownerIn(form) !== "", form);
    }
  }
});
