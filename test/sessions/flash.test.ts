import assert from "node:assert/strict";
import { test } from "node:test";
import { Site, testEverywhere, testOnStores } from "../support/site.ts";
import type { Visitor } from "../support/site.ts";
import { collectEvents } from "../support/events.ts";
import { tampered } from "../support/store-calls.ts";

async function waiting(visitor: Visitor): Promise<string[]> {
  return visitor.with((session) => session.peekFlashes().map(({ message }) => message));
}

testEverywhere("[74] a message is shown once: on the page that takes it, and on no other", async (site) => {
  const visitor = site.visitor();
  await visitor.with((session) => session.flash("saved", "success"), { status: 303 });
  assert.deepEqual(await visitor.with((session) => session.takeFlashes()), [
    { message: "saved", category: "success" },
  ]);
  assert.equal(visitor.last.headers.get("cache-control"), "no-store");
  assert.deepEqual(await visitor.with((session) => session.takeFlashes()), []);
});

testEverywhere("[74] of fifty pages that take at once, one shows each message", async (site) => {
  const visitor = site.visitor();
  await visitor.with((session) => {
    for (let at = 0; at < 5; at++) session.flash(`message ${at}`);
  });
  const cookie = visitor.jar.header("https://site.example/");
  const pages = await Promise.all(
    Array.from({ length: 50 }, () => site.visitor().with((session) => session.takeFlashes(), { cookie })),
  );
  const shown = pages.flat().map(({ message }) => message);
  assert.deepEqual(shown.toSorted(), ["message 0", "message 1", "message 2", "message 3", "message 4"]);
});

for (const [what, visit] of Object.entries({
  "answers a redirect": { status: 302 },
  "answers 304": { status: 304 },
  "answers 500": { status: 500 },
  "answers 503": { status: 503 },
})) {
  testEverywhere(`[74] messages taken by a page that ${what} come back, as they were`, async (site) => {
    const visitor = site.visitor();
    await visitor.with((session) => {
      session.flash("one", "a");
      session.flash("two", "b");
    });
    assert.equal((await visitor.with((session) => session.takeFlashes(), visit)).length, 2);
    assert.deepEqual(await visitor.with((session) => session.takeFlashes()), [
      { message: "one", category: "a" },
      { message: "two", category: "b" },
    ]);
  });
}

testEverywhere(
  "[74] messages taken by a page that throws, or whose data can't be kept, come back",
  async (site) => {
    const visitor = site.visitor();
    await visitor.with((session) => {
      session.set("x", { a: 1 as unknown });
      session.flash("hello");
    });
    await assert.rejects(
      visitor.with(async (session) => {
        await session.takeFlashes();
        throw new Error("on purpose");
      }),
    );
    assert.deepEqual(await waiting(visitor), ["hello"]);
    await visitor.with(async (session) => {
      await session.takeFlashes();
      (session.get("x") as { a: unknown }).a = () => {};
    });
    assert.equal(visitor.last.status, 500);
    assert.deepEqual(await waiting(visitor), ["hello"]);
  },
);

testEverywhere(
  "[74] messages taken before a re-authentication, or before the store is asked again, come back from a redirect, too",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    await visitor.with((session) => session.flash("hello"));
    await visitor.with(
      async (session) => {
        await session.takeFlashes();
        await session.login("leo");
      },
      { status: 302 },
    );
    assert.deepEqual(await waiting(visitor), ["hello"]);
    await visitor.send(async (at) => {
      await (await site.sessions.of(at)).takeFlashes();
      await site.sessions.of(at, { authoritative: true });
      return new Response(null, { status: 304 });
    });
    assert.deepEqual(await waiting(visitor), ["hello"]);
    // To another person they never come back.
    await visitor.with(
      async (session) => {
        await session.takeFlashes();
        await session.login("ada");
      },
      { status: 302 },
    );
    assert.deepEqual(await waiting(visitor), []);
  },
);

