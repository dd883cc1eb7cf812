// `req.session` as handlers of express-session know it. A test that names a case of express-session's own suite says
// in brackets which.

import assert from "node:assert/strict";
import { test } from "node:test";
import { generateSecret, StoreError } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { expressSession } from "coatcheck/express-session";
import { sqliteStore } from "coatcheck/sqlite";
import { listen } from "../support/listen.ts";
import { DropIn } from "./app.ts";
import { dataOf } from "./contract-apps.ts";
import type { Request } from "./app.ts";

const code = (expected: string) => (error: unknown) =>
  error instanceof Error && "code" in error && error.code === expected;

/** Makes these operations of the store fail until the returned function is called. */
function fail(site: DropIn, ...operations: string[]): () => void {
  const { around } = site.probe;
  site.probe.around = async (call, run) => {
    if (operations.includes(call.operation))
      throw new StoreError("STORE_UNAVAILABLE", "read", "Meant to fail.", { transient: true });
    return run();
  };
  return () => {
    site.probe.around = around;
  };
}

test("properties are read, written, deleted, listed, spread and serialized", async (t) => {
  const site = new DropIn(t);
  await site.see(({ session }) => {
    session.user = "ana";
    session["cart"] = ["hat"];
    session["gone"] = 1;
    delete session["gone"];
    Object.assign(session, { n: 1, theme: "dark" });
  });
  const seen = await site.see(({ session }) => ({
    keys: Object.keys(session),
    forIn: (() => {
      const keys: string[] = [];
      for (const key in session) keys.push(key);
      return keys;
    })(),
    has: ["user" in session, "gone" in session, "save" in session, "toString" in session],
    own: [Object.hasOwn(session, "user"), session.hasOwnProperty("save"), Object.hasOwn(session, "id")],
    spread: dataOf(session),
    json: Object.keys(JSON.parse(JSON.stringify(session)) as object),
    missing: session["gone"] === undefined,
    strings: [Object.prototype.toString.call(session), typeof session.save],
  }));
  assert.deepEqual(seen, {
    keys: ["cookie", "user", "cart", "n", "theme"],
    forIn: ["cookie", "user", "cart", "n", "theme"],
    has: [true, false, true, true],
    own: [true, false, true],
    spread: { user: "ana", cart: ["hat"], n: 1, theme: "dark" },
    json: ["cookie", "user", "cart", "n", "theme"],
    missing: true,
    strings: ["[object Object]", "function"],
  });
});

test('nested changes are saved, and objects stay the same objects, also across save() [resave: should detect a "cookie" property as modified]', async (t) => {
  const site = new DropIn(t);
  await site.see(async ({ session }) => {
    const deep = { cookie: 0, list: [] as number[] };
    session["deep"] = deep;
    deep.cookie++;
    await session.save();
    assert.equal(session["deep"], deep);
    deep.list.push(1);
  });
  assert.deepEqual(await site.see(({ session }) => session["deep"]), { cookie: 1, list: [1] });
  await site.see(async ({ session }) => {
    const deep = session["deep"] as { list: number[] };
    await session.save();
    deep.list.push(2);
    await session.save();
    deep.list.push(3);
  });
  assert.deepEqual(await site.see(({ session }) => session["deep"]), { cookie: 1, list: [1, 2, 3] });
});

test("two requests that change different properties both keep their change, and sessions.of(req) sees the same", async (t) => {
  const site = new DropIn(t);
  await site.see(({ session }) => void (session.n = 0));
  await site.visit(async (req, res) => {
    req.session["a"] = 1;
    await site.sessions.handle(
      new Request("http://localhost/", { headers: { cookie: site.jar.header ?? "" } }),
      async (request) => {
        (await site.sessions.of(request)).set("b", 2);
        return new Response();
      },
    );
    const core = await site.core(req);
    assert.equal(core.get("a"), 1);
    core.set("c", 3);
    assert.equal(req.session["c"], 3);
    assert.equal(await core.update("n", (n = 0) => n + 1), 1);
    assert.equal(req.session.n, 1);
    res.end();
  });
  assert.deepEqual(await site.see(({ session }) => dataOf(session)), { n: 1, a: 1, b: 2, c: 3 });
});

