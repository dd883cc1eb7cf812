import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { Passwords } from "../../app/passwords.ts";
import { Users } from "../../app/users.ts";
import { dataFolder } from "./program.ts";
import { testSite } from "./test-site.ts";
import type { Visitor } from "./visitor.ts";

const LEO = { name: "leo", password: "1234" };

/** What a request from an address behind the operator's proxy brings along. */
const from = (address: string) => ({ "X-Forwarded-For": address });

const logIn = (visitor: Visitor, address: string, password = "1234") =>
  visitor.post("/login", { ...LEO, password }, from(address));

const ownerIn = (body: string): string => /name="owner" value="([^"]*)"/.exec(body)?.[1] ?? "";

test("nobody changes the demo account's password, or deletes it", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  await leo.login();
  const before = site.site.users.byName("leo");
  assert.match((await leo.get("/password")).body, /everybody's account/);
  const owner = ownerIn((await leo.get("/user")).body);
  const changed = await leo.post("/password", { owner, current: "1234", next: "correct horse" });
  assert.equal(changed.status, 403);
  assert.doesNotMatch((await leo.get("/account")).body, /Delete the account/);
  assert.equal((await leo.post("/account", { owner })).location, "/account");
  assert.deepEqual(site.site.users.byName("leo"), before);
});

test("its note comes back in the browser that wrote it, and in no other", async (t) => {
  const site = await testSite(t);
  const [first, next] = [site.visitor(), site.visitor()];
  await first.login();
  const saved = await first.submit("/user", { note: "rude words", colour: "rose" });
  assert.match(saved.messages[0]?.text ?? "", /in this browser only/);
  await first.post("/logout");
  await next.login();
  assert.match((await next.get("/user")).body, />Buy milk\. Return the umbrella\.<\/textarea>/);
  await first.login();
  assert.match((await first.get("/user")).body, />rude words<\/textarea>/);
  await first.post("/session_delete", { what: "everything" });
  assert.match((await first.get("/user")).body, />rude words<\/textarea>/);
  await first.post("/logout");
  site.later({ days: 1, seconds: 1 });
  await first.login();
  assert.match((await first.get("/user")).body, />Buy milk/);
});

test("its visitors at other addresses see and end no sessions of each other", async (t) => {
  const site = await testSite(t, { proxies: 1 });
  const [here, beside, elsewhere] = [site.visitor(), site.visitor(), site.visitor("curl/8.0")];
  await logIn(here, "192.0.2.1");
  await logIn(beside, "192.0.2.1");
  await logIn(elsewhere, "198.51.100.7");
  site.later({ seconds: 1 });
  const { body } = await here.get("/devices");
  assert.equal(body.match(/class="device"/g)?.length, 2);
  assert.doesNotMatch(body, /curl/);
  await here.post("/devices", { owner: ownerIn(body), everywhere: "yes" });
  assert.equal((await beside.get("/user")).way, "/login");
  assert.match((await elsewhere.get("/user")).body, /Hello, leo!/);
  await elsewhere.post("/session_delete", { what: "everything" });
  assert.match((await elsewhere.get("/user")).body, /Hello, leo!/, "the name is read from the database");
});

test("its wrong passwords lock out nobody elsewhere", async (t) => {
  const site = await testSite(t, { proxies: 1 });
  for (let at = 0; at < 120; at += 1) await logIn(site.visitor(), `198.51.${at}.1`, "wrong");
  assert.equal((await logIn(site.visitor(), "192.0.2.1")).location, "/user");
  for (let at = 0; at < 12; at += 1) await logIn(site.visitor(), "203.0.113.9", "wrong");
  assert.equal((await logIn(site.visitor(), "203.0.113.9")).status, 429);
});

test("the last visitor's login is not shown to the next", async (t) => {
  const site = await testSite(t);
  await site.visitor("curl/8.0").login();
  const next = site.visitor();
  await next.login();
  assert.doesNotMatch((await next.get("/user")).body, /curl|Before that/);
});

test("what was changed of it by an older version of the site is undone; deleted, it stays deleted", async (t) => {
  const folder = dataFolder(t);
  const passwords = new Passwords({ memoryKiB: 64, passes: 1 });
  new Users(folder, passwords).close();
  const reopen = (change: string): Users => {
    const old = new DatabaseSync(join(folder, "users.db"));
    old.exec(
      "DROP TABLE devices; ALTER TABLE users DROP COLUMN login_at; ALTER TABLE users DROP COLUMN login_agent; " +
        `PRAGMA user_version = 2; ${change}`,
    );
    old.close();
    const users = new Users(folder, passwords);
    t.after(() => users.close());
    return users;
  };
  const changed = reopen("UPDATE users SET password_hash = 'x', note = 'rude words', colour = 'rose'");
  const leo = changed.byName("leo");
  assert.deepEqual([leo?.note, leo?.colour], ["Buy milk. Return the umbrella.", "green"]);
  assert.equal(await passwords.matches("1234", leo?.passwordHash), true);
  changed.close();
  const deleted = reopen("DELETE FROM users; DELETE FROM claims");
  assert.equal(deleted.byName("leo"), undefined);
  assert.equal(deleted.create("Leo", "x"), undefined, "nobody gets an account that cannot be changed");
});
