import assert from "node:assert/strict";
import { testOnStores } from "../support/site.ts";
import { precededBy } from "../support/store-calls.ts";

testOnStores(
  "the list shows a subject's sessions, the last seen first, and nothing that opens one",
  async (site) => {
    const visitors = [];
    for (const agent of ["first", "second", "third"]) {
      const visitor = site.visitor();
      await visitor.with((session) => session.login("leo"), { headers: { "user-agent": agent } });
      site.clock.advance(60_000);
      visitors.push(visitor);
    }
    await visitors[0]?.subject();
    const list = await site.sessions.list("leo");
    assert.deepEqual(
      list.map(({ agent }) => agent),
      ["first", "third", "second"],
    );
    const text = JSON.stringify(list);
    for (const visitor of visitors) {
      const [id = "", ...secrets] = visitor.ticket?.split(".") ?? [];
      assert.ok(text.includes(id));
      for (const secret of secrets) assert.equal(text.indexOf(secret), -1);
      assert.equal(await site.visitor().subject({ cookie: `__Host-Http-session=${id}` }), undefined);
    }
    assert.deepEqual(await site.sessions.list("nobody"), []);
  },
);

testOnStores("an id that is none of ours is no error, and does not reach the store", async (site) => {
  await site.visitor().login("leo");
  site.probe.calls.length = 0;
  for (const id of ["", "x", "../..", "'; --", "A".repeat(23), null, undefined, 5, {}, ["A".repeat(22)]]) {
    assert.equal(await site.sessions.revoke(id as string), false);
  }
  assert.deepEqual(site.probe.calls, []);
  assert.equal(await site.sessions.revoke("A".repeat(22)), false);
  assert.deepEqual(
    site.probe.calls.map(({ operation }) => operation),
    ["read"],
  );
});

testOnStores(
  "revoking what has ended already answers false, and does not keep its remains for longer",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    const id = (await visitor.with((session) => session.id)) ?? "";
    await visitor.with((session) => session.logout());
    site.clock.advance(59_000);
    site.probe.calls.length = 0;
    assert.equal(await site.sessions.revoke(id), false);
    assert.equal(site.probe.count("patch"), 0);
    site.clock.advance(1000);
    assert.equal(await site.sessions.sweep(), 1);
  },
);

testOnStores(
  "a session that logs in again while it is being revoked is revoked under its new ticket",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    const id = (await visitor.with((session) => session.id)) ?? "";
    let once = true;
    site.probe.around = precededBy(async (call) => {
      if (call.operation !== "patch" || !once || call.patch.columns?.subject !== null) return;
      once = false;
      await visitor.login("leo");
    });
    assert.equal(await site.sessions.revoke(id), true);
    assert.equal(once, false);
    assert.equal(await visitor.subject(), undefined);
  },
);

testOnStores("an anonymous session can be revoked by its id, too", async (site) => {
  const visitor = site.visitor();
  await visitor.with((session) => session.set("x", 1));
  const id = (await visitor.with((session) => session.id)) ?? "";
  assert.equal(await site.sessions.revoke(id), true);
  assert.deepEqual(await visitor.with((session) => session.keys()), []);
});
