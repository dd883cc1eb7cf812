// coatcheck/next against a stand-in for Next.js: what a browser can't see, such as the number of store calls.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { nextSessions } from "coatcheck/next";
import { probeStore, testClock } from "coatcheck/testing";

interface Data {
  readonly a: string;
  readonly list: string[];
}

/** How Next.js says that a handler ended on purpose. */
function ending(digest: string): Error {
  return Object.assign(new Error("an ending"), { digest });
}

/** A `sessions` object, and a request of one visitor after the other as Next.js would show them. */
function site() {
  const clock = testClock();
  const probe = probeStore(memoryStore());
  const sessions = createSessions<Data>({ secret: generateSecret(), store: probe.store, clock });
  const jar = new Map<string, string>();
  const sent: { name: string; value: string; attributes: object }[] = [];
  let head = new Headers();
  const cookies = async () => ({
    getAll: () => Array.from(jar, ([name, value]) => ({ name, value })),
    set(name: string, value: string, attributes: { readonly maxAge?: number }) {
      sent.push({ name, value, attributes });
      if (attributes.maxAge === 0) jar.delete(name);
      else jar.set(name, value);
    },
  });
  const redirect = (path: string): never => {
    throw ending(`NEXT_REDIRECT;replace;${path};307;`);
  };
  /** The browser sends the next request. */
  const request = (
    headers: Record<string, string> = {},
    cookie = Array.from(jar, ([name, value]) => `${name}=${value}`).join("; "),
  ): void => {
    head = new Headers(headers);
    if (cookie !== "") head.set("cookie", cookie);
    sent.length = 0;
    probe.calls.length = 0;
  };
  const refreshed: string[] = [];
  const refresh = (): void => void refreshed.push("page");
  const next = nextSessions(sessions, { cookies, headers: async () => head, redirect, refresh });
  return { refreshed, clock, probe, sessions, jar, sent, request, ...next };
}

/** A site whose visitor is logged in. */
async function visited() {
  const it = site();
  await it.action(async () => {
    const session = await it.sessions.current();
    await session.login("ana");
    session.set("a", "A");
    session.set("list", ["one"]);
  })();
  it.request();
  return it;
}

const operations = (it: ReturnType<typeof site>): string[] =>
  it.probe.calls.map(({ operation }) => operation);

test("a request's components share one read of the store, and the next request has its own", async () => {
  const it = await visited();
  const [one, other] = await Promise.all([it.read(), it.read()]);
  assert.equal(one.get("a"), "A");
  assert.equal(other.subject, "ana");
  assert.deepEqual(operations(it), ["read"]);
  it.request();
  await it.read();
  assert.deepEqual(operations(it), ["read"]);
  assert.deepEqual(it.sent, []);
});

test("a visitor without a ticket costs a component nothing", async () => {
  const it = site();
  assert.equal((await it.read()).subject, undefined);
  assert.deepEqual(operations(it), []);
});

test("after a login in the same request components see who it is", async () => {
  const it = site();
  assert.equal((await it.read()).subject, undefined);
  await it.action(async () => (await it.sessions.current()).login("ana"))();
  assert.equal((await it.read()).subject, "ana");
});

test("what was read before an action of the same request is read again after it", async () => {
  const it = await visited();
  assert.equal((await it.read()).get("a"), "A");
  await it.action(async () => (await it.sessions.current()).set("a", "changed"))();
  assert.equal((await it.read()).get("a"), "changed");
});

test("looking at pages keeps a session alive, without a cookie", async () => {
  const it = await visited();
  for (let hour = 0; hour < 4; hour++) {
    it.clock.advance(50 * 60_000);
    it.request();
    assert.equal((await it.read()).subject, "ana", `after visit ${hour}`);
    assert.deepEqual(operations(it), ["read", "patch"]);
  }
  assert.deepEqual(it.sent, []);
});

test("a permanent session's cookie waits for what can send it: an action, a route handler or the proxy", async () => {
  const it = await visited();
  await it.action(async () => ((await it.sessions.current()).permanent = true))();
  for (let day = 0; day < 3; day++) {
    it.clock.advance(86_400_000);
    it.request();
    assert.equal((await it.read()).subject, "ana");
    await (await it.read()).takeFlashes();
    // The idle clock waits, too: the session would outlive its cookie.
    assert.deepEqual(operations(it), ["read"]);
  }
  it.request();
  await it.action(async () => (await it.sessions.current()).get("a"))();
  assert.deepEqual(operations(it), ["read", "patch"]);
  assert.deepEqual(
    it.sent.map(({ attributes }) => Reflect.get(attributes, "maxAge")),
    [31 * 86_400],
  );
});

test("a component can change nothing, not even inside of a value", async () => {
  const it = await visited();
  const session = await it.read();
  for (const write of ["set", "delete", "clear", "update", "flash", "login", "logout", "rotate"]) {
    assert.throws(() => Reflect.apply(Reflect.get(session, write), session, ["a", "b"]), {
      code: "AFTER_RESPONSE",
    });
  }
  assert.throws(() => Reflect.set(session, "permanent", true), { code: "AFTER_RESPONSE" });
  assert.throws(() => session.get("list")?.push("two"), TypeError);
  assert.deepEqual(operations(it), ["read"]);
});

test("a component takes messages once, and asks the store only where some wait", async () => {
  const it = await visited();
  await it.action(async () => (await it.sessions.current()).flash("hello"))();
  it.request();
  const session = await it.read();
  assert.deepEqual(
    (await session.takeFlashes()).map(({ message }) => message),
    ["hello"],
  );
  it.request();
  assert.deepEqual(await (await it.read()).takeFlashes(), []);
  assert.deepEqual(operations(it), ["read"]);
});