test("stored keys that are names of methods are hidden, and setting one says so [should handle reserved properties in storage]", async (t) => {
  const site = new DropIn(t);
  await site.see(async (req) => {
    const core = await site.core(req);
    core.set("save", "nope");
    core.set("n", 1);
  });
  await site.see(({ session }) => {
    assert.deepEqual(dataOf(session), { n: 1 });
    assert.equal(typeof session.save, "function");
    assert.throws(() => Object.assign(session, { save: 1 }), code("KEY_INVALID"));
    assert.throws(() => Object.assign(session, { id: 1 }), TypeError);
    assert.throws(() => Object.assign(session, { fn: () => 1 }), code("VALUE_NOT_STORABLE"));
    assert.throws(() => Object.defineProperty(session, "x", { get: () => 1 }), code("VALUE_NOT_STORABLE"));
    assert.throws(() => Object.freeze(session), TypeError);
    Object.defineProperty(session, "x", { value: 1 });
    assert.equal(session["x"], 1);
  });
  assert.deepEqual(site.errors, []);
});

test("what prints a session shows the names of its keys, and no data", async (t) => {
  const { inspect } = await import("node:util");
  const site = new DropIn(t);
  await site.see(({ session }) => {
    session["token"] = "s3cret";
    assert.match(inspect(session), /token/);
    assert.doesNotMatch(inspect(session), /s3cret/);
    assert.doesNotMatch(inspect({ session }, { depth: 5 }), /s3cret/);
  });
  assert.deepEqual(site.errors, []);
});

test("a response that does not touch req.session is not the visitor's, and a visitor without a cookie costs no store call [saveUninitialized: should prevent save of uninitialized session] [saveUninitialized: should prevent uninitialized session from being touched]", async (t) => {
  const site = new DropIn(t);
  const look = async (): Promise<(string | null)[]> => {
    const { headers } = await site.visit((_req, res) => res.end("page"));
    return [headers.get("cache-control"), headers.get("vary"), headers.get("set-cookie")];
  };
  assert.deepEqual(await site.callsOf(look), []);
  assert.deepEqual(await site.callsOf(() => site.see(({ session }) => session.n)), []);
  await site.see(({ session }) => void (session.n = 1));
  assert.deepEqual(await site.callsOf(look), ["read"]);
  assert.deepEqual(await look(), [null, null, null]);
  const touched = await site.visit((req, res) => res.end(String(req.session.n)));
  assert.match(touched.headers.get("cache-control") ?? "", /private|no-store/);
  assert.match(touched.headers.get("vary") ?? "", /cookie/i);
});

test("a session begins with its first data, one for each visitor [should create a new session] [should create multiple sessions] [saveUninitialized: should still save modified session] [rolling: should force cookie and save modified session even if saveUninitialized option is set to false]", async (t) => {
  const site = new DropIn(t);
  const calls = await site.callsOf(async () => {
    const first = await site.visit((req, res) => {
      req.session["active"] = true;
      res.end("session active");
    });
    assert.equal(first.headers.getSetCookie().length, 1);
    await site.visit(
      (req, res) => {
        req.session["active"] = true;
        res.end();
      },
      { cookie: "none=1" },
    );
  });
  assert.deepEqual(calls, ["create", "create"]);
});

test("req.session.id and req.sessionID exist before the session is stored, and stay", async (t) => {
  const site = new DropIn(t);
  const first = await site.see(async (req) => {
    const before = [req.session.id, req.sessionID];
    req.session.n = 1;
    await req.session.save();
    return [...before, req.session.id, (await site.core(req)).id];
  });
  assert.equal(new Set(first).size, 1);
  const again = await site.see((req) => [req.session.id, req.sessionID]);
  assert.deepEqual(again, first.slice(0, 2));
});

test("req.sessionID can't be set [should not save with bogus req.sessionID]", async (t) => {
  const site = new DropIn(t);
  const calls = await site.callsOf(async () => {
    const response = await site.visit((req, res) => {
      Object.assign(req, { sessionID: () => 1 });
      req.session.n = 1;
      res.end();
    });
    assert.equal(response.status, 500);
    assert.deepEqual(response.headers.getSetCookie(), []);
  });
  assert.deepEqual(calls, []);
  assert.ok(code("KEY_INVALID")(site.errors[0]));
});

