import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { memoryStore } from "coatcheck/memory";
import { probeStore } from "coatcheck/testing";
import { broken, untouched } from "../support/store-calls.ts";
import { openStream } from "./event-stream.ts";
import { testSite } from "./test-site.ts";
import type { Visitor } from "./visitor.ts";

/** Presses a button of /break and follows to the page. */
const press = (visitor: Visitor, what: string) => visitor.submit("/break", { what });

/** The events on the page, the newest first. */
function eventsIn(body: string): { type: string; reason?: string; id?: string }[] {
  return [...body.matchAll(/<li class="event">[^]*?<code>([^]*?)<\/code>/g)].map(
    ([, json = ""]) => JSON.parse(json.replaceAll("&quot;", '"')) as { type: string },
  );
}

test("an edited cookie is refused without a call of the store, and the good one can be put back", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  const good = leo.ticket;
  const edited = await press(leo, "edit");
  assert.match(edited.body, /Your ticket was refused: forged/);
  assert.match(edited.body, /no store call/);
  assert.deepEqual(eventsIn(edited.body)[0], { type: "rejected", reason: "forged" });
  assert.equal([...(leo.ticket ?? "")].filter((letter, at) => letter !== good?.[at]).length, 1);
  const back = await press(leo, "swap");
  assert.equal(leo.ticket, good);
  assert.match(back.body, /You are logged in as <strong>leo/);
});

test("an old ticket is refused after a new one was issued, and the newer one goes on", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  const old = leo.ticket;
  assert.match((await press(leo, "rotate")).body, /The old one is kept aside/);
  const newer = leo.ticket;
  assert.notEqual(newer, old);
  const replayed = await press(leo, "swap");
  assert.equal(leo.ticket, old);
  assert.match(replayed.body, /Your ticket was refused: superseded/);
  const [rejected] = eventsIn(replayed.body);
  assert.deepEqual([rejected?.type, rejected?.reason], ["rejected", "superseded"]);
  await press(leo, "swap");
  assert.equal(leo.ticket, newer);
  assert.match((await leo.get("/user")).body, /Hello, leo!/);
});

test("the ticket of a session that was logged out is refused when it is replayed", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  const old = leo.ticket;
  assert.match((await press(leo, "logout")).body, /A copy of its ticket is kept aside/);
  assert.equal(leo.ticket, undefined);
  const replayed = await press(leo, "swap");
  assert.equal(leo.ticket, old);
  assert.match(replayed.body, /Your ticket was refused: ended/);
  assert.deepEqual(
    eventsIn(replayed.body).map(({ type }) => type),
    ["rejected", "logout"],
  );
  assert.equal((await leo.get("/user")).way, "/login");
});

test("a session that is made to expire ends at once, and no other one of the same user", async (t) => {
  const site = await testSite(t);
  const [leo, elsewhere] = [site.visitor(), site.visitor()];
  await leo.login();
  await elsewhere.login();
  const expired = await press(leo, "expire");
  assert.match(expired.body, /Your ticket was refused: ended/);
  assert.equal((await leo.get("/user")).way, "/login");
  assert.match((await elsewhere.get("/user")).body, /Hello, leo!/);
});

test("the store is away for ten seconds for the visitor who asked, and for nobody else at the same time", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  await leo.login();
  const others = Array.from({ length: 30 }, () => site.visitor());
  // One after the other: too many logins at once are told to wait.
  for (const other of others) await other.login();
  const line = await openStream(t, site, leo, "/two-browsers/line");
  const ticket = leo.ticket;
  const away = await press(leo, "outage");
  assert.equal(away.status, 503);
  assert.equal(away.headers.get("Retry-After"), "10");
  assert.match(away.body, /Your store is away/);
  assert.equal(eventsIn(away.body)[0]?.type, "store-failed");
  const answers = await Promise.all(
    others.flatMap((other) => [other.get("/user"), leo.get("/user"), other.post("/counter")]),
  );
  assert.deepEqual(
    answers.map(({ status }) => status),
    others.flatMap(() => [200, 503, 303]),
  );
  assert.equal((await openStream(t, site, leo, "/two-browsers/line")).status, 503);
  site.later({ seconds: 9 });
  assert.equal((await leo.get("/user")).status, 503);
  assert.deepEqual(site.reported, [], "nobody has to be told");
  site.later({ seconds: 1 });
  assert.match((await leo.get("/user")).body, /Hello, leo!/);
  assert.equal(leo.ticket, ticket);
  assert.equal((await line.next())?.event, "open");
});

