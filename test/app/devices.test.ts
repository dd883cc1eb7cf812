import assert from "node:assert/strict";
import { test } from "node:test";
import { testSite } from "./test-site.ts";

const PHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile/15E148 Safari/604.1";

const idsIn = (body: string): string[] => [
  ...new Set([...body.matchAll(/name="id" value="([^"]+)"/g)].map(([, id = ""]) => id)),
];
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
  assert.equal(body.match(/<time /g)?.length, 5, "logged in, last seen and end, but this one is here now");
  assert.match(body, /<time datetime="[^"]+Z" title="[^"]+ UTC">2 minutes ago<\/time>/);
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
  const ada = { name: "ada", password: "1234 horse" };
  const [desk, phone] = [site.visitor(), site.visitor(PHONE)];
  await desk.post("/signup", { name: "ada", password: "1234 horse" });
  await phone.login({ ...ada, keep: "on" });
  const { ticket } = desk;

  assert.equal((await desk.fill("/password", { current: "wrong", next: "correct horse" })).status, 403);
  assert.equal((await desk.fill("/password", { current: "1234 horse", next: "short" })).status, 422);
  assert.equal((await phone.get("/user")).status, 200);

  site.later({ seconds: 1 });
  const page = await desk.submit("/password", { current: "1234 horse", next: "correct horse" });
  assert.match(page.messages.at(-1)?.text ?? "", /password is changed. 1 other browser was logged out/);
  assert.notEqual(desk.ticket, ticket, "a new ticket for the one who stays");
  assert.equal((await phone.get("/user")).way, "/login");
  assert.equal((await site.visitor().login(ada)).way, "/login");
  assert.equal((await site.visitor().login({ ...ada, password: "correct horse" })).location, "/user");
});

test("no two buttons on /devices say the same, and each says which browser it is for", async (t) => {
  const site = await testSite(t);
  const visitors = [site.visitor(), site.visitor(), site.visitor(PHONE)];
  for (const visitor of visitors) await visitor.login();
  const { body = "" } = (await visitors[0]?.get("/devices")) ?? {};
  const labels = [...(body.split("<main")[1] ?? "").matchAll(/<button[^>]*>([^]*?)<\/button>/g)].map(
    ([, inner = ""]) =>
      inner
        .replace(/<[^>]*>/g, "")
        .replace(/\s+/g, " ")
        .trim(),
  );
  assert.deepEqual(labels.filter((label) => label.startsWith("Log out")).toSorted(), [
    "Log out Firefox on Linux (2)",
    "Log out Safari on iPhone",
    "Log out all other browsers",
    "Log out everywhere",
    "Log out here Firefox on Linux",
  ]);
  assert.equal(new Set(labels).size, labels.length);
});

test("a browser gets a name, which it keeps for its next sessions; nobody names another's", async (t) => {
  const site = await testSite(t);
  const [desk, phone, eve] = [site.visitor(), site.visitor(PHONE), site.visitor()];
  await desk.login();
  await phone.login();
  await eve.post("/signup", { name: "eve", password: "correct horse" });
  const id = otherId((await phone.get("/devices")).body);
  const page = await desk.submit("/devices", { id, name: "  My <b>desk</b>\n " });
  assert.equal(page.messages[0]?.text, "That browser is My &lt;b&gt;desk&lt;/b&gt; from now on.");
  assert.match((await phone.get("/devices")).body, /<strong>My &lt;b&gt;desk&lt;\/b&gt;<\/strong>/);
  const refused = await eve.submit("/devices", { id, name: "Eve's" });
  assert.match(refused.messages.at(-1)?.text ?? "", /had ended already/);
  assert.doesNotMatch((await phone.get("/devices")).body, /Eve/);

  await desk.post("/logout");
  await desk.login();
  assert.match((await desk.get("/devices")).body, /<strong>My &lt;b&gt;desk/);
  const own = idsIn((await desk.get("/devices")).body)[0] ?? "";
  await desk.submit("/devices", { id: own, name: "" });
  assert.match((await desk.get("/devices")).body, /<strong>Firefox on Linux<\/strong>/);
});

test("logging out everywhere ends this session too, and says how many others", async (t) => {
  const site = await testSite(t);
  const [desk, phone] = [site.visitor(), site.visitor(PHONE)];
  await desk.login();
  await phone.login();
  site.later({ seconds: 1 });
  const page = await desk.submit("/devices", { everywhere: "yes" });
  assert.deepEqual(page.messages, [
    { category: "success", text: "Goodbye! You are logged out here and in 1 other browser." },
  ]);
  for (const visitor of [desk, phone]) assert.equal((await visitor.get("/user")).way, "/login");
});

test("a session whose browser has been silent is marked, with whether it ever came back", async (t) => {
  const site = await testSite(t);
  const [desk, phone, once] = [site.visitor(), site.visitor(PHONE), site.visitor("curl/8.0")];
  for (const visitor of [desk, phone, once]) await visitor.login();
  site.later({ minutes: 5 });
  await phone.get("/user");
  const badges = async () =>
    [...(await desk.get("/devices")).body.matchAll(/<strong>([^<]*)<\/strong>[^]*?(?=<dl>)/g)].map(
      ([text, name = ""]) => [name, /badge ghost">([^<]*)/.exec(text)?.[1]],
    );
  assert.deepEqual(
    (await badges()).map(([, mark]) => mark),
    [undefined, undefined, undefined],
  );
  site.later({ minutes: 31 });
  assert.deepEqual(
    new Map((await badges()) as [string, string][]),
    new Map([
      ["Firefox on Linux", undefined],
      ["Safari on iPhone", "not seen lately"],
      ["curl", "never came back"],
    ]),
  );
});