for (const [name, send] of Object.entries({
  "res.end(text) [when response ended: should have saved session]": (res) => res.end("session saved"),
  "res.end() [when response ended: should have saved session even with empty response]": (res) => {
    res.setHeader("Content-Length", "0");
    res.end();
  },
  "several writes [when response ended: should have saved session even with multi-write]": (res) => {
    res.setHeader("Content-Length", "12");
    res.write("hello, ");
    res.end("world");
  },
  "a response that is not chunked [when response ended: should have saved session even with non-chunked response]":
    (res) => {
      res.setHeader("Content-Length", "13");
      res.end("session saved");
    },
} satisfies Record<string, (res: Parameters<Parameters<DropIn["visit"]>[0]>[1]) => unknown>)) {
  test(`the session is stored before the first byte of ${name}`, async (t) => {
    const site = new DropIn(t);
    let isStored = false;
    const { around } = site.probe;
    site.probe.around = async (call, run) => {
      await new Promise((resolve) => setImmediate(resolve));
      const result = await around(call, run);
      isStored ||= call.operation === "create";
      return result;
    };
    const response = await site.visit((req, res) => {
      req.session["hit"] = true;
      send(res);
    });
    assert.ok(isStored, "the response arrived, so it is stored");
    await response.text();
    assert.equal(await site.see(({ session }) => session["hit"]), true);
  });
}

for (const [how, lose] of Object.entries({
  "was ended elsewhere [when sid not in store: should create a new session] [when sid not in store: should have a new sid] [should treat ENOENT session fetch error as not found]":
    async (site, id) => void (await site.sessions.revoke(id)),
  "has expired [when session expired in store: should create a new session] [when session expired in store: should have a new sid] [when session expired in store: should not exist in store]":
    (site) => site.clock.advance(2 * 3_600_000),
} satisfies Record<string, (site: DropIn, id: string) => unknown>)) {
  test(`a visitor whose session ${how} gets a new one, with another id`, async (t) => {
    const site = new DropIn(t);
    const count = (req: Request): [number, string] => {
      req.session.n = (req.session.n ?? 0) + 1;
      return [req.session.n, req.session.id];
    };
    const [, first] = await site.see(count);
    await lose(site, first);
    const [n, second] = await site.see(count);
    assert.equal(n, 1);
    assert.notEqual(second, first);
    assert.equal(await site.sessions.revoke(first), false, "the old one is not there");
  });
}

test("a property that is set to the value it has is no change [resave: should prevent save on unmodified session] [rolling: should default to false]", async (t) => {
  const site = new DropIn(t, { cookie: { maxAge: 60_000 } });
  const bob = (req: Request): void => {
    req.session.user = "bob";
  };
  assert.deepEqual(await site.callsOf(() => site.see(bob)), ["create"]);
  assert.deepEqual(await site.callsOf(() => site.see(bob)), ["read"]);
  const changed = site.callsOf(() => site.see(({ session }) => void (session.user = "eve")));
  assert.deepEqual(await changed, ["read", "patch"], "[resave: should still save modified session]");
});

test("save() writes at once, and a handler that fails later does not undo it [.save(): should save session to store] [.save(): should prevent end-of-request save]", async (t) => {
  const site = new DropIn(t);
  const calls = await site.callsOf(async () => {
    const response = await site.visit((req, res, next) => {
      req.session["hit"] = true;
      req.session.save((error) => {
        assert.equal(error, undefined);
        assert.deepEqual(
          site.probe.calls.map(({ operation }) => operation),
          ["create"],
        );
        req.session["lost"] = true;
        next(new Error("after the save"));
        void res;
      });
    });
    assert.equal(response.status, 500);
    assert.equal(response.headers.getSetCookie().length, 1);
  });
  assert.deepEqual(calls, ["create"]);
  assert.deepEqual(await site.see(({ session }) => dataOf(session)), { hit: true });
  // Nothing is left for the commit.
  const saved = site.callsOf(() =>
    site.see(async ({ session }) => {
      session["more"] = 1;
      await session.save();
    }),
  );
  assert.deepEqual(await saved, ["read", "patch"]);
});

