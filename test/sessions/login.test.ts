import assert from "node:assert/strict";
import { test } from "node:test";
import { Site, testEverywhere, testOnStores } from "../support/site.ts";

testEverywhere("a login says who, since when, and with which browser", async (site) => {
  const visitor = site.visitor();
  const start = new Date(site.clock.now());
  await visitor.with(
    async (session) => {
      assert.deepEqual(
        [session.loggedIn, session.subject, session.id, session.authenticatedAt],
        [false, undefined, undefined, undefined],
      );
      await session.login("leo");
      assert.deepEqual([session.loggedIn, session.subject, session.authenticatedAt], [true, "leo", start]);
      assert.equal(session.rejection, undefined);
    },
    { headers: { "user-agent": `Browser/1.0 ${"x".repeat(300)}` } },
  );
  const [info, ...more] = await site.sessions.list("leo");
  assert.deepEqual(more, []);
  assert.deepEqual(info, {
    id: visitor.ticket?.slice(0, 22),
    subject: "leo",
    createdAt: start,
    authenticatedAt: start,
    lastSeenAt: start,
    expiresAt: new Date(start.getTime() + 3_600_000),
    permanent: false,
    agent: `Browser/1.0 ${"x".repeat(244)}`,
  });
});

testEverywhere(
  "what the request itself has set stays, whether or not there was a session before",
  async (site) => {
    for (const before of [false, true]) {
      const visitor = site.visitor();
      if (before) await visitor.with((session) => session.set("old", 1));
      await visitor.with(async (session) => {
        session.set("now", { a: 1 });
        session.flash("Welcome.");
        session.permanent = true;
        await session.login("leo");
        assert.deepEqual(session.keys(), ["now"]);
      });
      await visitor.with((session) => {
        assert.deepEqual(session.entries(), [["now", { a: 1 }]]);
        assert.deepEqual(session.peekFlashes(), [{ message: "Welcome.", category: "message" }]);
        assert.equal(session.permanent, true);
      });
    }
  },
);

testEverywhere("kept keys come along as they are now, changes inside and updates included", async (site) => {
  const visitor = site.visitor();
  await visitor.with((session) => {
    session.set("cart", ["hat"]);
    session.set("n", 1);
    session.set("dropped", true);
  });
  await visitor.with(async (session) => {
    (session.get("cart") as string[]).push("coat");
    await session.update("n", (n) => Number(n) + 1);
    await session.login("leo", { keep: ["cart", "n", "missing"] });
    assert.deepEqual(Object.fromEntries(session.entries()), { cart: ["hat", "coat"], n: 2 });
    assert.equal(await session.update("n", (n) => Number(n) + 1), 3);
  });
  assert.deepEqual(await visitor.with((session) => Object.fromEntries(session.entries())), {
    cart: ["hat", "coat"],
    n: 3,
  });
});

testOnStores(
  "logging in again as the same subject keeps the data, and what a rotation or update left is read",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    await visitor.with(async (session) => {
      session.flash("hello");
      session.set("cart", ["hat"]);
    });
    await visitor.with(async (session) => {
      await session.update("n", () => 5);
      await session.rotate();
      assert.equal(session.get("n"), 5);
      assert.equal((await session.takeFlashes()).length, 1);
      await session.login("leo");
      assert.deepEqual([session.get("n"), session.get("cart")], [5, ["hat"]]);
      assert.deepEqual(session.peekFlashes(), []);
      assert.deepEqual(await session.takeFlashes(), []);
    });
    assert.equal((await site.sessions.list("leo")).length, 1);
  },
);

testEverywhere(
  "[S6] a login or logout counts although the handler fails afterwards, and its data does not",
  async (site) => {
    for (const status of [500, 502]) {
      const visitor = site.visitor();
      await visitor.with(
        async (session) => {
          session.set("x", 1);
          await session.login("leo");
          session.set("y", 1);
        },
        { status },
      );
      assert.deepEqual(await visitor.with((session) => [session.subject, session.keys()]), ["leo", []]);
      await visitor.with((session) => session.logout(), { status });
      assert.deepEqual(visitor.jar.cookies, []);
    }
  },
);

testOnStores("login, logout and login in one request leave one session of the last one", async (site) => {
  const visitor = site.visitor();
  await visitor.with(async (session) => {
    await session.login("leo");
    session.set("x", "leo's");
    await session.logout();
    assert.deepEqual([session.loggedIn, session.id, session.keys()], [false, undefined, []]);
    await session.login("ada");
    session.set("y", "ada's");
  });
  assert.equal(visitor.last.headers.getSetCookie().length, 1);
  assert.deepEqual(await visitor.with((session) => [session.subject, session.entries()]), [
    "ada",
    [["y", "ada's"]],
  ]);
  assert.deepEqual(await site.sessions.list("leo"), []);
});

testOnStores(
  "two logins at once on one session: both browsers end up logged in, in sessions of their own",
  async (site) => {
    const visitor = site.visitor();
    await visitor.with((session) => session.set("x", 1));
    const cookie = visitor.jar.header("https://site.example/");
    const both = [site.visitor(), site.visitor()];
    await Promise.all(
      both.map((each, at) => each.with((session) => session.login(`user-${at}`), { cookie })),
    );
    const subjects = [];
    for (const each of both) subjects.push(await each.subject());
    assert.deepEqual(subjects, ["user-0", "user-1"]);
    assert.notEqual(both[0]?.ticket?.slice(0, 22), both[1]?.ticket?.slice(0, 22));
  },
);

test("[93] a subject is a string of 1 to 255 characters, and nothing is coerced to one", async (t) => {
  const site = new Site(t);
  await site.visitor().with(async (session) => {
    for (const subject of [
      "",
      "x".repeat(256),
      "a\nb",
      "a\0",
      "\ud800",
      5,
      5n,
      null,
      undefined,
      {},
      ["leo"],
      true,
    ]) {
      await assert.rejects(session.login(subject as string), {
        name: "MisuseError",
        code: "SUBJECT_INVALID",
      });
    }
    await assert.rejects(session.login(5 as unknown as string), { message: /String\(id\)/ });
    assert.equal(session.loggedIn, false);
    await session.login("x".repeat(255));
    await session.login("ü 🙂 ' OR 1=1; --");
    assert.equal(session.subject, "ü 🙂 ' OR 1=1; --");
  });
  assert.equal((await site.sessions.list("ü 🙂 ' OR 1=1; --")).length, 1);
});