test("an outage that a visitor wished for does not reach the lines that their requests keep watching", async (t) => {
  const probe = probeStore(memoryStore());
  const site = await testSite(t, { store: probe.store });
  const [leo, other] = [site.visitor(), site.visitor()];
  await leo.login();
  await other.login();
  await press(leo, "watch");
  // A request of leo's starts the timer that asks about everybody's sessions.
  const first = await openStream(t, site, leo, "/two-browsers/line");
  assert.equal((await first.next())?.event, "open");
  const second = await openStream(t, site, other, "/two-browsers/line");
  assert.equal((await second.next())?.event, "open");
  probe.around = broken;
  site.later({ seconds: 5 });
  probe.around = untouched;
  assert.deepEqual(eventsIn((await leo.get("/break")).body), [], "what a timer finds is nobody's own");
  await press(leo, "outage");
  // Ended behind the site's back, as by another process.
  for (const { id, epoch } of await probe.records()) {
    await probe.store.patch(id, { epoch, columns: { absoluteDeadline: 0 } }, 0);
  }
  site.later({ seconds: 5 });
  assert.deepEqual(await second.next(), { event: "ended", data: "The session has ended." });
  assert.equal((await first.next())?.event, "ended");
});

test("a form that was made for one user is refused once somebody else is logged in", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  await leo.login();
  await press(leo, "watch");
  const owner = /name="owner" value="([^"]*)"/.exec((await leo.get("/break")).body)?.[1] ?? "";
  assert.match((await leo.post("/break/form", { owner })).location ?? "", /^\/break$/);
  await leo.post("/logout");
  await leo.post("/signup", { name: "ada", password: "a good long password" });
  const refused = await leo.post("/break/form", { owner });
  assert.equal(refused.status, 409);
  assert.match(refused.body, /made for <strong>leo/);
  const types = eventsIn((await leo.get("/break")).body).map(({ type }) => type);
  assert.deepEqual(types.slice(0, 3), ["login", "created", "logout"]);
});

test("another site can press none of the buttons", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  await leo.login();
  await press(leo, "rotate");
  const before = [...leo.jar];
  for (const what of ["edit", "swap", "outage", "rotate", "logout", "expire", "watch"]) {
    for (const Origin of ["https://evil.example", "null"]) {
      const answer = await leo.post("/break", { what }, { Origin, "Sec-Fetch-Site": "cross-site" });
      assert.equal(answer.status, 403, what);
      assert.deepEqual(answer.headers.getSetCookie(), []);
    }
  }
  assert.deepEqual([...leo.jar], before);
  assert.match((await leo.get("/user")).body, /Hello, leo!/);
});

test("without a session the buttons break nothing and begin none", async (t) => {
  const probe = probeStore(memoryStore());
  const visitor = (await testSite(t, { store: probe.store })).visitor();
  for (const what of ["edit", "swap", "rotate", "logout", "expire", "nonsense", "outage"]) {
    const answer = await press(visitor, what);
    assert.equal(answer.status, 200, what);
    assert.match(answer.body, /You have no ticket/);
  }
  assert.equal(visitor.ticket, undefined);
  assert.equal(probe.calls.length, 0);
});

test("only a cookie that this site has signed makes a visitor watched, or takes a store away", async (t) => {
  const site = await testSite(t);
  const [leo, thief] = [site.visitor(), site.visitor()];
  await leo.login();
  await press(leo, "outage");
  await thief.login();
  for (const name of ["__Host-break", "__Host-break-outage", "__Host-break-ticket"]) {
    const value = leo.jar.get(name)?.value ?? "";
    thief.jar.set(name, { value: `x${value.slice(1)}`, ends: true });
  }
  assert.match((await thief.get("/break")).body, /Watch my events/);
  assert.equal((await thief.get("/user")).status, 200);
  assert.equal((await thief.get("/break/events")).status, 404);
  const ticket = thief.ticket;
  await thief.post("/break", { what: "swap" });
  assert.equal(thief.ticket, ticket);
});