test("save() after the response writes what was changed since, and the commit's session is there for it", async (t) => {
  const site = new DropIn(t);
  site.probe.around = async (_call, run) => {
    await new Promise((resolve) => setImmediate(resolve));
    return run();
  };
  const saved = Promise.withResolvers<unknown>();
  await site.visit((req, res) => {
    req.session.n = 1;
    res.end("page");
    req.session["later"] = 2;
    req.session.save(saved.resolve);
  });
  assert.equal(await saved.promise, undefined);
  assert.deepEqual(await site.see(({ session }) => dataOf(session)), { n: 1, later: 2 });
  const none = Promise.withResolvers<unknown>();
  await site.visit(
    (req, res) => {
      res.end();
      req.session.n = 1;
      req.session.save(none.resolve);
    },
    { cookie: "none=1" },
  );
  assert.ok(code("AFTER_RESPONSE")(await none.promise));
});

test("save() begins a session without data, for those whose id must last", async (t) => {
  const site = new DropIn(t);
  const id = await site.see(async (req) => {
    await req.session.save();
    return req.session.id;
  });
  assert.equal(await site.see((req) => req.session.id), id);
});

test("if save() fails, its callback gets the error and the changes wait for the commit", async (t) => {
  const site = new DropIn(t);
  await site.see(({ session }) => void (session.n = 1));
  const calls = await site.callsOf(async () => {
    const seen = await site.see(async ({ session }) => {
      session.n = 2;
      const mend = fail(site, "patch");
      const error = await session.save().then(
        () => undefined,
        (reason: unknown) => (reason as { code?: string }).code,
      );
      mend();
      return error;
    });
    assert.equal(seen, "STORE_UNAVAILABLE");
  });
  assert.deepEqual(calls, ["read", "patch", "patch"]);
  assert.equal(await site.see(({ session }) => session.n), 2);
});

test("a callback is called once, after the method has returned, and what it throws is not swallowed", async (t) => {
  const site = new DropIn(t);
  const thrown = Promise.withResolvers<unknown>();
  const caught = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.once("uncaughtException", thrown.resolve);
  t.after(() => caught.forEach((listener) => process.on("uncaughtException", listener)));
  let calls = 0;
  const seen = await site.see(async ({ session }) => {
    session.n = 1;
    let isSync = true;
    const called = Promise.withResolvers<boolean>();
    const same = session.save(() => {
      calls++;
      called.resolve(isSync);
      throw new Error("from the callback");
    });
    isSync = false;
    return [same === session, await called.promise];
  });
  assert.deepEqual(seen, [true, false]);
  assert.equal(((await thrown.promise) as Error).message, "from the callback");
  assert.equal(calls, 1);
});

test("regenerate() ends the old session and begins an empty one with another id [.regenerate(): should destroy/replace the previous session]", async (t) => {
  const site = new DropIn(t);
  await site.see(({ session }) => void Object.assign(session, { n: 1, user: "eve" }));
  const stolen = site.jar.header ?? "";
  const seen = await site.see(async (req) => {
    const old = req.session;
    const { id } = old;
    await req.session.regenerate();
    const copied = { ...dataOf(old) };
    req.session["theme"] = "dark";
    await assert.rejects(async () => old.save(), code("AFTER_LOGOUT"));
    return [old === req.session, req.session.id === id, old.id === id, dataOf(req.session), copied];
  });
  assert.deepEqual(seen, [false, false, true, { theme: "dark" }, { n: 1, user: "eve" }]);
  assert.notEqual(site.jar.header, stolen);
  assert.deepEqual(await site.see(({ session }) => dataOf(session)), { theme: "dark" });
  const thief = await site.visit((req, res) => res.end(JSON.stringify(dataOf(req.session))), {
    cookie: stolen,
  });
  assert.equal(await thief.text(), "{}");
});

test("after regenerate() a session begins even without data, as in express-session", async (t) => {
  const site = new DropIn(t);
  const id = await site.see(async (req) => {
    await req.session.regenerate();
    return req.session.id;
  });
  assert.equal(await site.see((req) => req.session.id), id);
});

test("if the store does not end the old session, what was set after regenerate() is never put into it", async (t) => {
  const site = new DropIn(t);
  await site.see(({ session }) => void (session.n = 1));
  const mend = fail(site, "patch");
  const response = await site.visit(async (req, res) => {
    await req.session.regenerate().catch(() => {});
    req.session.user = "ana";
    res.end("logged in");
  });
  assert.equal(response.status, 503);
  assert.doesNotMatch(await response.text(), /logged in/);
  mend();
  assert.deepEqual(await site.see(({ session }) => dataOf(session)), { n: 1 });
});

