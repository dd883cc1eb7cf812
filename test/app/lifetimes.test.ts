import assert from "node:assert/strict";
import { test } from "node:test";
import { testSite } from "./test-site.ts";

test("scenario 7: closing the browser ends a session that is not permanent", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  leo.reopen();
  assert.equal(leo.ticket, undefined);
  assert.equal((await leo.get("/user")).way, "/login");
});

test("scenario 8: keep me logged in outlives the browser, for the permanent lifetime", async (t) => {
  const site = await testSite(t, { permanentLifetime: { days: 5 } });
  const leo = site.visitor();
  const answer = await leo.login({ keep: "on" });
  assert.match(answer.headers.getSetCookie().join(), /Max-Age=432000(;|$)/);
  leo.reopen();
  site.later({ days: 4 });
  assert.match((await leo.get("/user")).body, /Hello, leo!/);
});

test("scenario 8: the permanent lifetime may be minutes, and is enforced by the server", async (t) => {
  const site = await testSite(t, { permanentLifetime: { minutes: 5 } });
  assert.match((await site.visitor().get("/login")).body, /for 5 minutes/);
  const leo = site.visitor();
  await leo.login({ keep: "on" });
  site.later({ minutes: 4 });
  assert.equal((await leo.get("/user")).status, 200);
  site.later({ minutes: 5, seconds: 1 });
  assert.equal((await leo.get("/user")).way, "/login");
});

test("scenario 9: staying away longer than the lifetime logs out, whatever the browser sends", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  await leo.login();
  const { ticket } = leo;
  site.later({ minutes: 59 });
  assert.equal((await leo.get("/user")).status, 200);
  site.later({ hours: 1, seconds: 1 });
  leo.jar.set("__Host-Http-session", { value: ticket ?? "", ends: true });
  assert.equal((await leo.get("/user")).way, "/login");
});

test("scenario 9: the login page says that the last session is over", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  await leo.login();
  site.later({ hours: 2 });
  const page = await leo.get("/login");
  assert.match(page.body, /id="notice"[^]*Your session has ended/);
});
