import assert from "node:assert/strict";
import { test } from "node:test";
import { createKeyring } from "../../src/crypto/keyring.ts";
import { createTicketSigner, newRecordId, newTicket } from "../../src/crypto/ticket.ts";
import { Site, testEverywhere } from "../support/site.ts";

testEverywhere("[2] an id the server did not issue is never adopted", async (site) => {
  const visitor = site.visitor();
  const chosen = newTicket(newRecordId());
  // Signed with the site's own key: the strongest form the attack can take.
  const office = createTicketSigner(createKeyring(site.secret), "__Host-Http-session");
  visitor.jar.plant("__Host-Http-session", office.sign(chosen));
  await visitor.with((session) => {
    assert.equal(session.id, undefined);
    assert.deepEqual(session.rejection, { reason: "ended" });
    session.set("x", 1);
  });
  assert.equal(visitor.ticket?.includes(chosen.id), false);
  assert.equal(visitor.ticket?.includes(chosen.secret), false);
  const records = await site.store.dump();
  assert.deepEqual(
    records.map(({ id }) => id === chosen.id),
    [false],
  );
});

testEverywhere("[32] login gives a new ticket, and the one from before is dead", async (site) => {
  const victim = site.visitor();
  await victim.with((session) => session.set("cart", ["hat"]));
  const before = victim.ticket;
  await victim.login("leo");
  assert.notEqual(victim.ticket, before);
  assert.equal(await victim.subject(), "leo");

  const attacker = site.visitor();
  attacker.jar.plant("__Host-Http-session", before ?? "");
  await attacker.with((session) => {
    assert.equal(session.loggedIn, false);
    assert.equal(session.get("cart"), undefined);
    assert.equal(session.rejection?.reason, "superseded");
  });
});

testEverywhere(
  "[32] a session planted in the victim's browser is not the one they log in to",
  async (site) => {
    const attacker = site.visitor();
    await attacker.with((session) => session.set("cart", ["bait"]));
    const victim = site.visitor();
    victim.jar.plant("__Host-Http-session", attacker.ticket ?? "");
    await victim.login("leo");
    assert.equal(await attacker.subject(), undefined);
    assert.equal(await victim.subject(), "leo");
  },
);

testEverywhere(
  "[33] rotate gives a new ticket for the same session, and the old one is dead",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    await visitor.with((session) => session.set("x", 1));
    const before = visitor.ticket ?? "";
    const id = await visitor.with(async (session) => {
      await session.rotate();
      return session.id;
    });
    assert.notEqual(visitor.ticket, before);
    assert.equal(visitor.ticket?.split(".")[0], id);
    assert.deepEqual(await visitor.with((session) => [session.subject, session.get("x")]), ["leo", 1]);
    assert.equal(await visitor.subject({ cookie: `__Host-Http-session=${before}` }), undefined);
  },
);

testEverywhere("[33] a re-authentication and a change of user give a new ticket, too", async (site) => {
  const visitor = site.visitor();
  const tickets = new Set<string>();
  for (const subject of ["leo", "leo", "admin", "leo"]) {
    await visitor.login(subject);
    tickets.add(visitor.ticket ?? "");
    for (const old of [...tickets].slice(0, -1)) {
      assert.equal(await visitor.subject({ cookie: `__Host-Http-session=${old}` }), undefined);
    }
  }
  assert.equal(tickets.size, 4);
});

testEverywhere(
  "[34] what an anonymous visitor left does not cross the login, unless it is named",
  async (site) => {
    const visitor = site.visitor();
    await visitor.with((session) => {
      session.set("csrf", "planted");
      session.set("cart", ["hat"]);
      session.flash("planted");
    });
    await visitor.with((session) => session.login("leo", { keep: ["cart"] }));
    await visitor.with((session) => {
      assert.deepEqual(session.entries(), [["cart", ["hat"]]]);
      assert.deepEqual(session.peekFlashes(), []);
    });
  },
);

testEverywhere("[34] nothing of one user is left when another logs in over their session", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  const began = await visitor.with((session) => {
    session.set("cart", ["hat"]);
    session.set("diary", "dear");
    session.flash("for leo");
    session.permanent = true;
    return session.createdAt;
  });
  site.clock.advance(1000);
  await visitor.with(async (session) => {
    (session.get("cart") as string[]).push("coat");
    await session.login("ada", { keep: ["cart", "diary"] });
    assert.deepEqual(session.keys(), []);
  });
  await visitor.with((session) => {
    assert.deepEqual(session.entries(), []);
    assert.deepEqual(session.peekFlashes(), []);
    assert.equal(session.permanent, false);
    assert.notDeepEqual(session.createdAt, began);
  });
});

test("[5] an id that is taken is never overwritten: another is drawn", async (t) => {
  const site = new Site(t);
  const taken: string[] = [];
  const create = site.store.create.bind(site.store);
  let refusals = 0;
  site.store.create = (record) => {
    if (refusals++ < 2) {
      taken.push(record.id);
      return false;
    }
    return create(record);
  };
  const visitor = site.visitor();
  const id = await visitor.with(async (session) => {
    await session.login("leo");
    return session.id;
  });
  assert.equal(taken.includes(id ?? ""), false);
  assert.equal(await visitor.subject(), "leo");
});
