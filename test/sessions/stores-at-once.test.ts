import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret, StoreError } from "coatcheck";
import type { Session, Sessions, Store } from "coatcheck";
import type { Patch } from "coatcheck/store";
import { memoryStore } from "coatcheck/memory";
import { CookieJar, testClock } from "coatcheck/testing";
import type { TestClock } from "coatcheck/testing";
import { loud } from "../support/loud.ts";
import { exchangesOf } from "coatcheck/adapter";

// The memory store answers in the call. What the core does with it is done in the call, too: nothing is put off that
// need not wait, and failures take the same way as those that come later.

interface Place {
  readonly sessions: Sessions;
  readonly clock: TestClock;
  /** Which patches the store refuses. */
  refuses: (patch: Patch) => boolean;
  readonly store: Store;
  /** The visitor's next request. */
  readonly request: () => Request;
  /** Lets a handler run. @returns its response's status. */
  readonly visit: (action: (session: Session) => unknown) => Promise<number>;
  /** What another visit of the same visitor finds. */
  readonly find: (key: string) => Promise<unknown>;
}

function place(): Place {
  const store = memoryStore();
  const apply = store.patch.bind(store);
  store.patch = (id, patch, now) => {
    if (made.refuses(patch)) throw down;
    return apply(id, patch, now);
  };
  const clock = testClock();
  const sessions = createSessions({ secret: generateSecret(), store, clock });
  const jar = new CookieJar();
  const request = (): Request =>
    new Request("http://localhost/", { headers: jar.header === undefined ? {} : { cookie: jar.header } });
  const made: Place = {
    sessions,
    clock,
    store,
    request,
    refuses: () => false,
    async visit(action) {
      const asked = request();
      const response = await sessions.handle(
        asked,
        async () => {
          await action(await sessions.of(asked));
          return new Response();
        },
        loud,
      );
      jar.take(response);
      return response.status;
    },
    async find(key) {
      let found: unknown;
      await made.visit((session) => {
        found = session.get(key);
      });
      return found;
    },
  };
  return made;
}

const minute = 60_000;
const down = new StoreError("STORE_UNAVAILABLE", "patch", "It is down.", { transient: true });

test("an update is in the store when its call returns, and not only when it is awaited", async () => {
  const { visit, store, clock } = place();
  await visit((session) => session.set("count", 1));
  await visit((session) => {
    const { id = "" } = session;
    void session.update("count", (count) => Number(count) + 1);
    const record = store.read(id, clock.now());
    assert.ok(record !== null && "fields" in record);
    assert.equal(Buffer.from(record.fields.get("d:count") ?? []).toString(), "2");
  });
});

test("a response whose data is written at once waits for nothing", async () => {
  const { sessions, visit, request, find } = place();
  await visit((session) => session.set("a", 1));
  const asked = request();
  const incoming = { method: "GET", header: (name: string) => asked.headers.get(name) };
  const exchange = exchangesOf(sessions).begin(incoming, [asked]);
  const session = await sessions.of(asked);
  session.set("a", 2);
  session.set("b", "new");
  const settled = exchange.commit({ status: 200 });
  assert.ok("headers" in settled, "no promise");
  assert.deepEqual([await find("a"), await find("b")], [2, "new"]);
});

test("calls that are not awaited take effect in their order", async () => {
  const here = place();
  await here.visit((session) => session.set("log", ""));
  await here.visit((session) => {
    for (const letter of "abc") void session.update("log", (log) => `${String(log)}${letter}`);
    void session.rotate();
    void session.update("log", (log) => `${String(log)}d`);
  });
  assert.equal(await here.find("log"), "abcd");
});

test("a message that follows a logout is shown, awaited or not", async () => {
  const { visit } = place();
  await visit((session) => session.login("ana"));
  await visit((session) => {
    session.flash("from before");
    void session.logout();
    session.flash("bye");
  });
  await visit(async (session) => {
    assert.deepEqual(await session.takeFlashes(), [{ message: "bye", category: "message" }]);
  });
});

test("what is changed inside an object after the call of a login counts, awaited or not", async () => {
  const { visit, find } = place();
  await visit(async (session) => {
    await session.login("ana");
    session.set("o", { n: 1 });
  });
  await visit((session) => {
    const o = session.get("o");
    assert.ok(typeof o === "object" && o !== null);
    void session.login("ana");
    Object.assign(o, { n: 2 });
  });
  assert.deepEqual(await find("o"), { n: 2 });
});

test("an update that the store refuses is a rejected promise, and the next one goes on", async () => {
  const here = place();
  await here.visit((session) => session.set("count", 1));
  const status = await here.visit(async (session) => {
    here.refuses = () => true;
    await assert.rejects(
      session.update("count", () => 5),
      { code: "STORE_UNAVAILABLE" },
    );
    here.refuses = () => false;
    assert.equal(await session.update("count", (count) => Number(count) + 1), 2);
  });
  assert.equal(status, 200);
  assert.equal(await here.find("count"), 2);
});

test("an update whose function throws is a rejected promise", async () => {
  const here = place();
  await here.visit((session) => session.set("count", 1));
  await here.visit(async (session) => {
    const thrown = new Error("not today");
    await assert.rejects(
      session.update("count", () => {
        throw thrown;
      }),
      thrown,
    );
  });
  assert.equal(await here.find("count"), 1);
});

test("a page whose data the store refuses is a 503, and gives its messages back", async () => {
  const here = place();
  await here.visit((session) => session.flash("hello"));
  here.refuses = (patch) => patch.set?.has("d:a") === true;
  const status = await here.visit(async (session) => {
    await session.takeFlashes();
    session.set("a", 1);
  });
  assert.equal(status, 503);
  assert.equal(await here.find("a"), undefined);
  await here.visit(async (session) => {
    assert.deepEqual(await session.takeFlashes(), [{ message: "hello", category: "message" }]);
  });
});

test("an idle clock that the store refuses to move costs nobody their page", async () => {
  const here = place();
  await here.visit((session) => session.set("a", 1));
  here.clock.advance(5 * minute);
  here.refuses = () => true;
  assert.equal(await here.visit((session) => session.get("a")), 200);
});

test("an update moves the idle clock when that is due, in its own patch", async () => {
  const here = place();
  await here.visit((session) => session.set("count", 1));
  here.clock.advance(5 * minute);
  await here.visit(async (session) => {
    await session.update("count", (count) => Number(count) + 1);
    assert.equal(session.lastSeenAt?.getTime(), here.clock.now());
    here.refuses = () => true;
  });
  assert.equal(await here.find("count"), 2);
});
