import assert from "node:assert/strict";
import { test } from "node:test";
import type { SessionsOptions } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { sqliteStore } from "coatcheck/sqlite";
import { home, Site, storeKinds, testOnStores } from "../support/site.ts";
import type { Visitor } from "../support/site.ts";
import { exchangesOf } from "coatcheck/adapter";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** What a thief does: keeps the cookie whatever its lifetime says. */
function keep(visitor: Visitor): { cookie: string } {
  return { cookie: `__Host-Http-session=${visitor.ticket}` };
}

testOnStores("[25] an unused session ends after the idle timeout, whatever the cookie says", async (site) => {
  for (const [wait, subject] of [
    [hour - 1, "leo"],
    [hour, undefined],
    [hour + second, undefined],
  ] as const) {
    const visitor = site.visitor();
    await visitor.login("leo");
    const held = keep(visitor);
    site.clock.advance(wait);
    assert.equal(await visitor.subject(held), subject, `after ${wait} ms`);
  }
});

testOnStores("[25] using a session moves its idle clock, also by reading alone", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  for (let at = 0; at < 20; at++) {
    site.clock.advance(50 * minute);
    assert.equal(await visitor.subject(), "leo");
    assert.deepEqual(visitor.last.headers.getSetCookie(), []);
  }
});

testOnStores(
  "[25][81] the idle clock is moved at most once a minute, and may cost a session as much",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    site.probe.calls.length = 0;
    for (let at = 0; at < 59; at++) {
      site.clock.advance(second);
      await visitor.subject();
    }
    assert.equal(site.probe.count("patch"), 0);
    site.clock.advance(second);
    await visitor.subject();
    assert.equal(site.probe.count("patch"), 1);
    const patch = site.probe.calls.find((call) => call.operation === "patch");
    assert.deepEqual(patch?.patch.columns, { lastSeenAt: site.clock.now() });
    assert.equal(patch?.patch.set, undefined);
  },
);

testOnStores(
  "[26] a session ends after the absolute timeout, however much it is used, rotated and written to",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    const held: { cookie: string }[] = [];
    for (let at = 0; at < 24 * 60 - 1; at++) {
      site.clock.advance(minute);
      await visitor.with((session) => (at % 60 === 0 ? session.rotate() : session.set("at", at)));
      if (at % 60 === 0) held.push(keep(visitor));
    }
    assert.equal(await visitor.subject(), "leo");
    site.clock.advance(minute - 1);
    assert.equal(await visitor.subject(), "leo");
    site.clock.advance(1);
    for (const each of [keep(visitor), ...held]) assert.equal(await visitor.subject(each), undefined);
  },
);

testOnStores(
  "[27] rotation does not reset the absolute clock; only a real login does, and it moves authenticatedAt",
  async (site) => {
    const visitor = site.visitor();
    const start = site.clock.now();
    await visitor.login("leo");
    const times = () =>
      visitor.with((session) => [
        session.authenticatedAt?.getTime(),
        session.createdAt?.getTime(),
        session.expiresAt?.getTime(),
      ]);
    for (let at = 0; at < 90; at++) {
      site.clock.advance(10 * second);
      await visitor.with((session) => session.rotate());
    }
    site.clock.advance(minute);
    await visitor.with((session) => session.set("x", 1));
    assert.deepEqual((await times()).slice(0, 2), [start, start]);
    for (let at = 0; at < 46; at++) {
      site.clock.advance(30 * minute);
      await visitor.subject();
    }
    assert.deepEqual(await times(), [start, start, start + day]);

    await visitor.login("leo");
    const now = site.clock.now();
    assert.deepEqual(await times(), [now, start, now + hour]);
    for (let at = 0; at < 47; at++) {
      site.clock.advance(30 * minute);
      assert.equal(await visitor.subject(), "leo");
    }
  },
);

testOnStores("[30] a permanent session lasts 31 days of silence, and outlives the browser", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  await visitor.with((session) => (session.permanent = true));
  const { expires } = visitor.jar.get("__Host-Http-session") ?? {};
  assert.equal(expires, site.clock.now() + 31 * day);
  visitor.jar.closeBrowser();
  site.clock.advance(31 * day - 1);
  assert.equal(await visitor.subject(), "leo");
  const held = keep(visitor);
  site.clock.advance(31 * day);
  assert.equal(visitor.ticket, undefined);
  assert.equal(await visitor.subject(held), undefined);
});