test("destroy() ends the session: req.session is undefined, and the cookie is cleared [.destroy(): should destroy the previous session]", async (t) => {
  const site = new DropIn(t);
  await site.see(({ session }) => void (session.n = 1));
  const cookie = site.jar.header ?? "";
  const response = await site.visit((req, res) => {
    const { session } = req;
    const same = req.session.destroy((error) =>
      res.end(`${String(error)} ${typeof req.session} ${String(session.n)}`),
    );
    assert.equal(same, session);
    assert.equal(req.session, undefined);
  });
  assert.equal(await response.text(), "undefined undefined 1");
  assert.match(response.headers.getSetCookie()[0] ?? "", /^sid=; .*Max-Age=0/);
  const replayed = await site.visit((req, res) => res.end(String(req.session.n)), { cookie });
  assert.equal(await replayed.text(), "undefined");
});

for (const [name, end] of Object.entries({
  "req.session = null [unset: should allow destroy on req.session = null]": (req) =>
    Object.assign(req, { session: null }),
  "req.session = undefined": (req) => Object.assign(req, { session: undefined }),
  "destroy() that nobody waits for": (req) => void req.session.destroy(),
} satisfies Record<string, (req: Request) => unknown>)) {
  test(`${name} ends the session before the response leaves, also if the handler fails`, async (t) => {
    for (const status of [200, 500]) {
      const site = new DropIn(t);
      await site.see(({ session }) => void (session.n = 1));
      const cookie = site.jar.header ?? "";
      await site.visit((req, res) => {
        end(req);
        res.statusCode = status;
        res.end();
      });
      assert.equal(site.jar.header, undefined);
      const replayed = await site.visit((req, res) => res.end(String(req.session.n)), { cookie });
      assert.equal(await replayed.text(), "undefined");
    }
  });
}

test("a session that began in the request and was ended in it sends no cookie [unset: should not set cookie if initial session destroyed]", async (t) => {
  const site = new DropIn(t);
  const response = await site.visit(async (req, res) => {
    req.session.n = 1;
    await req.session.save();
    Object.assign(req, { session: null });
    res.end();
  });
  assert.deepEqual(response.headers.getSetCookie(), []);
});

test("if the store does not end the session, the visitor gets 503 and nothing of the page [unset: should pass session destroy error]", async (t) => {
  const site = new DropIn(t);
  await site.see(({ session }) => void (session.n = 1));
  fail(site, "patch");
  const response = await site.visit((req, res) => {
    Object.assign(req, { session: null });
    res.end("session destroyed");
  });
  assert.equal(response.status, 503);
  assert.doesNotMatch(await response.text(), /destroyed/);
});

test("a logout that the store refused is tried again when the response is sent, also if the handler failed", async (t) => {
  for (const status of [200, 500]) {
    const site = new DropIn(t);
    await site.see(({ session }) => void (session.n = 1));
    const cookie = site.jar.header ?? "";
    const mend = fail(site, "patch");
    const response = await site.visit(async (req, res) => {
      await assert.rejects(req.session.destroy(), code("STORE_UNAVAILABLE"));
      mend();
      res.statusCode = status;
      res.end();
    });
    assert.equal(response.status, status);
    const replayed = await site.visit((req, res) => res.end(String(req.session.n)), { cookie });
    assert.equal(await replayed.text(), "undefined");
  }
});

test("req.session can't be replaced by another object, nor deleted", async (t) => {
  const site = new DropIn(t);
  await site.see((req) => {
    const { session } = req;
    Object.assign(req, { session });
    assert.throws(() => Object.assign(req, { session: { user: "ana" } }), code("KEY_INVALID"));
    assert.throws(() => Reflect.deleteProperty(req, "session") || assert.fail("kept"), assert.AssertionError);
  });
  assert.deepEqual(site.errors, []);
});