for (const [what, visit] of Object.entries({
  HEAD: { method: "HEAD" },
  "a prefetch (Sec-Purpose)": { headers: { "sec-purpose": "prefetch" } },
  "a prerender": { headers: { "sec-purpose": "prefetch;prerender" } },
  "a prefetch (Purpose)": { headers: { purpose: "prefetch" } },
  "a preview (X-Moz)": { headers: { "x-moz": "prefetch" } },
  "a prefetch over Chromium's proxy": { headers: { "sec-purpose": "prefetch;anonymous-client-ip" } },
  "a link under the pointer (Turbo 8)": { headers: { "x-sec-purpose": "prefetch" } },
  "a preview (X-Purpose, Safari)": { headers: { "x-purpose": "preview" } },
  "a preload of htmx": { headers: { "hx-request": "true", "hx-preloaded": "true" } },
  "a prefetch of Next.js": { headers: { rsc: "1", "next-router-prefetch": "1" } },
  "a prefetch of a part of a page in Next.js": { headers: { "next-router-segment-prefetch": "/_tree" } },
  "a prefetch of Next.js' older router": { headers: { "x-middleware-prefetch": "1" } },
  "one of several headers that says so": {
    headers: { "sec-purpose": "", purpose: "x", "x-moz": "prefetch" },
  },
})) {
  testEverywhere(`[74][65] ${what} takes no message, and writes nothing`, async (site) => {
    const visitor = site.visitor();
    await visitor.with((session) => session.flash("hello"));
    site.probe.calls.length = 0;
    assert.deepEqual(await visitor.with((session) => session.takeFlashes(), visit), []);
    assert.equal(site.probe.count("patch"), 0);
    assert.deepEqual(await waiting(visitor), ["hello"]);
  });
}

testEverywhere(
  "messages survive a chain of redirects, and come in the order they were given",
  async (site) => {
    const visitor = site.visitor();
    for (const message of ["first", "second", "third"]) {
      await visitor.with((session) => session.flash(message), { status: 302 });
    }
    const shown = await visitor.with((session) => {
      session.flash("fourth");
      return session.takeFlashes();
    });
    assert.deepEqual(
      shown.map(({ message }) => message),
      ["first", "second", "third", "fourth"],
    );
    assert.deepEqual(await waiting(visitor), []);
  },
);

testOnStores("a category is taken exactly, one or several, and the others wait", async (site) => {
  const visitor = site.visitor();
  await visitor.with((session) => {
    session.flash("m");
    session.flash("e", "error");
    session.flash("E", "Error");
    session.flash("er", "errors");
    session.flash("s", "success");
  });
  const take = (category: string | string[]) =>
    visitor.with(async (session) => (await session.takeFlashes({ category })).map(({ message }) => message));
  assert.deepEqual(await visitor.with((session) => session.peekFlashes({ category: "error" })), [
    { message: "e", category: "error" },
  ]);
  assert.deepEqual(await take([]), []);
  assert.deepEqual(await take("error"), ["e"]);
  assert.deepEqual(await take(["message", "success", "none"]), ["m", "s"]);
  assert.deepEqual(await waiting(visitor), ["E", "er"]);
});

testOnStores("two requests at once that flash both leave their message", async (site) => {
  const visitor = site.visitor();
  await visitor.with((session) => session.set("x", 1));
  await Promise.all(["a", "b", "c"].map((message) => visitor.with((session) => session.flash(message))));
  assert.deepEqual((await waiting(visitor)).toSorted(), ["a", "b", "c"]);
});

testEverywhere(
  "after a logout a message begins a session of its own, and nothing else does",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    const before = visitor.ticket;
    await visitor.with(async (session) => {
      session.flash("never shown");
      await session.logout();
      assert.throws(() => session.set("x", 1), { code: "AFTER_LOGOUT" });
      assert.throws(() => session.delete("x"), { code: "AFTER_LOGOUT" });
      assert.throws(() => (session.permanent = true), { code: "AFTER_LOGOUT" });
      await assert.rejects(
        session.update("x", () => 1),
        { code: "AFTER_LOGOUT" },
      );
      await assert.rejects(session.rotate(), { code: "AFTER_LOGOUT" });
      session.flash("You are logged out.");
    });
    assert.equal(visitor.last.headers.getSetCookie().length, 1);
    assert.notEqual(visitor.ticket, undefined);
    assert.notEqual(visitor.ticket?.slice(0, 22), before?.slice(0, 22));
    assert.deepEqual(await waiting(visitor), ["You are logged out."]);
    assert.equal(await visitor.subject(), undefined);
  },
);

/** The names of messages with these numbers. */
function named(name: string, from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, at) => `${name} ${from + at}`);
}

testOnStores(
  "[78] an endpoint may flash on each of any number of calls: the newest messages wait",
  async (site, t) => {
    const events = collectEvents(t);
    const visitor = site.visitor();
    await visitor.login("leo");
    for (let at = 0; at < 100; at++) {
      await visitor.with((session) => session.flash(`message ${at}`));
      assert.equal(visitor.last.status, 200);
    }
    const id = await visitor.with((session) => session.id);
    assert.deepEqual(
      events.filter(({ type }) => type === "flashes-dropped"),
      Array.from({ length: 68 }, () => ({
        type: "flashes-dropped",
        id,
        count: 1,
        cookie: "__Host-Http-session",
      })),
    );
    assert.deepEqual(await waiting(visitor), named("message", 68, 100));
    assert.equal((await visitor.with((session) => session.takeFlashes())).length, 32);
    assert.deepEqual(await waiting(visitor), []);
  },
);