testOnStores(
  "[30] a permanent session's lifetime starts again with use, by reading alone, and its cookie follows",
  async (site) => {
    const visitor = site.visitor();
    await visitor.with(async (session) => {
      session.permanent = true;
      await session.login("leo");
    });
    for (let at = 0; at < 12; at++) {
      site.clock.advance(30 * day);
      visitor.jar.closeBrowser();
      assert.equal(await visitor.subject(), "leo");
      assert.equal(visitor.last.headers.getSetCookie().length, 1);
      assert.equal(visitor.last.headers.get("cache-control"), "no-store");
      assert.equal(visitor.jar.get("__Host-Http-session")?.expires, site.clock.now() + 31 * day);
      assert.equal(
        await visitor.with((session) => session.expiresAt?.getTime()),
        site.clock.now() + 31 * day,
      );
      assert.equal((await site.sessions.list("leo"))[0]?.expiresAt.getTime(), site.clock.now() + 31 * day);
    }
    const held = keep(visitor);
    site.clock.advance(31 * day);
    assert.equal(await visitor.subject(held), undefined);
  },
);

testOnStores(
  "[26] a permanent session ends after its absolute timeout, however much it is used",
  async (site) => {
    for (const [permanentAbsoluteTimeout, days] of [
      [undefined, 400],
      [{ days: 31 }, 31],
      [{ days: 7 }, 7],
    ] as const) {
      const sessions = site.sessionsWith(
        permanentAbsoluteTimeout === undefined ? {} : { permanentAbsoluteTimeout },
      );
      const visitor = site.visitor(sessions);
      const start = site.clock.now();
      await visitor.with(async (session) => {
        session.permanent = true;
        await session.login("leo");
      });
      let sent = 0;
      for (let at = 1; at < days; at++) {
        site.clock.advance(day);
        assert.equal(await visitor.subject(), "leo");
        sent += visitor.last.headers.getSetCookie().length;
      }
      // Where the end does not move there is nothing to send.
      assert.equal(sent, days > 31 ? days - 31 : 0);
      assert.equal(visitor.jar.get("__Host-Http-session")?.expires, start + days * day);
      site.clock.advance(day - 1);
      const held = keep(visitor);
      assert.equal(await visitor.subject(), "leo");
      site.clock.advance(1);
      assert.equal(await visitor.subject(held), undefined);
    }
  },
);

testOnStores("[81] a permanent session costs no write per request: months of use, counted", async (site) => {
  const visitor = site.visitor();
  await visitor.with(async (session) => {
    session.permanent = true;
    await session.login("leo");
  });
  site.probe.calls.length = 0;
  let cookies = 0;
  let visits = 0;
  // Three months of four minutes a day, a page every twenty seconds.
  for (let at = 0; at < 100; at++) {
    for (let page = 0; page < 12; page++) {
      site.clock.advance(20 * second);
      await visitor.subject();
      visits++;
      cookies += visitor.last.headers.getSetCookie().length;
    }
    site.clock.advance(day - 4 * minute);
  }
  assert.equal(site.probe.count("read"), visits);
  assert.equal(site.probe.count("patch"), visits / 3);
  assert.equal(cookies, 99, "one a day, and two where the hour turns while the visitor is there");
});

testOnStores(
  "[30] the cookie of a permanent session ends an hour, or a tenth, before it at most",
  async (site) => {
    for (const [permanentLifetime, lag] of [
      [{ days: 31 }, hour],
      [{ hours: 2 }, 12 * minute],
      [{ minutes: 5 }, 30 * second],
    ] as const) {
      const visitor = site.visitor(site.sessionsWith({ permanentLifetime }));
      await visitor.with(async (session) => {
        session.permanent = true;
        await session.login("leo");
      });
      for (let at = 0; at < 500; at++) {
        site.clock.advance(((at * 7919) % 90) * second);
        await visitor.subject();
        const end = await visitor.with((session) => session.expiresAt?.getTime() ?? 0);
        const expires = visitor.jar.get("__Host-Http-session")?.expires ?? 0;
        assert.ok(end - expires < lag, `${end - expires} ms`);
        assert.ok(expires - end < 1000);
      }
    }
  },
);