test("after a logout through sessions.of(req), req.session refuses to be changed until regenerate()", async (t) => {
  const site = new DropIn(t);
  await site.see(({ session }) => void (session.n = 1));
  await site.see(async (req) => {
    await (await site.core(req)).logout();
    assert.throws(() => (req.session.n = 2), code("AFTER_LOGOUT"));
    await req.session.regenerate();
    req.session.n = 3;
  });
  assert.deepEqual(site.errors, []);
  assert.equal(await site.see(({ session }) => session.n), 3);
});

test("reload() drops this request's changes and reads what others have written [.reload(): should reload session from store]", async (t) => {
  const site = new DropIn(t);
  await site.see(({ session }) => void Object.assign(session, { n: 1, list: [1] }));
  const seen = await site.see(async ({ session }) => {
    session.n = 5;
    (session["list"] as number[]).push(9);
    await site.sessions.handle(
      new Request("http://localhost/", { headers: { cookie: site.jar.header ?? "" } }),
      async (request) => {
        (await site.sessions.of(request)).set("n", 2);
        return new Response();
      },
    );
    await session.reload();
    return dataOf(session);
  });
  assert.deepEqual(seen, { n: 2, list: [1] });
  assert.deepEqual(await site.see(({ session }) => dataOf(session)), { n: 2, list: [1] });
});

test("save() after reload() is the only write of the request [.save(): should prevent end-of-request save on reloaded session]", async (t) => {
  const site = new DropIn(t);
  const hit = async ({ session }: Request): Promise<void> => {
    session["hit"] = Number(session["hit"] ?? 0) + 1;
    await session.reload().catch(() => {}); // the first visitor has no session to read again
    session["hit"] = Number(session["hit"] ?? 0) + 1;
    await session.save();
  };
  assert.deepEqual(await site.callsOf(() => site.see(hit)), ["create"]);
  assert.deepEqual(await site.callsOf(() => site.see(hit)), ["read", "read", "patch"]);
  assert.equal(await site.see(({ session }) => session["hit"]), 3);
});

test("reload() of a session that has ended fails, and changes remain [.reload(): should error is session missing]", async (t) => {
  const site = new DropIn(t);
  await site.see(({ session }) => void (session.n = 1));
  await site.see(async (req) => {
    await site.sessions.revoke(req.session.id);
    // As often as you like [.reload(): should not override an overridden `reload` in case of errors].
    for (let times = 0; times < 20; times++)
      await assert.rejects(req.session.reload(), code("SESSION_ENDED"));
  });
  const other = new DropIn(t);
  await other.see(async ({ session }) => {
    session["hit"] = true;
    await assert.rejects(session.reload(), code("SESSION_ENDED"));
    await session.save();
  });
  assert.equal(await other.see(({ session }) => session["hit"]), true);
  assert.deepEqual([...site.errors, ...other.errors], []);
});

test("the store fails before the handler: 503, no handler runs, and the cookie stays [should pass session fetch error] [should not be set if store is disconnected] [should be set when store reconnects]", async (t) => {
  const site = new DropIn(t);
  await site.see(({ session }) => void (session.n = 1));
  const mend = fail(site, "read");
  let ran = false;
  const response = await site.visit((_req, res) => {
    ran = true;
    res.end();
  });
  assert.deepEqual([response.status, ran, response.headers.getSetCookie()], [503, false, []]);
  assert.ok(Number(response.headers.get("retry-after")) > 0);
  const anonymous = await site.visit((req, res) => res.end(typeof req.session), { cookie: "none=1" });
  assert.equal(await anonymous.text(), "object");
  mend();
  assert.equal(await site.see(({ session }) => session.n), 1);
});

test("onUnavailable writes the 503, and req.session is undefined there", async (t) => {
  const site = new DropIn(t);
  await site.see(({ session }) => void (session.n = 1));
  fail(site, "read");
  const session = expressSession(site.sessions, {
    onUnavailable(error, req, res) {
      res.statusCode = 503;
      res.end(`${error.code} ${typeof (req as Request).session}`);
    },
  });
  const port = await listen(t, (req, res) => session(req, res, () => res.end("page")));
  const response = await fetch(`http://127.0.0.1:${port}`, { headers: { cookie: site.jar.header ?? "" } });
  assert.equal(response.status, 503);
  assert.equal(await response.text(), "STORE_UNAVAILABLE undefined");
});

