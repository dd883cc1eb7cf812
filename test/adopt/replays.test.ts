import assert from "node:assert/strict";
import { test } from "node:test";
import { generateSecret } from "coatcheck";
import type { Session } from "coatcheck";
import { collectEvents } from "../support/events.ts";
import { NewSite, secret, testOnStores } from "./new-site.ts";
import { cookieSessionCookies } from "./old-systems.ts";

const day = 86_400_000;

/** Old cookies of Leo's from each kind of system: one whose record nobody removes, and one that has none. */
function oldCookies(site: NewSite): Record<string, string> {
  return {
    "a record that stays": site.old.keep("leo-1", { user: "leo" }),
    "no record": cookieSessionCookies({ user: "leo" }, secret),
  };
}

/** Sources whose old records stay, so that nothing but our own notes keeps a cookie from opening a session again. */
function forgetful(site: NewSite) {
  return [site.express({ store: { read: site.old.store.read } }), site.cookies()];
}

const ends: Record<string, (site: NewSite, session: Session) => unknown> = {
  "a logout": (_, session) => session.logout(),
  "a revocation": (site, session) => site.sessions.revoke(session.id ?? ""),
  "a revocation of all sessions": (site) => site.sessions.revokeAll("leo"),
  "a login as somebody else, and its logout": async (_, session) => {
    await session.login("ada");
    await session.logout();
  },
};

for (const [what, end] of Object.entries(ends)) {
  testOnStores(
    `after ${what} the old cookie opens nothing, at once and for ever, on every node`,
    async (site) => {
      for (const [from, cookie] of Object.entries(oldCookies(site))) {
        const visitor = site.coming(cookie, site.adopting(forgetful(site)));
        assert.equal(await visitor.subject(), "leo");
        await visitor.with((session) => end(site, session));
        const elsewhere = site.adopting(forgetful(site));
        for (const wait of [0, 59_999, 1, 1, day, 80 * day]) {
          site.clock.advance(wait);
          // The stub that a logout leaves is gone after a minute.
          await site.sessions.sweep();
          for (const sessions of [visitor.sessions, elsewhere]) {
            const thief = site.coming(cookie, sessions);
            assert.equal(await thief.subject(), undefined, `${from}, after ${wait} ms`);
            assert.deepEqual(thief.jar.cookies, [], "the dead cookie is cleared");
          }
        }
        site.clock.advance(-(80 * day + day + 60_001));
      }
    },
  );
}

testOnStores(
  "a session that was not used for too long, or lasted too long, is not opened again",
  async (site) => {
    for (const steps of [[3_600_000], Array.from({ length: 25 }, () => 3_456_000)]) {
      const cookie = cookieSessionCookies({ user: "leo", steps: steps.length }, secret);
      const visitor = site.coming(cookie);
      assert.equal(await visitor.subject(), "leo");
      for (const step of steps) {
        site.clock.advance(step);
        await visitor.subject();
      }
      assert.equal(await visitor.subject(), undefined);
      await site.sessions.sweep();
      assert.equal(await site.coming(cookie).subject(), undefined);
    }
  },
);

testOnStores("a logout stays one whatever becomes of our keys", async (site) => {
  const cookie = cookieSessionCookies({ user: "leo" }, secret);
  const [newer, newest] = [generateSecret(), generateSecret()];
  const visitor = site.coming(cookie);
  await visitor.subject();
  await visitor.with((session) => session.logout());
  site.clock.advance(61_000);
  await site.sessions.sweep();
  for (const keys of [
    [newer, site.secret],
    [newest, newer, site.secret],
    [newest, newer],
    newest,
    [newest, site.secret],
  ]) {
    assert.equal(await site.coming(cookie, site.adopting(undefined, { secret: keys })).subject(), undefined);
  }
});