testOnStores(
  "[30] a cookie is not sent again over one that a request beside this one has sent",
  async (site) => {
    for (const beside of ["rotate", "login", "logout"] as const) {
      for (const own of ["get", "set"] as const) {
        const visitor = site.visitor();
        await visitor.with(async (session) => {
          session.permanent = true;
          await session.login("leo");
        });
        site.clock.advance(2 * day);
        await visitor.with(async (session) => {
          await visitor.with((other) => other[beside]("leo"));
          if (own === "get") session.get("x");
          else session.set("x", 1);
        });
        assert.deepEqual(visitor.last.headers.getSetCookie(), [], `${beside}, ${own}`);
        // The rotation's visitor goes on as before, the data and the use of the request beside it among it.
        const seen = await visitor.with((session) => [session.subject, session.get("x"), session.lastSeenAt]);
        if (beside === "rotate") {
          assert.deepEqual(seen, ["leo", own === "set" ? 1 : undefined, new Date(site.clock.now())]);
        }
      }
    }
  },
);

testOnStores(
  "[30] a handler that fails moves no clock, so that the next page sends the cookie",
  async (site) => {
    const visitor = site.visitor();
    await visitor.with(async (session) => {
      session.permanent = true;
      await session.login("leo");
    });
    site.clock.advance(day);
    await visitor.with((session) => session.subject, { status: 500 });
    assert.deepEqual(visitor.last.headers.getSetCookie(), []);
    await visitor.with((session) => session.update("n", () => 1));
    assert.equal(visitor.last.headers.getSetCookie().length, 1, "an update leaves it to the response");
    site.clock.advance(day);
    await visitor.with((session) => session.flash("x"));
    assert.equal(visitor.last.headers.getSetCookie().length, 1);
    site.clock.advance(day);
    await visitor.with((session) => session.takeFlashes());
    assert.equal(visitor.last.headers.getSetCookie().length, 1);
  },
);

testOnStores("[30] a response that can carry no cookie leaves it to the next that can", async (site) => {
  const visitor = site.visitor();
  await visitor.with(async (session) => {
    session.permanent = true;
    await session.login("leo");
  });
  const cookie = keep(visitor).cookie;
  for (let at = 0; at < 3; at++) {
    site.clock.advance(day);
    const exchange = exchangesOf(site.sessions).begin(
      { method: "GET", header: (name) => (name === "cookie" ? cookie : null) },
      [],
    );
    assert.equal((await exchange.session(false)).subject, "leo");
    const { headers } = await exchange.commit({ status: 200, takesNoCookie: true });
    assert.deepEqual(headers.setCookies, []);
    // A network error carries no headers.
    const request = new Request(home, { headers: { cookie } });
    await site.sessions.handle(request, async (own) => {
      assert.equal((await site.sessions.of(own)).subject, "leo");
      return Response.error();
    });
    await site.sessions.handshake({ method: "GET", header: (name) => (name === "cookie" ? cookie : null) });
  }
  assert.equal(await visitor.subject(), "leo");
  assert.equal(visitor.jar.get("__Host-Http-session")?.expires, site.clock.now() + 31 * day);
});

testOnStores("[30] what was stored with a fixed end keeps it", async (site) => {
  const visitor = site.visitor(site.sessionsWith({ permanentAbsoluteTimeout: { days: 31 } }));
  await visitor.with(async (session) => {
    session.permanent = true;
    await session.login("leo");
  });
  const held = keep(visitor);
  const later = site.visitor();
  site.clock.advance(30 * day);
  assert.equal(await later.subject(held), "leo");
  site.clock.advance(day - 1);
  assert.equal(await later.subject(held), "leo");
  site.clock.advance(1);
  assert.equal(await later.subject(held), undefined);
});

testOnStores("a session that is not permanent ends with the browser", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  visitor.jar.closeBrowser();
  assert.equal(await visitor.subject(), undefined);
});

testOnStores(
  "permanent set back to false: the short clocks count again, and the cookie ends with the browser",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    await visitor.with((session) => (session.permanent = true));
    await visitor.with((session) => (session.permanent = false));
    assert.equal(visitor.jar.get("__Host-Http-session")?.expires, undefined);
    const held = keep(visitor);
    site.clock.advance(hour);
    assert.equal(await visitor.subject(held), undefined);
  },
);