test("a save that fails in the commit: 503, and nothing of the page [saveUninitialized: should pass session save error]", async (t) => {
  const site = new DropIn(t);
  fail(site, "create");
  const response = await site.visit((req, res) => {
    req.session.n = 1;
    res.end("session saved");
  });
  assert.equal(response.status, 503);
  assert.doesNotMatch(await response.text(), /session saved/);
  assert.deepEqual(response.headers.getSetCookie(), []);
});

test("a use that can't be noted does not fail the page [resave: should pass session touch error]", async (t) => {
  const site = new DropIn(t);
  await site.see(({ session }) => void (session.n = 1));
  site.clock.advance(10 * 60_000);
  fail(site, "patch");
  const response = await site.visit((req, res) => res.end(`n = ${String(req.session.n)}`));
  assert.equal(await response.text(), "n = 1");
});

test("what was set in a handler that failed is not kept", async (t) => {
  const site = new DropIn(t);
  await site.see(({ session }) => void (session.n = 1));
  await site.visit((req, _res, next) => {
    req.session.n = 2;
    next(new Error("meant to fail"));
  });
  assert.equal(await site.see(({ session }) => session.n), 1);
});

test("a middleware on the app and again on a router share one session, and a req.session of somebody else is left alone [should do nothing if req.session exists]", async (t) => {
  const site = new DropIn(t);
  const again = expressSession(site.sessions);
  await site.see(async (req, res) => {
    const { session } = req;
    session.n = 1;
    await new Promise<void>((resolve) => again(req, res, () => resolve()));
    assert.equal(req.session, session);
    assert.equal(again.of(req).n, 1);
    await session.destroy();
    again(req, res, () => assert.equal(req.session, undefined));
    const mock = { headers: {}, session: {} } as unknown as Request;
    again(mock, res, () => {});
    assert.deepEqual(mock.session, {});
    assert.throws(() => again.of(mock), code("NO_SESSION_HERE"));
    assert.throws(() => again.of(req), code("NO_SESSION_HERE"));
  });
  assert.deepEqual(site.errors, []);
});

test("it works on a store without promises and on one with [synchronous store: should respond correctly on save] [synchronous store: should respond correctly on destroy]", async (t) => {
  for (const isAsync of [false, true]) {
    const site = new DropIn(t, { store: sqliteStore({ path: ":memory:" }) });
    if (isAsync) site.probe.around = async (_call, run) => run();
    const count = ({ session }: Request): unknown => (session.n = (session.n ?? 0) + 1);
    assert.equal(await site.see(count), 1);
    const response = await site.visit((req, res) => {
      count(req);
      Object.assign(req, { session: null });
      res.write("destroyed\n");
      res.end("hits: 2");
    });
    assert.equal(await response.text(), "destroyed\nhits: 2");
    assert.equal(await site.see(count), 1);
  }
});

test("the first secret key signs, and all of them open [secret: should sign cookies with first element] [secret: should read cookies using all elements]", async (t) => {
  const [older, newer] = [generateSecret(), generateSecret()];
  const store = memoryStore();
  const clock = { options: { secret: older } };
  const site = new DropIn(t, { store, ...clock });
  await site.see(({ session }) => void (session.user = "bob"));
  const cookie = site.jar.header ?? "";
  const look = async (secret: string | string[]): Promise<string> => {
    const other = new DropIn(t, { store, options: { secret } });
    return (await other.visit((req, res) => res.end(String(req.session.user)), { cookie })).text();
  };
  assert.equal(await look([newer, older]), "bob");
  assert.equal(await look(newer), "undefined");
});

test("only the Cookie header counts, and a cookie that was not signed opens nothing [cookieParser(): should reject unsigned from req.cookies] [cookieParser(): should reject invalid signature from req.cookies] [when sid not properly signed]", async (t) => {
  const site = new DropIn(t);
  const id = await site.see(async (req) => {
    req.session.n = 1;
    return req.session.id;
  });
  const ticket = site.jar.header?.slice("sid=".length) ?? "";
  for (const value of [id, `${ticket.slice(0, -3)}AAA`]) {
    const calls = await site.callsOf(async () => {
      const response = await site.visit((req, res) => res.end(String(req.session.n)), {
        cookie: `sid=${value}`,
      });
      assert.equal(await response.text(), "undefined");
    });
    assert.deepEqual(calls, []);
  }
});
