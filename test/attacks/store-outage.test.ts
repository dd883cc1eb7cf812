import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { StoreError } from "coatcheck";
import { collectEvents } from "../support/events.ts";
import { home, testEverywhere, testOnStores } from "../support/site.ts";
import { precededBy, untouched } from "../support/store-calls.ts";

testEverywhere(
  "[107] when the store is down, the answer is 503, nobody is logged in, and the cookie stays",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    const ticket = visitor.ticket;
    site.probe.around = precededBy(() => {
      throw new Error("down");
    });
    for (const method of ["GET", "POST", "HEAD"]) {
      const response = await visitor.send(
        async (at) => {
          const session = await site.sessions.of(at);
          return new Response(`hello ${session.subject}`);
        },
        { method },
      );
      assert.equal(response.status, 503);
      assert.equal(response.headers.get("retry-after"), "5");
      assert.deepEqual(response.headers.getSetCookie(), []);
      assert.match(response.headers.get("cache-control") ?? "", /no-store/);
      assert.doesNotMatch(await response.text(), /hello|leo/);
    }
    assert.equal(visitor.ticket, ticket);
    // A page that needs no session is not touched by the outage.
    assert.equal((await visitor.send(() => new Response("public"))).status, 200);
    site.probe.around = untouched;
    assert.equal(await visitor.subject(), "leo");
  },
);

testEverywhere("[107] an app may catch the failure and show a page to nobody in particular", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  site.probe.around = precededBy(() => {
    throw new Error("down");
  });
  const response = await visitor.send(async (at) => {
    const session = await site.sessions.of(at).catch((error: unknown) => {
      assert.ok(error instanceof StoreError);
      return undefined;
    });
    return new Response(session === undefined ? "welcome" : "never");
  });
  assert.equal(await response.text(), "welcome");
  assert.deepEqual(response.headers.getSetCookie(), []);
});

testEverywhere(
  "[35][107] a login that the store did not take is no success, and sets no cookie",
  async (site) => {
    const [newcomer, returning] = [site.visitor(), site.visitor()];
    await returning.with((session) => session.set("x", 1));
    const ticket = returning.ticket;
    site.probe.around = precededBy(({ operation }) => {
      if (operation === "create" || operation === "patch") throw new Error("full");
    });
    for (const visitor of [newcomer, returning]) {
      await assert.rejects(visitor.login("leo"), { name: "StoreError" });
      assert.equal(visitor.last.status, 503);
      assert.deepEqual(visitor.last.headers.getSetCookie(), []);
    }
    site.probe.around = untouched;
    assert.equal(returning.ticket, ticket);
    assert.deepEqual(await returning.with((session) => [session.subject, session.get("x")]), [undefined, 1]);
    assert.deepEqual(await site.sessions.list("leo"), []);
  },
);

testEverywhere(
  "[82][107] data that the store did not take is no success: the page is not sent",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    site.probe.around = precededBy(({ operation }) => {
      if (operation === "patch") throw new Error("full");
    });
    const response = await visitor.send(async (at) => {
      (await site.sessions.of(at)).set("x", 1);
      return new Response("saved");
    });
    assert.equal(response.status, 503);
    assert.notEqual(await response.text(), "saved");
  },
);

testEverywhere("[82] a response leaves only when its data is written", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  const gate = Promise.withResolvers<void>();
  site.probe.around = precededBy(({ operation }) => (operation === "patch" ? gate.promise : undefined));
  let answered = false;
  const page = visitor.with((session) => session.set("x", 1)).then(() => (answered = true));
  for (let turns = 0; turns < 10; turns++) await turn();
  assert.equal(answered, false);
  gate.resolve();
  await page;
  site.probe.around = untouched;
  assert.equal(await visitor.with((session) => session.get("x")), 1);
});

testEverywhere(
  "[108] a store that never answers does not hang a request beyond the deadline",
  async (site, t) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    const events = collectEvents(t);
    site.probe.around = precededBy(() => new Promise(() => {}));
    const response = visitor.send(async (at) => new Response((await site.sessions.of(at)).subject));
    let answered = false;
    void response.then(() => (answered = true));
    for (let turns = 0; turns < 5; turns++) await turn();
    site.clock.advance(1999);
    for (let turns = 0; turns < 5; turns++) await turn();
    assert.equal(answered, false);
    site.clock.advance(1);
    for (let turns = 0; turns < 5; turns++) await turn();
    assert.equal(answered, true, "there is an end to its patience");
    assert.equal((await response).status, 503);
    assert.ok(events.some((event) => event.type === "store-failed" && event.code === "STORE_TIMEOUT"));
    site.probe.around = untouched;
    assert.equal(await visitor.subject(), "leo");
  },
);