testOnStores(
  "[29] what has expired is never read, listed, written or revived, swept or not",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    const id = (await visitor.with((session) => session.id)) ?? "";
    const held = keep(visitor);
    site.clock.advance(hour);
    assert.equal((await site.probe.records()).length, 1);
    assert.deepEqual(await site.sessions.list("leo"), []);
    assert.equal(await site.sessions.revoke(id), false);
    await visitor.with((session) => {
      assert.equal(session.subject, undefined);
      assert.equal(session.rejection?.reason, "ended");
    }, held);
    // Another session begins; this one's record stays as it is until it is swept.
    await visitor.with((session) => session.set("x", 1), held);
    assert.notEqual(visitor.ticket?.slice(0, 22), id);
    assert.equal(await site.sessions.sweep(), 1);
    assert.equal((await site.probe.records()).length, 1);
  },
  { sweepInterval: false },
);

testOnStores(
  "[29] a session that expires while its request runs is not written to, and its data begins no other",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    await visitor.with((session) => {
      site.clock.advance(2 * hour);
      session.set("x", 1);
    });
    assert.deepEqual(visitor.last.headers.getSetCookie(), []);
    const [record] = await site.probe.records();
    assert.equal(record?.fields.has("d:x"), false);
  },
);

testOnStores("[29] the sweep deletes what has expired and nothing else", async (site) => {
  for (let at = 0; at < 1200; at++) await site.visitor().login("old");
  site.clock.advance(hour - second);
  const young = site.visitor();
  await young.login("young");
  site.clock.advance(second);
  assert.equal(await site.sessions.sweep(), 1200);
  assert.equal(await site.sessions.sweep(), 0);
  assert.equal(await young.subject(), "young");
  assert.equal((await site.probe.records()).length, 1);
});

testOnStores("[29] shorter timeouts hold at once for sessions that began under longer ones", async (site) => {
  const shorter: Partial<SessionsOptions>[] = [
    { idleTimeout: { minutes: 10 } },
    { absoluteTimeout: { minutes: 10 } },
    { permanentLifetime: { minutes: 10 } },
    { permanentAbsoluteTimeout: { minutes: 10 } },
  ];
  const seen = [];
  for (const options of shorter) {
    const visitor = site.visitor();
    await visitor.login("leo");
    const lasting = site.visitor();
    await lasting.login("ada");
    await lasting.with((session) => (session.permanent = true));
    site.clock.advance(10 * minute);
    const sessions = site.sessionsWith(options);
    seen.push([
      await site.visitor(sessions).subject(keep(visitor)),
      await site.visitor(sessions).subject(keep(lasting)),
    ]);
    assert.equal((await sessions.list("leo")).length, seen.at(-1)?.[0] === undefined ? 0 : 1);
    await site.sessions.revokeAll("leo");
  }
  assert.deepEqual(seen, [
    [undefined, "ada"],
    [undefined, "ada"],
    ["leo", undefined],
    ["leo", undefined],
  ]);
});

for (const kind of storeKinds) {
  test(`[30][113] lifetimes beyond what a timer can count work: 400 days (${kind})`, async (t) => {
    const site = new Site(t, { store: kind, options: { permanentLifetime: { days: 400 } } });
    const visitor = site.visitor();
    await visitor.with(async (session) => {
      session.permanent = true;
      await session.login("leo");
    });
    assert.equal(visitor.jar.get("__Host-Http-session")?.expires, site.clock.now() + 400 * day);
    site.clock.advance(399 * day);
    assert.equal(await visitor.subject(), "leo");
    assert.equal(await site.sessions.sweep(), 0);
  });
}

test("[115] a clock that jumps back revives nothing that was logged out, and deletes nothing", async (t) => {
  const site = new Site(t);
  const [gone, stays] = [site.visitor(), site.visitor()];
  await gone.login("leo");
  await stays.login("ada");
  const held = keep(gone);
  await gone.with((session) => session.logout());
  site.clock.advance(-hour);
  assert.equal(await gone.subject(held), undefined);
  assert.equal(await stays.subject(), "ada");
  assert.equal(await site.sessions.sweep(), 0);
  site.clock.advance(hour);
  assert.equal(await gone.subject(held), undefined);
  assert.equal(await stays.subject(), "ada");
});

test("[30] stores set no timer of their own", (t) => {
  const timers = [t.mock.method(globalThis, "setTimeout"), t.mock.method(globalThis, "setInterval")];
  void memoryStore();
  const store = sqliteStore({ path: ":memory:" });
  void store.close();
  for (const timer of timers) assert.equal(timer.mock.callCount(), 0);
});