testOnStores(
  "while our keys are replaced, every node gives the same session, and signs with its newest key",
  async (site) => {
    const cookie = site.old.keep("a", { user: "leo" });
    const newer = generateSecret();
    const [before, between, after] = [site.secret, [newer, site.secret], newer].map((keys) =>
      site.adopting(undefined, { secret: keys }),
    );
    const ids: unknown[] = [];
    for (const sessions of [before, between]) {
      const visitor = site.coming(cookie, sessions);
      ids.push(await visitor.with(({ id, subject }) => [id, subject]));
      assert.equal(await visitor.subject(), "leo");
      if (sessions === between)
        assert.equal(
          await site.visitor(after).subject({ cookie: `__Host-Http-session=${visitor.ticket}` }),
          "leo",
        );
    }
    assert.deepEqual(ids[0], ids[1]);
    // A node that no longer has the key opens nothing, and nothing new either.
    assert.equal(await site.coming(cookie, after).subject(), undefined);
    assert.equal((await site.sessions.list("leo")).length, 1);
  },
);

testOnStores(
  "until then the old cookie opens the same session, so that a lost response costs nothing",
  async (site) => {
    const cookie = site.old.keep("a", { user: "leo" });
    const sessions = site.adopting();
    const lost = site.coming(cookie, sessions);
    await lost.sendQuietly(async (request) => new Response((await sessions.of(request)).subject));
    assert.equal(await lost.last.text(), "leo");
    assert.equal(site.old.has("a"), false);
    assert.equal(await lost.subject(), "leo");
    assert.deepEqual(
      lost.jar.cookies.map(({ name }) => name),
      ["__Host-Http-session"],
    );
    assert.equal((await sessions.list("leo")).length, 1);
  },
);

for (const [what, renew] of Object.entries<(session: Session) => Promise<void>>({
  "logged in again": (session) => session.login("leo"),
  "logged in as somebody else": (session) => session.login("ada"),
  "got a new ticket": (session) => session.rotate(),
})) {
  testOnStores(
    `when the adopted session has ${what}, the old cookie opens nothing and sets none of ours`,
    async (site, t) => {
      const cookie = site.old.keep("a", { user: "leo" });
      const visitor = site.coming(cookie);
      await visitor.subject();
      await visitor.with(renew);
      const subject = await visitor.subject();
      const events = collectEvents(t);
      const late = site.coming(cookie, visitor.sessions);
      assert.deepEqual(
        await late.with((session) => {
          // Within a minute a late request must not replace the newer cookie either.
          session.set("x", 1);
          return [session.subject, session.rejection];
        }),
        [undefined, { reason: "superseded" }],
      );
      assert.deepEqual(
        late.last.headers.getSetCookie().map((line) => line.split("=")[0]),
        ["connect.sid"],
      );
      assert.ok(events.some((event) => event.type === "adoption-refused" && event.reason === "used"));
      assert.equal(await visitor.subject(), subject);
    },
  );
}

testOnStores("a logout, or a login, makes another old cookie that comes along useless", async (site) => {
  for (const act of ["login", "logout"] as const) {
    const sessions = site.adopting();
    const visitor = site.visitor(sessions);
    await visitor.login("ada");
    const cookies = [
      site.old.keep(`${act}-1`, { user: "leo" }),
      cookieSessionCookies({ user: "leo", act }, secret),
    ];
    for (const pair of cookies.join("; ").split("; "))
      visitor.jar.receive(`${pair}; Path=/`, "https://site.example/");
    assert.equal(await visitor.subject(), "ada");
    await visitor.with((session) => (act === "login" ? session.login("ada") : session.logout()));
    assert.deepEqual(
      visitor.jar.cookies.map(({ name }) => name),
      act === "login" ? ["__Host-Http-session"] : [],
    );
    for (const cookie of cookies) assert.equal(await site.coming(cookie, sessions).subject(), undefined, act);
    assert.equal(site.old.has(`${act}-1`), false);
  }
});

testOnStores("a logout ends the session of another old cookie that comes along", async (site) => {
  const sessions = site.adopting();
  const cookie = site.old.keep("a", { user: "leo" });
  // Its response was lost, and the visitor has logged in by a form.
  const lost = site.coming(cookie, sessions);
  await lost.sendQuietly(async (request) => new Response((await sessions.of(request)).subject));
  const visitor = site.visitor(sessions);
  await visitor.login("ada");
  await visitor.with((session) => session.logout(), {
    cookie: `${cookie}; __Host-Http-session=${visitor.ticket}`,
  });
  assert.equal(await site.coming(cookie, sessions).subject(), undefined);
  assert.deepEqual(await sessions.list("leo"), []);
});