testOnStores(
  "[109] no failure in the background ends the process or fails a page: touch, sweep, late answers",
  async (site) => {
    const failures: unknown[] = [];
    const listener = (reason: unknown): void => void failures.push(reason);
    process.on("unhandledRejection", listener);
    try {
      const visitor = site.visitor();
      await visitor.login("leo");
      // The touch fails.
      site.clock.advance(5 * 60_000);
      site.probe.around = precededBy(({ operation }) => {
        if (operation === "patch" || operation === "sweep") throw new Error("down");
      });
      assert.equal(await visitor.subject(), "leo");
      assert.equal(visitor.last.status, 200);
      // The sweep that a creation starts fails.
      site.clock.advance(11 * 60_000);
      site.probe.calls.length = 0;
      await site.visitor().login("ada");
      assert.equal(site.probe.count("sweep"), 1);
      // An answer that comes after its deadline fails.
      const late = Promise.withResolvers<void>();
      site.probe.around = precededBy(({ operation }) => (operation === "read" ? late.promise : undefined));
      const page = visitor.send(async (at) => new Response((await site.sessions.of(at)).subject));
      for (let turns = 0; turns < 5; turns++) await turn();
      site.clock.advance(2000);
      assert.equal((await page).status, 503);
      late.reject(new Error("too late"));
      for (let turns = 0; turns < 5; turns++) await turn();
      assert.deepEqual(failures, []);
    } finally {
      process.off("unhandledRejection", listener);
    }
  },
);

testOnStores("[110] a store that comes back is used again at once", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  for (let round = 0; round < 20; round++) {
    site.probe.around = precededBy(() => {
      throw new Error("down");
    });
    const down = await visitor.send(async (at) => new Response((await site.sessions.of(at)).subject));
    assert.equal(down.status, 503);
    site.probe.around = untouched;
    await visitor.with((session) => session.set("round", round));
    assert.equal(await visitor.with((session) => session.get("round")), round);
  }
});

testOnStores(
  "[101] reading never creates: strangers, unknown, malformed and expired cookies cost one read at most",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    const expired = visitor.jar.header(home);
    site.clock.advance(2 * 3_600_000);
    await site.sessions.sweep();
    site.probe.calls.length = 0;
    for (let round = 0; round < 500; round++) {
      for (const cookie of [
        undefined,
        "__Host-Http-session=x",
        `__Host-Http-session=${"A".repeat(22)}.${"A".repeat(43)}.${"A".repeat(22)}`,
      ]) {
        await site.visitor().with(
          async (session) => {
            session.get("x");
            session.delete("x");
            session.clear();
            await session.takeFlashes();
            session.permanent = true;
          },
          { cookie },
        );
      }
    }
    assert.deepEqual(site.probe.calls, []);
    await site.visitor().with((session) => session.get("x"), { cookie: expired });
    assert.deepEqual(
      site.probe.calls.map(({ operation }) => operation),
      ["read"],
    );
    assert.deepEqual(await site.probe.records(), []);
  },
);

testOnStores(
  "[81] what reading costs: nothing untouched, one read when read, one write for a login, a read and a patch for a flash",
  async (site) => {
    const visitor = site.visitor();
    const cost = async (use: () => Promise<unknown>): Promise<string[]> => {
      site.probe.calls.length = 0;
      await use();
      return site.probe.calls.map(({ operation }) => operation);
    };
    assert.deepEqual(await cost(() => visitor.send(() => new Response())), []);
    assert.deepEqual(await cost(() => visitor.login("leo")), ["create"]);
    assert.deepEqual(await cost(() => visitor.send(() => new Response())), []);
    assert.deepEqual([...visitor.last.headers.keys()], []);
    assert.deepEqual(await cost(() => visitor.with((session) => session.get("x"))), ["read"]);
    assert.deepEqual(await cost(() => visitor.login("leo")), ["read", "patch"]);
    assert.deepEqual(await cost(() => visitor.with((session) => session.set("x", 1))), ["read", "patch"]);
    assert.deepEqual(await cost(() => visitor.with((session) => session.flash("hello"))), ["read", "patch"]);
    site.clock.advance(5 * 60_000);
    assert.deepEqual(await cost(() => visitor.with((session) => session.takeFlashes())), ["read", "patch"]);
    assert.deepEqual(await cost(() => visitor.with((session) => session.logout())), ["read", "patch"]);
  },
);