for (const isBegun of [false, true]) {
  const where = isBegun ? "in a session" : "before there is a session";
  testOnStores(`[78] of too many messages of one request ${where} the newest wait`, async (site, t) => {
    const events = collectEvents(t);
    const visitor = site.visitor();
    if (isBegun) await visitor.login("leo");
    await visitor.with((session) => {
      for (const message of named("message", 0, 1000)) session.flash(message);
      assert.deepEqual(
        session.peekFlashes().map(({ message }) => message),
        named("message", 968, 1000),
      );
    });
    assert.equal(visitor.last.status, 200);
    assert.deepEqual(
      events.flatMap((event) => (event.type === "flashes-dropped" ? event.count : [])),
      [968],
    );
    assert.deepEqual(await waiting(visitor), named("message", 968, 1000));
  });
}

testOnStores(
  "[78] a page that flashes and shows shows what the next page would have shown",
  async (site, t) => {
    const visitor = site.visitor();
    const flash = (name: string, count: number): Promise<void> =>
      visitor.with((session) => named(name, 0, count).forEach((message) => session.flash(message)));
    await flash("old", 30);
    for (const status of [500, 302, 200]) {
      const events = collectEvents(t);
      const shown = await visitor.with(
        (session) => {
          for (const message of named("new", 0, 10)) session.flash(message);
          return session.takeFlashes();
        },
        { status },
      );
      const wanted = [...named("old", 8, 30), ...named("new", 0, 10)];
      assert.deepEqual(
        shown.map(({ message }) => message),
        wanted,
      );
      const dropped = events.flatMap((event) => (event.type === "flashes-dropped" ? event.count : []));
      // A page that failed has done nothing.
      assert.deepEqual(dropped, status === 500 ? [] : [8], `${status}`);
      assert.deepEqual(
        await waiting(visitor),
        status === 500 ? named("old", 0, 30) : status === 302 ? wanted : [],
      );
      if (status === 302) {
        await visitor.with((session) => session.takeFlashes());
        await flash("old", 30);
      }
    }
  },
);

testOnStores(
  "[78] messages that wait under a wider limit are shown, until others are added",
  async (site) => {
    const visitor = site.visitor();
    await visitor.with((session) => named("message", 0, 32).forEach((message) => session.flash(message)));
    const narrow = site.visitor(site.sessionsWith({ limits: { flashes: 3 } }));
    narrow.jar.plant("__Host-Http-session", visitor.ticket ?? "");
    assert.equal((await waiting(narrow)).length, 32);
    await narrow.with((session) => session.flash("one more"));
    assert.deepEqual(await waiting(narrow), ["message 30", "message 31", "one more"]);
  },
);

testOnStores("[78] a message that is too long is refused with the session intact", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  await visitor.with((session) => {
    session.set("x", 1);
    session.flash("x".repeat(2000), "c".repeat(2000));
    assert.throws(() => session.flash("x".repeat(2001)), { name: "LimitError", code: "FLASH_TOO_LONG" });
    assert.throws(() => session.flash("x", "c".repeat(2001)), { code: "FLASH_TOO_LONG" });
  });
  assert.deepEqual(await visitor.with((session) => [session.subject, session.get("x")]), ["leo", 1]);
  assert.equal((await visitor.with((session) => session.takeFlashes())).length, 1);
});

test("[75][93] a message is text as it was given, and nothing but text is one", async (t) => {
  const visitor = new Site(t).visitor();
  const markup = "<img src=x onerror=alert(1)>&\"'\r\n\0ü🙂";
  await visitor.with((session) => session.flash(markup, "<b>"), {
    url: "https://site.example/?flash=planted&category=x",
  });
  assert.deepEqual(await visitor.with((session) => session.takeFlashes()), [
    { message: markup, category: "<b>" },
  ]);
  await visitor.with((session) => {
    for (const odd of [undefined, null, 5, {}, ["a"], "\ud800"]) {
      assert.throws(() => session.flash(odd as string), { code: "VALUE_NOT_STORABLE" });
      if (odd !== undefined)
        assert.throws(() => session.flash("x", odd as string), { code: "VALUE_NOT_STORABLE" });
    }
  });
});

test("a message that can't be read goes with the first that is taken, and is shown to nobody", async (t) => {
  const site = new Site(t, { store: "memory" });
  const visitor = site.visitor();
  await visitor.with((session) => session.flash("good"));
  site.probe.around = tampered((record) => ({
    ...record,
    fields: new Map([
      ...record.fields,
      ["f:0", Buffer.from("[1]")],
      ["f:1", Buffer.from("{}")],
      ["f:2", Buffer.from("x")],
    ]),
  }));
  assert.deepEqual(await visitor.with((session) => session.takeFlashes()), [
    { message: "good", category: "message" },
  ]);
});
