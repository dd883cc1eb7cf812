import assert from "node:assert/strict";
import { test } from "node:test";
import { generateSecret } from "coatcheck";
import type { Sessions } from "coatcheck";
import { collectEvents } from "../support/events.ts";
import { Site, testOnStores } from "../support/site.ts";
import type { Visitor } from "../support/site.ts";
import { precededBy, untouched } from "../support/store-calls.ts";

const [older, newer] = [generateSecret(), generateSecret()];

/** The same browser at a process with other keys. */
function moved(site: Site, visitor: Visitor, sessions: Sessions): Visitor {
  const next = site.visitor(sessions);
  for (const { name, value } of visitor.jar.cookies) next.jar.plant(name, value);
  return next;
}

async function leoUnder(site: Site, secret: string): Promise<Visitor> {
  const visitor = site.visitor(site.sessionsWith({ secret }));
  await visitor.login("leo");
  await visitor.with((session) => {
    session.set("x", ["kept"]);
    session.flash("hello");
  });
  return visitor;
}

testOnStores("[54] the newest key seals: what a list issues opens with its first key alone", async (site) => {
  const visitor = site.visitor(site.sessionsWith({ secret: [newer, older] }));
  await visitor.login("leo");
  await visitor.with((session) => session.set("x", 1));
  const alone = moved(site, visitor, site.sessionsWith({ secret: newer }));
  assert.deepEqual(await alone.with((session) => [session.subject, session.get("x")]), ["leo", 1]);
  const other = moved(site, visitor, site.sessionsWith({ secret: older }));
  await other.with((session) => {
    assert.equal(session.subject, undefined);
    assert.equal(session.rejection?.reason, "forged");
  });
});

testOnStores(
  "[54] older keys still open, and the next page seals everything again with the newest",
  async (site, t) => {
    const before = await leoUnder(site, older);
    const events = collectEvents(t);
    const between = moved(site, before, site.sessionsWith({ secret: [newer, older] }));
    assert.equal(await between.subject(), "leo");
    assert.ok(events.some(({ type }) => type === "resealed"));
    assert.notEqual(between.ticket, before.ticket);
    // The same secret under a new mac: whoever still has the old cookie has not been logged out.
    assert.equal(between.ticket?.slice(0, 66), before.ticket?.slice(0, 66));

    const after = moved(site, between, site.sessionsWith({ secret: newer }));
    await after.with((session) => {
      assert.equal(session.subject, "leo");
      assert.deepEqual(session.get("x"), ["kept"]);
      assert.deepEqual(session.peekFlashes(), [{ message: "hello", category: "message" }]);
    });
    const [info] = await after.sessions.list("leo");
    assert.equal(info?.subject, "leo");
    // Once is enough.
    events.length = 0;
    site.probe.calls.length = 0;
    await between.subject();
    assert.equal(site.probe.count("patch"), 0);
    assert.deepEqual(between.last.headers.getSetCookie(), []);
  },
);

testOnStores(
  "[54][118] a dropped key is dead at once, and what it alone sealed is anonymous",
  async (site) => {
    const visitor = await leoUnder(site, older);
    const after = moved(site, visitor, site.sessionsWith({ secret: newer }));
    site.probe.calls.length = 0;
    assert.equal(await after.subject(), undefined);
    assert.deepEqual(site.probe.calls, []);
    assert.deepEqual(after.last.headers.getSetCookie(), []);
  },
);

test("[118] during a rollout, processes with [old, new] and [new, old] read each other's sessions", async (t) => {
  const site = new Site(t, { store: "sqlite" });
  const hubs = [site.sessionsWith({ secret: [older, newer] }), site.sessionsWith({ secret: [newer, older] })];
  let visitor = site.visitor(hubs[0]);
  await visitor.login("leo");
  for (let round = 0; round < 10; round++) {
    visitor = moved(site, visitor, hubs[round % 2] ?? site.sessions);
    const seen = await visitor.with((session) => {
      const n = Number(session.get("n") ?? 0);
      session.set("n", n + 1);
      return [session.subject, n];
    });
    assert.deepEqual(seen, ["leo", round]);
  }
});

test("[54] resealing never writes over what another request has changed meanwhile", async (t) => {
  const site = new Site(t, { store: "sqlite" });
  const before = await leoUnder(site, older);
  const between = moved(site, before, site.sessionsWith({ secret: [newer, older] }));
  let changed = false;
  // Between this request's read and its reseal, another one writes the field.
  site.probe.around = precededBy(async (call) => {
    if (call.operation !== "patch" || changed || call.patch.expect === undefined) return;
    changed = true;
    await before.with((session) => session.set("x", ["newest"]));
  });
  await between.subject();
  assert.equal(changed, true);
  site.probe.around = untouched;
  assert.deepEqual(await between.with((session) => session.get("x")), ["newest"]);
});

test("[54] a ticket that was replaced meanwhile is not signed again", async (t) => {
  const site = new Site(t, { store: "sqlite" });
  const before = await leoUnder(site, older);
  const between = moved(site, before, site.sessionsWith({ secret: [newer, older] }));
  let rotated = false;
  site.probe.around = precededBy(async (call) => {
    if (call.operation !== "patch" || rotated || call.patch.expect === undefined) return;
    rotated = true;
    await before.with((session) => session.rotate());
  });
  await between.subject();
  assert.equal(rotated, true);
  assert.deepEqual(between.last.headers.getSetCookie(), []);
});

test("[54] signed and sealed cookies follow the same rule", async (t) => {
  const site = new Site(t);
  const old = site.visitor(site.sessionsWith({ secret: older }));
  await old.send((at) => {
    old.sessions.cookies(at).signed.set("a", "signed");
    old.sessions.cookies(at).sealed.set("b", "sealed");
    return new Response();
  });
  const read = async (secret: string | string[]) => {
    const visitor = moved(site, old, site.sessionsWith({ secret }));
    const response = await visitor.send((at) => {
      const cookies = visitor.sessions.cookies(at);
      return Response.json([cookies.signed.get("a") ?? null, cookies.sealed.get("b") ?? null]);
    });
    return response.json();
  };
  assert.deepEqual(await read([newer, older]), ["signed", "sealed"]);
  assert.deepEqual(await read(newer), [null, null]);
});
