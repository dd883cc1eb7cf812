import assert from "node:assert/strict";
import type { Session } from "coatcheck";
import { typesOf, collectEvents } from "../support/events.ts";
import { testEverywhere } from "../support/site.ts";
import type { Visitor } from "../support/site.ts";

/** A request that has opened its session and waits: `finish` lets it go on. */
async function slowRequest(
  visitor: Visitor,
  work: (session: Session) => unknown,
): Promise<{ finish: () => Promise<Response> }> {
  const opened = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const response = visitor.sendQuietly(async (at) => {
    const session = await visitor.sessions.of(at);
    opened.resolve();
    await go.promise;
    await work(session);
    return new Response("late");
  });
  await opened.promise;
  return {
    finish: () => {
      go.resolve();
      return response;
    },
  };
}

const lateWork: Record<string, (session: Session) => unknown> = {
  reads: (session) => session.get("cart"),
  writes: (session) => session.set("cart", ["late"]),
  "changes an object inside": (session) => (session.get("cart") as string[]).push("late"),
  updates: async (session) => assert.equal(await session.update("cart", () => ["late"]), undefined),
  flashes: (session) => session.flash("late"),
  "takes messages": async (session) => assert.deepEqual(await session.takeFlashes(), []),
  rotates: (session) => session.rotate(),
  "becomes permanent": (session) => (session.permanent = true),
};

for (const [what, work] of Object.entries(lateWork)) {
  testEverywhere(
    `[39][40][80] a late request that ${what} does not bring a session back after logout`,
    async (site) => {
      const visitor = site.visitor();
      await visitor.login("leo");
      await visitor.with((session) => {
        session.set("cart", ["hat"]);
        session.flash("hello");
      });
      const ticket = visitor.ticket ?? "";
      // Long enough for the idle clock to be due: the late request would touch.
      site.clock.advance(5 * 60_000);
      const late = await slowRequest(visitor, work);
      await visitor.with((session) => session.logout());
      assert.equal(visitor.ticket, undefined);

      const response = await late.finish();
      assert.deepEqual(response.headers.getSetCookie(), []);
      assert.equal(await visitor.subject({ cookie: `__Host-Http-session=${ticket}` }), undefined);
      for (const record of await site.probe.records()) {
        assert.equal(record.subject, null);
        assert.deepEqual([...record.fields.keys()], []);
      }
      // And not later, either.
      site.clock.advance(2 * 60_000);
      assert.equal(await visitor.subject({ cookie: `__Host-Http-session=${ticket}` }), undefined);
      assert.deepEqual(await site.sessions.list("leo"), []);
    },
  );
}

testEverywhere(
  "[39] a request that arrives with the ticket of a session just ended begins no other by writing",
  async (site, t) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    const ticket = visitor.ticket ?? "";
    await visitor.with((session) => session.logout());
    const events = collectEvents(t);
    site.probe.calls.length = 0;
    await visitor.with(
      (session) => {
        assert.equal(session.rejection?.reason, "ended");
        session.set("cart", ["late"]);
        session.flash("late");
      },
      { cookie: `__Host-Http-session=${ticket}` },
    );
    assert.deepEqual(visitor.last.headers.getSetCookie(), []);
    assert.equal(site.probe.count("create", "patch"), 0);
    assert.ok(typesOf(events).includes("write-dropped"));

    // A minute later nothing is late any more: this is a visitor with an old cookie.
    site.clock.advance(60_001);
    await visitor.with((session) => session.set("cart", ["new"]), {
      cookie: `__Host-Http-session=${ticket}`,
    });
    assert.equal(visitor.last.headers.getSetCookie().length, 1);
  },
);

testEverywhere(
  "[39] a superseded request begins no session by writing, and an explicit login always does",
  async (site) => {
    const visitor = site.visitor();
    await visitor.with((session) => session.set("cart", []));
    const ticket = visitor.ticket ?? "";
    await visitor.login("leo");
    site.probe.calls.length = 0;
    const old = { cookie: `__Host-Http-session=${ticket}` };
    await visitor.with(async (session) => {
      assert.equal(session.rejection?.reason, "superseded");
      assert.equal(await session.update("n", () => 1), undefined);
      session.set("cart", ["late"]);
    }, old);
    assert.equal(site.probe.count("create", "patch"), 0);
    assert.deepEqual(visitor.last.headers.getSetCookie(), []);
    await visitor.with((session) => session.login("ada"), old);
    assert.equal(await visitor.subject(), "ada");
  },
);

testEverywhere("[39] a session revoked from outside stays dead for its late requests", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  const late = await slowRequest(visitor, (session) => session.set("cart", ["late"]));
  assert.equal(await site.sessions.revokeAll("leo"), 1);
  const response = await late.finish();
  assert.deepEqual(response.headers.getSetCookie(), []);
  assert.equal(await visitor.subject(), undefined);
});

testEverywhere("[79] two requests at once that write different keys both keep them", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  const late = await slowRequest(visitor, (session) => session.set("a", 1));
  await visitor.with((session) => session.set("b", 2));
  await late.finish();
  assert.deepEqual(await visitor.with((session) => Object.fromEntries(session.entries())), { a: 1, b: 2 });
});
