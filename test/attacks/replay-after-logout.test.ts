import assert from "node:assert/strict";
import { test } from "node:test";
import { Site, storeKinds, testEverywhere, testOnStores } from "../support/site.ts";
import { precededBy, untouched } from "../support/store-calls.ts";

testEverywhere(
  "[38] after logout the old ticket is anonymous, at once and for ever, on every node",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    await visitor.with((session) => {
      session.set("x", "private");
      session.permanent = true;
    });
    const cookie = `__Host-Http-session=${visitor.ticket}`;
    await visitor.with((session) => session.logout());
    const elsewhere = site.visitor(site.sessionsWith());
    for (const wait of [0, 1, 59_999, 1, 1, 86_400_000]) {
      site.clock.advance(wait);
      for (const thief of [site.visitor(), elsewhere]) {
        assert.deepEqual(
          await thief.with((session) => [session.id, session.subject, session.keys()], { cookie }),
          [undefined, undefined, []],
        );
      }
    }
  },
);

testEverywhere("[38] logging out in one browser leaves the other one logged in", async (site) => {
  const [desk, phone] = [site.visitor(), site.visitor()];
  await desk.login("leo");
  await phone.login("leo");
  await desk.with((session) => session.logout());
  assert.equal(await desk.subject(), undefined);
  assert.equal(await phone.subject(), "leo");
});

testEverywhere(
  "[15][45] logout takes the cookie out of the browser, and the data out of the store",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    await visitor.with((session) => session.set("diary", "dear"));
    await visitor.with((session) => session.logout(), { status: 500 });
    assert.deepEqual(visitor.jar.cookies, []);
    const [record] = await site.probe.records();
    assert.deepEqual(record?.fields.size, 0);
    assert.equal(record?.subject, null);
  },
);

testOnStores("[44] logging out without a session writes nothing and sets no cookie", async (site) => {
  for (const cookie of [undefined, "__Host-Http-session=", "__Host-Http-session=x"]) {
    const visitor = site.visitor();
    await visitor.with((session) => session.logout(), { cookie });
    await visitor.with(
      async (session) => {
        await session.logout();
        await session.logout();
      },
      { cookie },
    );
    assert.deepEqual(visitor.last.headers.getSetCookie(), []);
  }
  assert.equal(site.probe.calls.length, 0);
});

testOnStores(
  "[44] logging out again with the old ticket changes nothing, and clears nobody's cookie",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    const cookie = `__Host-Http-session=${visitor.ticket}`;
    await visitor.with((session) => session.logout());
    site.probe.calls.length = 0;
    await visitor.with((session) => session.logout(), { cookie });
    assert.equal(site.probe.count("patch", "create"), 0);
    assert.deepEqual(visitor.last.headers.getSetCookie(), []);
  },
);

testEverywhere(
  "[44][107] when the store fails, logout is no success, and the session goes on",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    site.probe.around = precededBy(({ operation }) => {
      if (operation === "patch") throw new Error("disk on fire");
    });
    await assert.rejects(
      visitor.with((session) => session.logout()),
      { code: "STORE_FAILED" },
    );
    assert.equal(visitor.last.status, 503);
    assert.deepEqual(visitor.last.headers.getSetCookie(), []);
    site.probe.around = untouched;
    assert.equal(await visitor.subject(), "leo");
  },
);

testEverywhere("[41] one session, all, or all but this one can be ended from outside", async (site) => {
  const [desk, phone, laptop] = [site.visitor(), site.visitor(), site.visitor()];
  const everybody = [desk, phone, laptop];
  const who = () => Promise.all(everybody.map((visitor) => visitor.subject()));
  for (const visitor of everybody) await visitor.login("leo");
  const [first] = await phone.with(async (session) => [session.id]);
  assert.equal(await site.sessions.revoke(first ?? ""), true);
  assert.deepEqual(await who(), ["leo", undefined, "leo"]);
  assert.equal(await site.sessions.revoke(first ?? ""), false);

  await phone.login("leo");
  const except = await phone.with((session) => session.id);
  assert.equal(await site.sessions.revokeAll("leo", { except: except ?? "" }), 2);
  assert.deepEqual(await who(), [undefined, "leo", undefined]);
  assert.equal(await site.sessions.revokeAll("leo"), 1);
  assert.deepEqual(await who(), [undefined, undefined, undefined]);
  assert.equal(await site.sessions.revokeAll("leo"), 0);
});

testOnStores("[41] a visitor who names somebody else's session can't end it", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  const id = (await visitor.with((session) => session.id)) ?? "";
  assert.equal(await site.sessions.revoke(id, { subject: "mallory" }), false);
  assert.equal(await visitor.subject(), "leo");
  assert.equal(await site.sessions.revoke(id, { subject: "leo" }), true);
  assert.equal(await visitor.subject(), undefined);
});

testOnStores(
  "[37] the list of a user's sessions stays exact through rotation, change of user and logout",
  async (site) => {
    const visitor = site.visitor();
    const count = async () => {
      const [leo, ada] = await Promise.all([site.sessions.list("leo"), site.sessions.list("ada")]);
      return [leo.length, ada.length];
    };
    await visitor.login("leo");
    await visitor.with((session) => session.rotate());
    assert.deepEqual(await count(), [1, 0]);
    await visitor.login("ada");
    assert.deepEqual(await count(), [0, 1]);
    await visitor.with((session) => session.logout());
    assert.deepEqual(await count(), [0, 0]);
    await visitor.login("leo");
    await visitor.with((session) => session.rotate());
    assert.equal(await site.sessions.revokeAll("leo"), 1);
    assert.equal(await visitor.subject(), undefined);
  },
);

for (const kind of storeKinds) {
  test(`[116] what one node writes or revokes, the other sees at once (${kind})`, async (t) => {
    const site = new Site(t, { store: kind });
    const [here, there] = [site.visitor(), site.visitor(site.sessionsWith())];
    for (let round = 0; round < 20; round++) {
      await here.login("leo");
      const cookie = `__Host-Http-session=${here.ticket}`;
      assert.equal(await there.subject({ cookie }), "leo");
      await there.with((session) => session.set("round", round), { cookie });
      assert.equal(await here.with((session) => session.get("round")), round);
      await (round % 2 === 0
        ? there.with((session) => session.logout(), { cookie })
        : there.sessions.revokeAll("leo"));
      assert.equal(await here.subject(), undefined);
    }
  });
}