testOnStores(
  "a logout whose old cookie can't be noted is no success, and can be tried again",
  async (site) => {
    const sessions = site.adopting();
    const visitor = site.visitor(sessions);
    await visitor.login("ada");
    const cookie = `${cookieSessionCookies({ user: "leo" }, secret)}; __Host-Http-session=${visitor.ticket}`;
    site.probe.around = async (call, run) => {
      if (call.operation === "create") throw new Error("no");
      return run();
    };
    await assert.rejects(
      visitor.with((session) => session.logout(), { cookie }),
      { code: "STORE_FAILED" },
    );
    assert.equal(visitor.last.status, 503);
    assert.deepEqual(visitor.last.headers.getSetCookie(), []);
    site.probe.around = (_, run) => run();
    assert.equal(await visitor.subject(), "ada");
    await visitor.with((session) => session.logout(), { cookie });
    assert.equal(await site.coming(cookie.split("; __Host")[0] ?? "", sessions).subject(), undefined);
  },
);

testOnStores(
  "ending all sessions of a subject holds for old cookies that have not come yet",
  async (site) => {
    const sessions = site.adopting();
    const cookies = [site.old.keep("a", { user: "leo" }), cookieSessionCookies({ user: "leo" }, secret)];
    const phone = site.coming(site.old.keep("phone", { user: "leo" }), sessions);
    const id = (await phone.with((session) => session.id)) ?? "";
    assert.equal(await sessions.revokeAll("leo", { except: id }), 0);
    for (const round of [1, 2]) {
      for (const cookie of cookies)
        assert.equal(await site.coming(cookie, sessions).subject(), undefined, String(round));
      site.clock.advance(300_000);
      await sessions.sweep();
      // A second time, it is noted for longer.
      assert.equal(await sessions.revokeAll("leo", { except: id }), 0);
    }
    assert.equal(await phone.subject(), "leo");
    // Others, and a new login, are not concerned.
    assert.equal(await site.coming(site.old.keep("b", { user: "ada" }), sessions).subject(), "ada");
    const desk = site.visitor(sessions);
    await desk.login("leo");
    assert.equal(await desk.subject(), "leo");
    assert.equal((await sessions.list("leo")).length, 2);
  },
);

testOnStores(
  "what is noted shows in no list, holds neither subject nor data, and can't be revoked",
  async (site) => {
    const cookie = cookieSessionCookies({ user: "leo", theme: "canary" }, secret);
    const visitor = site.coming(cookie);
    const id = await visitor.with((session) => session.id);
    await visitor.with((session) => session.logout());
    await visitor.sessions.revokeAll("leo");
    const records = await site.probe.records();
    assert.equal(records.length, 3);
    for (const { subject, fields } of records) {
      assert.equal(subject, null);
      for (const bytes of fields.values()) assert.equal(Buffer.from(bytes).toString(), id);
    }
    // Its id is a plain hash, so somebody who has the cookie can send it to a page that revokes.
    for (const { id: noted } of records) assert.equal(await visitor.sessions.revoke(noted), false);
    site.clock.advance(61_000);
    assert.equal(await site.coming(cookie, visitor.sessions).subject(), undefined);
  },
);

test("a note lasts for 400 days, or as long as the cookie could be good", async (t) => {
  const site = new NewSite(t);
  const cookie = cookieSessionCookies({ user: "leo" }, secret);
  const visitor = site.coming(cookie);
  await visitor.subject();
  await visitor.with((session) => session.logout());
  // The date was moved while adoption was going on.
  site.clock.advance(399 * day);
  await site.sessions.sweep();
  const later = site.adopting([site.cookies({ until: new Date(site.clock.now() + day) })]);
  assert.equal(await site.coming(cookie, later).subject(), undefined);
});

testOnStores("a slow page does not replace the cookie of a login that came later", async (site) => {
  for (const isSlow of [false, true]) {
    const cookie = site.old.keep(`a-${isSlow}`, { user: "leo" });
    const sessions = site.adopting();
    const [slow, quick] = [site.coming(cookie, sessions), site.coming(cookie, sessions)];
    await slow.with(async (session) => {
      assert.equal(session.subject, "leo");
      await quick.with((other) => (isSlow ? other.login("leo") : undefined));
      // From then on the store is asked again.
      site.clock.advance(10);
    });
    assert.equal(slow.ticket === undefined, isSlow);
    assert.equal(await quick.subject(), "leo");
  }
});
