import assert from "node:assert/strict";
import { test } from "node:test";
import { collectEvents } from "../support/events.ts";
import { home, Site, testEverywhere } from "../support/site.ts";
import { precededBy } from "../support/store-calls.ts";

testEverywhere(
  "[98] the life of a session is told: created, login, rotated, logout, revoked, swept",
  async (site, t) => {
    const events = collectEvents(t);
    const visitor = site.visitor();
    const told = (): unknown[] =>
      events.splice(0).map((event) => [event.type, "id" in event ? event.id : undefined]);
    await visitor.with((session) => session.set("x", 1));
    const id = visitor.ticket?.slice(0, 22);
    assert.deepEqual(told(), [["created", id]]);
    await visitor.with((session) => session.get("x"));
    assert.deepEqual(told(), []);
    await visitor.login("leo");
    assert.deepEqual(told(), [["login", id]]);
    await visitor.with((session) => session.rotate());
    assert.deepEqual(told(), [["rotated", id]]);
    await visitor.with((session) => session.logout());
    assert.deepEqual(told(), [["logout", id]]);
    await visitor.with((session) => session.logout());
    assert.deepEqual(told(), []);
    await visitor.login("leo");
    const next = visitor.ticket?.slice(0, 22) ?? "";
    assert.deepEqual(told(), [
      ["created", next],
      ["login", next],
    ]);
    await site.sessions.revoke(next);
    assert.deepEqual(told(), [["revoked", next]]);
    site.clock.advance(61_000);
    await site.sessions.sweep();
    assert.deepEqual(events, [{ type: "swept", deleted: 2, cookie: "__Host-Http-session" }]);
  },
);

testEverywhere(
  "[98] every reason for which a ticket is not taken is told, with the id where it is known",
  async (site, t) => {
    const visitor = site.visitor();
    await visitor.with((session) => session.set("x", 1));
    const anonymous = visitor.ticket ?? "";
    await visitor.login("leo");
    const ticket = visitor.ticket ?? "";
    const id = ticket.slice(0, 22);
    const other = site.visitor();
    await other.login("ada");
    const forged = `${ticket.slice(0, 88)}${ticket.endsWith("A") ? "Q" : "A"}`;
    const cookies: [string, string, string | undefined][] = [
      ["x", "malformed", undefined],
      ["", "malformed", undefined],
      [forged, "forged", undefined],
      [`x; __Host-Http-session=${forged}; __Host-Http-session=y`, "forged", undefined],
      [`${ticket}; __Host-Http-session=${other.ticket}`, "ambiguous", undefined],
      [anonymous, "superseded", id],
    ];
    const events = collectEvents(t);
    const rejected = async (value: string): Promise<unknown> => {
      events.length = 0;
      const reason = await site
        .visitor()
        .with((session) => session.rejection?.reason, { cookie: `__Host-Http-session=${value}` });
      assert.equal(events.length, 1);
      const [event] = events;
      assert.equal(event?.type, "rejected");
      assert.equal(event.reason, reason);
      return [event.reason, event.id];
    };
    for (const [value, reason, told] of cookies)
      assert.deepEqual(await rejected(value), [reason, told], value);
    await visitor.with((session) => session.logout());
    assert.deepEqual(await rejected(ticket), ["ended", id]);
    site.clock.advance(90_000_000);
    await site.sessions.sweep();
    assert.deepEqual(await rejected(other.ticket ?? ""), ["ended", other.ticket?.slice(0, 22)]);
    // No cookie at all is no event.
    events.length = 0;
    await site.visitor().subject();
    assert.deepEqual(events, []);
  },
);

test("[98] events tell which `sessions` object of a process they come from", async (t) => {
  const site = new Site(t);
  const events = collectEvents(t);
  for (const name of ["__Host-one", "__Host-two"]) {
    await site.visitor(site.sessionsWith({ cookie: { name } })).login("leo");
  }
  assert.deepEqual(
    events.map(({ type, cookie }) => [type, cookie]),
    [
      ["created", "__Host-one"],
      ["login", "__Host-one"],
      ["created", "__Host-two"],
      ["login", "__Host-two"],
    ],
  );
});

test("[98] the store's failures are told with the operation, the code, how long it took, and the cause's name and code", async (t) => {
  const site = new Site(t);
  const visitor = site.visitor();
  await visitor.login("leo");
  t.mock.method(console, "error", () => {});
  const events = collectEvents(t);
  const told = {
    type: "store-failed",
    operation: "read",
    code: "STORE_FAILED",
    cookie: "__Host-Http-session",
  };
  const failWith = async (failure: unknown): Promise<unknown[]> => {
    site.probe.around = precededBy(() => {
      site.clock.advance(30);
      throw failure;
    });
    await visitor.send(async (at) => new Response((await site.sessions.of(at)).subject), { url: home });
    return events.splice(0);
  };
  const refused = Object.assign(new TypeError("to postgres://leo:CANARY@db"), { code: "ECONNREFUSED" });
  assert.deepEqual(await failWith(refused), [
    { ...told, milliseconds: 30, cause: { name: "TypeError", code: "ECONNREFUSED" } },
  ]);
  assert.deepEqual(await failWith(new Error("down")), [
    { ...told, milliseconds: 30, cause: { name: "Error" } },
  ]);
  // Neither a name nor a code that is more than a word, nor what is no error.
  const odd = Object.assign(new Error("x"), { name: "it was: CANARY", code: "the query CANARY" });
  assert.deepEqual(await failWith(odd), [{ ...told, milliseconds: 30, cause: { name: "Error" } }]);
  assert.deepEqual(await failWith("CANARY"), [{ ...told, milliseconds: 30 }]);
});

test("[98] a call that nobody answered is told with how long it was waited for", async (t) => {
  const site = new Site(t);
  const visitor = site.visitor();
  await visitor.login("leo");
  t.mock.method(console, "error", () => {});
  const events = collectEvents(t);
  const asked = Promise.withResolvers<undefined>();
  site.probe.around = precededBy(() => {
    asked.resolve(undefined);
    return new Promise(() => {});
  });
  const answer = visitor.send(async (at) => new Response((await site.sessions.of(at)).subject));
  await asked.promise;
  site.clock.advance(2000);
  assert.equal((await answer).status, 503);
  assert.deepEqual(events, [
    {
      type: "store-failed",
      operation: "read",
      code: "STORE_TIMEOUT",
      milliseconds: 2000,
      cookie: "__Host-Http-session",
    },
  ]);
});

test("[98] who was logged out, or whose session was ended, is told with the event", async (t) => {
  const site = new Site(t);
  const events = collectEvents(t);
  const told = (): unknown[] =>
    events
      .splice(0)
      .flatMap((event) => (event.type === "logout" || event.type === "revoked" ? [event.subject] : []));
  for (const subject of ["leo", "ada"]) {
    const visitor = site.visitor();
    await visitor.login(subject);
    await visitor.with((session) => session.logout());
  }
  assert.deepEqual(told(), ["leo", "ada"]);
  const anonymous = site.visitor();
  await anonymous.with((session) => session.set("x", 1));
  await site.sessions.revoke(anonymous.ticket?.slice(0, 22) ?? "");
  await anonymous.with((session) => session.set("x", 1), { cookie: undefined });
  await anonymous.with((session) => session.logout());
  assert.deepEqual(told(), [null, null]);
  await site.visitor().login("eve");
  assert.equal(await site.sessions.revokeAll("eve"), 1);
  assert.deepEqual(told(), ["eve"]);
});