test("what is no ticket is not sent back, however it is written", async (t) => {
  const visitor = (await testSite(t)).visitor();
  for (const value of ["x", "a%0D%0ASet-Cookie:%20b=c", "a%3B%20Domain=example.org", "x".repeat(3_000)]) {
    visitor.jar.set("__Host-Http-session", { value, ends: true });
    const answer = await visitor.post("/break", { what: "edit" });
    assert.equal(answer.status, 303);
    assert.ok(answer.headers.getSetCookie().every((line) => line.startsWith("__Host-break=")));
  }
});

test("each of many visitors sees their own events only, and only so many are remembered", async (t) => {
  const site = await testSite(t);
  const visitors = Array.from({ length: 600 }, () => site.visitor());
  for (const visitor of visitors) await visitor.post("/break", { what: "watch" });
  const last = visitors.slice(-20);
  await Promise.all(last.map((visitor) => visitor.post("/counter")));
  const ids = new Set<string | undefined>();
  for (const visitor of last) {
    const [event, ...more] = eventsIn((await visitor.get("/break")).body);
    assert.equal(event?.type, "created");
    assert.deepEqual(more, []);
    assert.equal(event.id, visitor.ticket?.slice(0, 22));
    ids.add(event.id);
  }
  assert.equal(ids.size, 20);
  for (let count = 0; count < 40; count++)
    last[0]?.jar.set("__Host-Http-session", { value: "x", ends: true });
  for (let count = 0; count < 40; count++) await last[0]?.get("/");
  assert.equal(eventsIn((await last[0]?.get("/break"))?.body ?? "").length, 30);
  const { visitors: watched, sessions } = site.site.events.size;
  assert.ok(watched <= 500 && sessions <= 4 * 500, `${watched} visitors, ${sessions} sessions`);
});

test("a session ended from elsewhere is an event of its visitor, too", async (t) => {
  const site = await testSite(t);
  const [leo, elsewhere] = [site.visitor(), site.visitor()];
  await leo.login();
  await elsewhere.login();
  await press(leo, "watch");
  await elsewhere.fill("/devices", { others: "yes" });
  const [rejected, revoked] = eventsIn((await leo.get("/break")).body);
  assert.deepEqual([revoked?.type, rejected?.reason], ["revoked", "ended"]);
});

test("no page of this lesson shows more of a ticket than its number and its id", async (t) => {
  const leo = (await testSite(t)).visitor();
  await leo.login();
  const tickets: string[] = [];
  for (const what of ["watch", "edit", "swap", "rotate", "swap", "swap", "logout", "swap"]) {
    tickets.push(leo.ticket ?? "");
    const { body } = await press(leo, what);
    for (const ticket of [...tickets, leo.ticket ?? ""]) {
      for (const secret of ticket.split(".").slice(1)) assert.ok(!body.includes(secret), what);
    }
  }
});

test("the events arrive while the page is open; a visitor may hold four lines, and a line that was left is gone", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  await press(leo, "watch");
  const lines = [];
  for (let count = 0; count < 4; count++) lines.push(await openStream(t, site, leo, "/break/events"));
  const [first] = lines;
  assert.equal(first?.headers.get("Content-Type"), "text/event-stream");
  assert.equal(first.headers.get("Cache-Control"), "no-store");
  assert.equal(first.headers.get("X-Accel-Buffering"), "no");
  assert.equal((await openStream(t, site, leo, "/break/events")).status, 429);
  await leo.login();
  const seen = await first.next();
  assert.equal(seen?.event, "seen");
  assert.match(seen.data, /<b>created<\/b>/);
  for (const line of lines.slice(1)) line.leave();
  while (site.site.streams.size > 1) await turn();
  site.site.hangUp();
  while ((await first.next()) !== undefined);
  assert.equal(site.site.streams.size, 0);
  assert.equal((await openStream(t, site, leo, "/break/events")).status, 503);
});
