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

test("a note that comes when nobody is logged in is given back, and can be sent after the login", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  await leo.login();
  const owner = ownerIn((await leo.get("/user")).body);
  site.later({ hours: 2 });
  const refused = await leo.post("/user", { note: "A long story", colour: "rose", owner });
  assert.equal(refused.status, 403);
  assert.match(refused.body, />A long story<\/textarea>/);
  assert.equal(ownerIn(refused.body), owner);
  const empty = await leo.post("/user", { note: "", colour: "rose", owner });
  assert.equal(empty.way, "/login", "there is nothing to give back");
});

test("every form of a page for those who are logged in says whose it is, or is for logging out", async (t) => {
  const site = await testSite(t);
  const [leo, other] = [site.visitor(), site.visitor()];
  await leo.login();
  await other.login();
  for (const path of ["/user", "/password", "/devices"]) {
    const { body } = await leo.get(path);
    for (const [form] of body.matchAll(/<form method="post"[^]*?<\/form>/g)) {
      assert.ok(form.includes('action="/logout"') || ownerIn(form) !== "", form);
    }
  }
});