test("an action that calls another shares its session with it", async () => {
  const it = await visited();
  const inner = it.action(async () => (await it.sessions.current()).set("a", "inner"));
  const seen = await it.action(async () => {
    await inner();
    const readable = await it.read();
    assert.throws(() => Reflect.apply(Reflect.get(readable, "set"), readable, ["a", "b"]));
    return readable.get("a");
  })();
  assert.equal(seen, "inner");
  assert.deepEqual(operations(it), ["read", "patch"]);
});

test("an action commits when it returns, redirects or says that there is nothing, and not when it throws", async () => {
  for (const { error, isKept } of [
    { error: undefined, isKept: true },
    { error: ending("NEXT_REDIRECT;push;/;307;"), isKept: true },
    { error: ending("NEXT_HTTP_ERROR_FALLBACK;404"), isKept: true },
    { error: new Error("meant to fail"), isKept: false },
    { error: ending("1234567"), isKept: false },
  ]) {
    const it = await visited();
    const work = it.action(async () => {
      (await it.sessions.current()).set("a", "changed");
      if (error !== undefined) throw error;
    });
    if (error === undefined) await work();
    else await assert.rejects(work(), error);
    it.request();
    assert.equal((await it.read()).get("a"), isKept ? "changed" : "A", error?.message ?? "returned");
  }
});

test("an action's page is shown again when the action used the session and returned", async () => {
  const it = await visited();
  it.refreshed.length = 0;
  await it.action(async () => "nothing")();
  await assert.rejects(
    it.action(async () => {
      await it.sessions.current();
      throw ending("NEXT_REDIRECT;push;/;307;");
    })(),
  );
  assert.deepEqual(it.refreshed, []);
  await it.action(async () => (await it.sessions.current()).set("a", "changed"))();
  assert.deepEqual(it.refreshed, ["page"]);
});

test("an action whose commit fails throws, whatever it returned", async () => {
  const it = await visited();
  it.probe.around = async (call, run) => {
    if (call.operation === "patch") throw new Error("the store is down");
    return run();
  };
  const work = it.action(async () => {
    (await it.sessions.current()).set("a", "lost");
    return "done";
  });
  await assert.rejects(work(), { name: "StoreError" });
  assert.deepEqual(it.sent, []);
});

test("a logout clears the cookie, also when the action fails afterwards", async () => {
  const it = await visited();
  const work = it.action(async () => {
    await (await it.sessions.current()).logout();
    throw new Error("meant to fail");
  });
  await assert.rejects(work(), /meant to fail/);
  assert.equal(it.jar.size, 0);
  assert.deepEqual(
    it.sent.map(({ name, attributes }) => [name, Reflect.get(attributes, "maxAge")]),
    [["__Host-Http-session", 0]],
  );
});

test("a session that is kept beyond its action refuses to be written", async () => {
  const it = await visited();
  const session = await it.action(async () => it.sessions.current())();
  assert.throws(() => session.set("a", "late"), { code: "AFTER_RESPONSE" });
});

test("an action called from another site does nothing", async () => {
  const it = await visited();
  it.request({ "sec-fetch-site": "cross-site", origin: "https://elsewhere.example" });
  let ran = false;
  const work = it.action(async () => {
    ran = true;
  });
  await assert.rejects(work(), /another site/);
  assert.equal(ran, false);
});

test("a page that needs a login sends strangers to it, with the way back", async () => {
  const it = site();
  await assert.rejects(it.requireLogin("/user?tab=2"), {
    digest: "NEXT_REDIRECT;replace;/login?return=%2Fuser%3Ftab%3D2;307;",
  });
  const other = await visited();
  assert.equal((await other.requireLogin("/user")).subject, "ana");
});

test("of two tickets in the Cookie header none is taken, though Next.js shows the last alone", async () => {
  const it = await visited();
  const own = it.jar.get("__Host-Http-session") ?? "";
  it.jar.clear();
  it.request();
  await it.action(async () => (await it.sessions.current()).login("eve"))();
  const other = it.jar.get("__Host-Http-session") ?? "";
  it.request({}, `__Host-Http-session=${own}; __Host-Http-session=${other}`);
  assert.equal((await it.read()).rejection?.reason, "ambiguous");
});

test("a route handler whose commit fails sends the cookie of its login, and none of its page", async () => {
  const it = await visited();
  const request = new Request("http://localhost/");
  const answer = it.route(
    async () => {
      const session = await it.sessions.current();
      await session.login("ben");
      session.set("list", []);
      Reflect.set(session.get("list") ?? [], 0, () => "not data");
      return new Response("the page", { headers: { "set-cookie": "own=1" } });
    },
    { onError: () => new Response("failed", { status: 500 }) },
  );
  const response = await answer(request, undefined);
  assert.equal(response.status, 500);
  assert.deepEqual(response.headers.getSetCookie(), []);
  assert.deepEqual(
    it.sent.map(({ name }) => name),
    ["__Host-Http-session"],
  );
});

test("cookies keep their values and attributes on the way through Next.js", async () => {
  const it = site();
  const request = new Request("http://localhost/");
  await it
    .route(async () => {
      const cookies = it.sessions.cookies(request);
      cookies.set("beside", "50 % & more; =", {
        maxAge: { minutes: 1 },
        path: "/shop",
        domain: "example.com",
        sameSite: "none",
        partitioned: true,
        priority: "high",
      });
      throw ending("NEXT_REDIRECT;push;/;307;");
    })(request, undefined)
    .catch(() => undefined);
  assert.deepEqual(it.sent, [
    {
      name: "beside",
      value: "50 % & more; =",
      attributes: {
        path: "/shop",
        maxAge: 60,
        domain: "example.com",
        secure: true,
        httpOnly: true,
        sameSite: "none",
        partitioned: true,
        priority: "high",
      },
    },
  ]);
});
