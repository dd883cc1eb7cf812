import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "coatcheck/memory";
import { probeStore } from "coatcheck/testing";
import { precededBy, untouched } from "../support/store-calls.ts";
import { testSite } from "./test-site.ts";

const ada = { name: "ada", password: "correct horse" };

test("the export and the deletion ask for the password, unless it was typed just now", async (t) => {
  const site = await testSite(t);
  const visitor = site.visitor();
  await visitor.post("/signup", ada);
  assert.equal((await visitor.get("/account")).status, 200, "the password was typed a moment ago");
  site.later({ minutes: 5 });
  for (const path of ["/account", "/account/export.json"])
    assert.equal((await visitor.get(path)).location, "/confirm?return=%2Faccount", path);
  assert.equal((await visitor.post("/account", {})).way, "/confirm");
  assert.ok(site.site.users.byName("ada"), "not deleted");

  const { ticket } = visitor;
  const wrong = await visitor.fill("/confirm", { password: "wrong", return: "/account" });
  assert.equal(wrong.status, 403);
  assert.equal(wrong.messages[0]?.text, "The password is not right.");
  assert.equal((await visitor.get("/account")).way, "/confirm");
  const right = await visitor.fill("/confirm", { password: ada.password, return: "/account" });
  assert.equal(right.location, "/account");
  assert.notEqual(visitor.ticket, ticket, "a login has a new ticket");
  assert.equal((await visitor.get("/account")).status, 200);
});

test("a stolen session has few guesses at the password", async (t) => {
  const visitor = (await testSite(t)).visitor();
  await visitor.post("/signup", ada);
  const statuses = [];
  for (let at = 0; at < 12; at += 1)
    statuses.push((await visitor.fill("/confirm", { password: `${at}` })).status);
  assert.deepEqual(statuses.slice(-2), [429, 429]);
});

test("the export has what is kept, as a file, and no hash", async (t) => {
  const site = await testSite(t);
  const visitor = site.visitor();
  await visitor.post("/signup", ada);
  await visitor.fill("/user", { note: "Call Zoë", colour: "rose" });
  const { headers, body } = await visitor.get("/account/export.json");
  assert.match(headers.get("Content-Disposition") ?? "", /^attachment; filename="[\w-]+\.json"$/);
  assert.match(headers.get("Cache-Control") ?? "", /no-store/);
  const kept = JSON.parse(body) as { account: Record<string, unknown>; devices: { agent: string }[] };
  assert.equal(kept.account["name"], "ada");
  assert.equal(kept.account["note"], "Call Zoë");
  assert.equal(kept.account["colour"], "rose");
  assert.match(kept.devices[0]?.agent ?? "", /Firefox/);
  assert.doesNotMatch(body, /argon2/);
  for (const part of visitor.ticket?.split(".").slice(1) ?? []) assert.ok(!body.includes(part));
});

test("a deleted account is gone, with its sessions everywhere, and its name is free", async (t) => {
  const site = await testSite(t);
  const [desk, phone] = [site.visitor(), site.visitor()];
  await desk.post("/signup", { ...ada, keep: "on" });
  await phone.login(ada);
  const { body } = await phone.get("/devices");
  const [, id = ""] = /name="id" value="([^"]*)"/.exec(body) ?? [];
  await phone.fill("/devices", { id, name: "Phone" });
  const owner = site.site.users.byName("ada")?.id ?? "";
  assert.equal(site.site.users.deviceNames(owner).size, 1);

  const page = await desk.submit("/account");
  assert.match(page.messages[0]?.text ?? "", /account ada is deleted/);
  assert.equal(site.site.users.byName("ada"), undefined);
  assert.equal(site.site.users.deviceNames(owner).size, 0);
  assert.deepEqual(await site.site.sessions.list(owner), []);
  assert.equal((await phone.get("/user")).way, "/login");
  assert.deepEqual([...desk.jar.keys()], ["__Host-Http-session"], "which holds the message");
  assert.equal((await desk.login(ada)).location, "/login");
  assert.equal((await site.visitor().post("/signup", ada)).location, "/user");
});

test("the last login is shown at the next", async (t) => {
  const site = await testSite(t);
  const [desk, phone] = [site.visitor(), site.visitor("curl/8.0")];
  await phone.post("/signup", ada);
  assert.doesNotMatch((await phone.get("/user")).body, /Before that/);
  site.later({ days: 3 });
  await desk.login(ada);
  assert.match(
    (await desk.get("/user")).body,
    /Before that, you logged in\s+<time datetime="[^"]+" title="[^"]+ UTC">3 days ago<\/time>\s+with curl\./,
  );
});

test("password managers know each password's user and kind, and where it is changed", async (t) => {
  const site = await testSite(t);
  const visitor = site.visitor();
  assert.equal((await visitor.get("/.well-known/change-password")).location, "/password");
  const forms: Record<string, string[]> = {};
  const look = async (path: string) => {
    const { body } = await visitor.get(path);
    for (const [form] of (body.split("<main")[1] ?? "").matchAll(/<form[^]*?<\/form>/g))
      if (form.includes('type="password"'))
        forms[path] = [...form.matchAll(/autocomplete="([^"]*)"/g)].map(([, kind = ""]) => kind);
  };
  await look("/login");
  await look("/signup");
  await visitor.post("/signup", ada);
  await look("/password");
  await look("/confirm");
  assert.deepEqual(forms, {
    "/login": ["username", "current-password"],
    "/signup": ["username", "new-password"],
    "/password": ["username", "current-password", "new-password"],
    "/confirm": ["username", "current-password"],
  });
  assert.match((await visitor.get("/password")).body, /value="ada"\s+autocomplete="username"/);
});

test("while sessions cannot be written, an account is not made, changed or deleted by halves", async (t) => {
  const probe = probeStore(memoryStore());
  const site = await testSite(t, { store: probe.store });
  const { users } = site.site;
  const unwritable = precededBy(({ operation }) => {
    if (operation === "create" || operation === "patch") throw new Error("the disk is full");
  });
  const visitor = site.visitor();
  probe.around = unwritable;
  assert.equal((await visitor.post("/signup", ada)).status, 503);
  assert.equal(users.byName("ada"), undefined, "the name is free for the next try");
  probe.around = untouched;
  assert.equal((await visitor.post("/signup", ada)).status, 303);

  const before = users.byName("ada");
  for (const [path, fields] of [
    ["/password", { current: ada.password, next: "a brand new horse" }],
    ["/account", {}],
  ] as const) {
    const owner = before?.id ?? "";
    probe.around = unwritable;
    assert.equal((await visitor.post(path, { owner, ...fields })).status, 503, path);
    probe.around = untouched;
    assert.equal(users.byName("ada")?.passwordHash, before?.passwordHash, path);
    assert.equal((await visitor.get("/user")).status, 200, path);
  }
});
