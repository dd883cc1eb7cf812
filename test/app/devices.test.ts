import assert from "node:assert/strict";
import { test } from "node:test";
import { testSite } from "./test-site.ts";

const PHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile/15E148 Safari/604.1";

const idsIn = (body: string): string[] =>
  [...body.matchAll(/name="id" value="([^"]+)"/g)].map(([, id = ""]) => id);
const otherId = (body: string): string =>
  idsIn(body.replace(/<li class="device" data-current[^]*?<\/li>/, ""))[0] ?? "";

test("scenario 22: /devices lists the browsers, and which one is this", async (t) => {
  const site = await testSite(t);
  const [desk, phone] = [site.visitor(), site.visitor(PHONE)];
  await desk.login();
  site.later({ minutes: 2 });
  await phone.login({ keep: "on" });
  const { body } = await desk.get("/devices");
  assert.match(body, /Firefox on Linux/);
  assert.match(body, /Safari on iPhone/);
  assert.match(body, /data-current="true"[^]*?Firefox on Linux[^]*?this browser/);
  assert.equal(idsIn(body).length, 2);
  assert.equal(body.match(/<time /g)?.length, 6, "logged in, last seen and end, of two browsers");
});

test("scenario 22: ending one logs that browser out on its next click, and no other", async (t) => {
  const site = await testSite(t);
  const [desk, phone, stranger] = [site.visitor(), site.visitor(PHONE), site.visitor()];
  await desk.login();
  await phone.login();
  await stranger.post("/signup", { name: "mallory", password: "correct horse" });
  const id = otherId((await desk.get("/devices")).body);

  site.later({ seconds: 1 });
  const refused = await stranger.submit("/devices", { id });
  assert.match(refused.messages.at(-1)?.text ?? "", /had ended already/);
  assert.equal((await phone.get("/user")).status, 200, "an id is no permission");

  site.later({ seconds: 1 });
  const page = await desk.submit("/devices", { id });
  assert.deepEqual(page.messages.at(-1), { category: "success", text: "That browser is logged out." });
  assert.equal((await phone.get("/user")).way, "/login");
  assert.match((await phone.get("/login")).body, /Your session has ended/);
  assert.equal((await desk.get("/user")).status, 200);
  assert.equal((await phone.login()).location, "/user", "and may log in again at once");
});

test("scenario 22: ending all others leaves this one", async (t) => {
  const site = await testSite(t);
  const desk = site.visitor();
  const others = [site.visitor(), site.visitor(), site.visitor(PHONE)];
  for (const visitor of [desk, ...others]) await visitor.login();
  site.later({ seconds: 1 });
  const page = await desk.submit("/devices", { others: "yes" });
  assert.deepEqual(page.messages.at(-1), { category: "success", text: "Ended: 3 other browsers." });
  for (const visitor of others) assert.equal((await visitor.get("/user")).way, "/login");
  assert.equal((await desk.get("/user")).status, 200);
});

test("changing the password asks for the old one, and logs out all other browsers", async (t) => {
  const site = await testSite(t);
  const [desk, phone] = [site.visitor(), site.visitor(PHONE)];
  await desk.login();
  await phone.login({ keep: "on" });
  const { ticket } = desk;

  assert.equal((await desk.fill("/password", { current: "wrong", next: "correct horse" })).status, 403);
  assert.equal((await desk.fill("/password", { current: "1234", next: "short" })).status, 422);
  assert.equal((await phone.get("/user")).status, 200);

  site.later({ seconds: 1 });
  const page = await desk.submit("/password", { current: "1234", next: "correct horse" });
  assert.match(page.messages.at(-1)?.text ?? "", /password is changed. 1 other browser was logged out/);
  assert.notEqual(desk.ticket, ticket, "a new ticket for the one who stays");
  assert.equal((await phone.get("/user")).way, "/login");
  assert.equal((await site.visitor().login()).way, "/login");
  assert.equal((await site.visitor().login({ password: "correct horse" })).location, "/user");
});
