import assert from "node:assert/strict";
import { test } from "node:test";
import type { Session } from "coatcheck";
import { fetchSessions } from "coatcheck/fetch";
import { honoSessions } from "coatcheck/hono";
import { Hono } from "hono";
import { home, Site, testEverywhere, testOnStores } from "../support/site.ts";

testOnStores(
  "a request writes one patch for all it changed, and nothing when it changed nothing",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    await visitor.with((session) => {
      session.set("a", 1);
      session.set("b", 2);
    });
    site.clock.advance(60_000);
    site.store.forget();
    await visitor.with((session) => {
      session.set("c", 3);
      session.delete("a");
      session.flash("hello");
      session.permanent = true;
    });
    assert.equal(site.store.count("patch"), 1);
    const patch = site.store.calls.find(({ operation }) => operation === "patch")?.patch;
    assert.deepEqual(patch?.remove, ["d:a"]);
    assert.deepEqual(
      [...(patch?.set?.keys() ?? [])].map((name) => name.slice(0, 2)),
      ["d:", "f:"],
    );
    assert.equal(patch?.columns?.lastSeenAt, site.clock.now());
    assert.equal(patch?.columns?.permanent, true);
    site.store.forget();
    await visitor.with((session) => session.entries());
    assert.equal(site.store.count("patch", "create"), 0);
  },
);

testEverywhere(
  "a cookie is sent only for what was created, renewed or ended by this very request",
  async (site) => {
    const visitor = site.visitor();
    const sent = async (use: (session: Session) => unknown): Promise<number> => {
      await visitor.with(use);
      return visitor.last.headers.getSetCookie().length;
    };
    assert.equal(await sent((session) => session.get("x")), 0);
    assert.equal(await sent((session) => session.set("x", 1)), 1);
    assert.equal(await sent((session) => session.set("x", 2)), 0);
    assert.equal(await sent((session) => session.flash("x")), 0);
    assert.equal(await sent((session) => session.takeFlashes()), 0);
    assert.equal(await sent((session) => (session.permanent = false)), 0);
    assert.equal(await sent((session) => (session.permanent = true)), 1);
    assert.equal(await sent((session) => (session.permanent = true)), 0);
    assert.equal(await sent((session) => session.rotate()), 1);
    assert.equal(await sent((session) => session.login("leo")), 1);
    assert.equal(await sent((session) => session.clear()), 0);
    assert.equal(await sent((session) => session.logout()), 1);
    assert.equal(await sent((session) => session.logout()), 0);
  },
);

testOnStores(
  "[S5] a change of lifetime that meets a rotation holds, and leaves the rotation's cookie alone",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    const slow = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    const late = visitor.sendQuietly(async (at) => {
      const session = await site.sessions.of(at);
      opened.resolve();
      await slow.promise;
      session.permanent = true;
      session.set("x", 1);
      return new Response();
    });
    await opened.promise;
    await visitor.with((session) => session.rotate());
    slow.resolve();
    assert.deepEqual((await late).headers.getSetCookie(), []);
    assert.deepEqual(await visitor.with((session) => [session.permanent, session.get("x")]), [true, 1]);
  },
);

testOnStores("setting permanent alone begins no session", async (site) => {
  const visitor = site.visitor();
  await visitor.with((session) => (session.permanent = true));
  assert.deepEqual(site.store.calls, []);
  await visitor.with(async (session) => {
    session.permanent = true;
    await session.update("n", () => 1);
  });
  assert.notEqual(visitor.jar.get("__Host-Http-session")?.expires, undefined);
});

testEverywhere("the session is one and the same for all who ask in one request", async (site) => {
  const visitor = site.visitor();
  site.store.forget();
  await visitor.login("leo");
  const response = await visitor.send(async (at) => {
    const [one, two, three] = await Promise.all([
      site.sessions.of(at),
      site.sessions.current(),
      site.sessions.of(at),
    ]);
    return Response.json([one === two, two === three]);
  });
  assert.deepEqual(await response.json(), [true, true]);
  assert.equal(site.store.count("read"), 1);
});

test("[16] a handler's error is answered by the app's own page, and a store's failure by the app's own 503", async (t) => {
  const site = new Site(t);
  const handler = fetchSessions(
    site.sessions,
    async (request) => {
      await (await site.sessions.of(request)).login("leo");
      throw new TypeError("on purpose");
    },
    {
      onError: (error) => new Response((error as Error).message, { status: 418 }),
      onUnavailable: (error) => new Response(error.code, { status: 503 }),
    },
  );
  const failed = await handler(new Request(home));
  assert.deepEqual(
    [failed.status, await failed.text(), failed.headers.getSetCookie().length],
    [418, "on purpose", 1],
  );
  site.store.before = () => {
    throw new Error("down");
  };
  const down = await handler(new Request(home));
  assert.deepEqual([down.status, await down.text(), down.headers.getSetCookie()], [503, "STORE_FAILED", []]);

  const app = new Hono();
  app.onError(() => new Response("", { status: 500 }));
  app.use(
    honoSessions(site.sessions, {
      onUnavailable: (c, error) =>
        (c as unknown as { text(text: string, status: 503): Response }).text(error.code, 503),
    }),
  );
  app.get("/", async (c) => c.text((await site.sessions.of(c)).subject ?? "nobody"));
  const cookie = failed.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const unavailable = await app.fetch(new Request(home, { headers: { cookie } }));
  assert.deepEqual([unavailable.status, await unavailable.text()], [503, "STORE_FAILED"]);
});

test("without an onError a crash is printed and answered with a bare 500", async (t) => {
  const site = new Site(t);
  const printed = t.mock.method(console, "error", () => {});
  const response = await fetchSessions(site.sessions, () => {
    throw new Error("CANARY");
  })(new Request(home));
  assert.equal(response.status, 500);
  assert.equal((await response.text()).indexOf("CANARY"), -1);
  assert.equal(printed.mock.callCount(), 1);
});

test("a response that can carry no header goes out as it is", async (t) => {
  const site = new Site(t);
  const response = await site.visitor().send(async (at) => {
    (await site.sessions.of(at)).get("x");
    return Response.error();
  });
  assert.equal(response.type, "error");
});
