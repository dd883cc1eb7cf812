// `req.session.cookie`, the lifetimes of sessions, and the options. Names in brackets are those of cases in
// express-session's own suite.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, createSessions, generateSecret } from "coatcheck";
import { expressSession } from "coatcheck/express-session";
import { memoryStore } from "coatcheck/memory";
import express from "express";
import { listen } from "../support/listen.ts";
import { DropIn } from "./app.ts";

const minute = 60_000;
const code = (expected: string) => (error: unknown) =>
  error instanceof Error && "code" in error && error.code === expected;

/** The attributes of the response's session cookie. */
function attributesOf(response: Response): string[] {
  return (response.headers.getSetCookie()[0] ?? "").split("; ").slice(1);
}

test("a session is as long as the browser by default, and cookie.maxAge makes it permanent, with a lifetime of its own", async (t) => {
  const site = new DropIn(t);
  const first = await site.visit((req, res) => {
    req.session.n = 1;
    res.end(JSON.stringify([req.session.cookie.maxAge, req.session.cookie.expires]));
  });
  assert.deepEqual(await first.json(), [null, null]);
  assert.ok(!attributesOf(first).some((attribute) => /^(?:Max-Age|Expires)/.test(attribute)));
  const longer = await site.visit((req, res) => {
    req.session.cookie.maxAge = 10 * minute;
    res.end(String(req.session.cookie.originalMaxAge));
  });
  assert.equal(await longer.text(), String(10 * minute));
  assert.ok(attributesOf(longer).includes("Max-Age=600"));
  const expires = new Date(site.clock.now() + 10 * minute).toUTCString();
  assert.ok(attributesOf(longer).includes(`Expires=${expires}`));
  const core = async (): Promise<unknown> =>
    site.see(async (req) => {
      const { permanent, expiresAt } = await site.core(req);
      return [req.session.n ?? null, permanent, (expiresAt?.getTime() ?? 0) - site.clock.now()];
    });
  site.clock.advance(9 * minute);
  assert.deepEqual(await core(), [1, true, minute]);
  assert.deepEqual(await core(), [1, true, 10 * minute], "a use starts the time again");
  site.clock.advance(10 * minute);
  assert.deepEqual(
    await core(),
    [null, false, -site.clock.now()],
    "the server ends it, whatever the cookie says",
  );
});

test("the cookie object of the session before, as Passport copies it, does not turn defaults into wishes", async (t) => {
  // Behind a proxy that ends https, the connection looks like plain http.
  const site = new DropIn(t, { options: { cookie: {} } });
  const copied = await site.visit(async (req, res) => {
    const before = req.session;
    await req.session.regenerate();
    Object.assign(req.session, before);
    req.session.n = 1;
    res.end();
  });
  assert.ok(attributesOf(copied).includes("Secure"), "the cookie is sent");
  const wished = await site.visit(async (req, res) => {
    req.session.cookie.sameSite = "strict";
    const before = req.session;
    await req.session.regenerate();
    Object.assign(req.session, before);
    req.session.n = 2;
    res.end();
  });
  assert.ok(
    attributesOf(wished).includes("SameSite=strict") || attributesOf(wished).includes("SameSite=Strict"),
  );
});

test("cookie.maxAge of the options is for new sessions, which keep it [.originalMaxAge: should equal original maxAge for all requests] [when response ended: should have saved session with updated cookie expiration] [.touch(): should reset session expiration]", async (t) => {
  const site = new DropIn(t, { cookie: { maxAge: minute } });
  const look = async (): Promise<(number | null)[]> =>
    site.see(({ session }) => {
      session.n = 1;
      assert.equal(session.touch().resetMaxAge(), session);
      return [session.cookie.originalMaxAge, session.cookie.maxAge];
    });
  assert.deepEqual(await look(), [minute, minute]);
  site.clock.advance(30_000);
  assert.deepEqual(await look(), [minute, 30_000]);
  site.clock.advance(45_000);
  assert.deepEqual(await look(), [minute, 15_000]);
});

test("a permanent session's cookie is sent again when its data changes or its end has moved, and only then [should update cookie expiration when slow write] [rolling: should force cookie on unmodified session] [rolling: should not force cookie on uninitialized session if saveUninitialized option is set to false]", async (t) => {
  const site = new DropIn(t, { cookie: { maxAge: minute } });
  const write = async (n: number): Promise<string | undefined> => {
    const response = await site.visit((req, res) => {
      req.session.n = n;
      res.write("hello, ");
      setImmediate(() => res.end("world!"));
    });
    assert.equal(await response.text(), "hello, world!");
    return attributesOf(response).find((attribute) => attribute.startsWith("Expires="));
  };
  const none = await site.visit((req, res) => res.end(String(req.session.n)));
  assert.deepEqual(none.headers.getSetCookie(), []);
  const before = await write(1);
  site.clock.advance(2000);
  const after = await write(2);
  assert.ok(before !== undefined && after !== undefined && before !== after);
  assert.equal(await write(2), undefined);
  site.clock.advance(30_000);
  const used = await site.visit((req, res) => res.end(String(req.session.n)));
  assert.equal(
    used.headers.getSetCookie().length,
    1,
    "it rolls with use, so that nobody is logged out while active",
  );
});

test("a past date ends the session with the response; null makes it as long as the browser", async (t) => {
  const site = new DropIn(t, { cookie: { maxAge: minute } });
  await site.see(({ session }) => void (session.n = 1));
  const shorter = await site.visit((req, res) => {
    req.session.cookie.expires = null;
    res.end();
  });
  assert.equal(attributesOf(shorter).length, 3); // Path, HttpOnly, SameSite
  const cookie = site.jar.header ?? "";
  const ended = await site.visit((req, res) => {
    req.session.cookie.expires = new Date(0);
    res.end(String(req.session.cookie.expires.getTime()));
  });
  assert.equal(await ended.text(), "0");
  assert.ok(attributesOf(ended).includes("Max-Age=0"));
  const replayed = await site.visit((req, res) => res.end(String(req.session.n)), { cookie });
  assert.equal(await replayed.text(), "undefined");
});

test("the lifetime of a permanent session can be changed, and a session that began in the request can end with it", async (t) => {
  const site = new DropIn(t, { cookie: { maxAge: minute } });
  await site.see(({ session }) => void (session.n = 1));
  const longer = await site.visit((req, res) => {
    req.session.cookie.maxAge = 2 * minute;
    res.end();
  });
  assert.ok(attributesOf(longer).includes("Max-Age=120"));
  assert.equal(await site.see(({ session }) => session.cookie.originalMaxAge), 2 * minute);
  const ended = await site.visit(
    async (req, res) => {
      req.session.n = 1;
      await req.session.save();
      req.session.cookie.expires = new Date(0);
      res.end();
    },
    { cookie: "none=1" },
  );
  assert.ok(attributesOf(ended).includes("Max-Age=0"));
});

test("what a cookie can't be is an error that says so [.cookie: should forward errors setting cookie]", async (t) => {
  const site = new DropIn(t, { options: { permanentLifetime: { days: 1 } } });
  await site.see(({ session: { cookie } }) => {
    const set = (values: object) => () => Object.assign(cookie, values);
    assert.throws(set({ maxAge: 86_400_001 }), code("COOKIE_TOO_LONG_LIVED"));
    assert.throws(set({ maxAge: "1d" }), code("COOKIE_INVALID"));
    assert.throws(set({ maxAge: Number.NaN }), code("COOKIE_INVALID"));
    assert.throws(set({ expires: new Date(Number.NaN) }), code("COOKIE_INVALID"));
    assert.throws(set({ expires: "tomorrow" }), code("COOKIE_INVALID"));
    assert.throws(set({ path: "/admin" }), code("COOKIE_INVALID"));
    assert.throws(set({ domain: "example.com" }), code("COOKIE_INVALID"));
    assert.throws(set({ partitioned: true }), code("COOKIE_INVALID"));
    assert.throws(set({ sameSite: "auto" }), code("COOKIE_INVALID"));
    assert.throws(set({ sameSite: "none" }), code("COOKIE_INVALID"), "not without secure");
    assert.throws(set({ secure: "yes" }), code("COOKIE_INVALID"));
    set({ path: "/", domain: undefined, partitioned: false, sameSite: true, priority: "high" })();
    assert.equal(cookie.sameSite, "strict");
  });
  assert.deepEqual(site.errors, []);
});

test("attributes that a handler sets are those of this response's cookie [.*: should serialize as parameters] [.*: should override defaults]", async (t) => {
  const site = new DropIn(t, { cookie: { priority: "low", secure: true } });
  const response = await site.visit((req, res) => {
    const { cookie } = req.session;
    assert.equal(cookie.secure, true);
    Object.assign(cookie, { httpOnly: false, secure: false, sameSite: "strict", priority: "high" });
    req.session.n = 1;
    res.end(JSON.stringify(req.session.cookie));
  });
  assert.deepEqual(attributesOf(response), ["Path=/", "SameSite=Strict", "Priority=High"]);
  assert.deepEqual(await response.json(), {
    originalMaxAge: null,
    priority: "high",
    expires: null,
    secure: false,
    httpOnly: false,
    path: "/",
    sameSite: "strict",
  });
  const next = await site.see(({ session: { cookie } }) => [cookie.httpOnly, cookie.secure, cookie.sameSite]);
  assert.deepEqual(next, [true, true, "lax"]);
});

test("with secure: true the cookie is sent only over a secure connection, as req.secure says [proxy: should use req.secure] [proxy: should not trust X-Forwarded-Proto]", async (t) => {
  const site = new DropIn(t, { cookie: { secure: true } });
  const begin = async (secure: unknown): Promise<Response> =>
    site.visit(
      (req, res) => {
        Object.assign(req, { secure });
        req.session.n = 1;
        res.end();
      },
      { cookie: "none=1", headers: { "x-forwarded-proto": "https" } },
    );
  assert.deepEqual((await begin(undefined)).headers.getSetCookie(), []);
  assert.deepEqual((await begin(false)).headers.getSetCookie(), []);
  assert.ok(attributesOf(await begin(true)).includes("Secure"));
});

test('what "auto" was for is a line of a middleware [secure: "auto"] [sameSite: "auto"]', async (t) => {
  const site = new DropIn(t);
  for (const secure of [true, false]) {
    const response = await site.visit(
      (req, res) => {
        Object.assign(req.session.cookie, { secure });
        req.session.cookie.sameSite = secure ? "none" : "lax";
        req.session.n = 1;
        Object.assign(req, { secure });
        res.end();
      },
      { cookie: "none=1" },
    );
    assert.equal(attributesOf(response).includes("Secure"), secure);
    assert.ok(attributesOf(response).includes(secure ? "SameSite=None" : "SameSite=Lax"));
  }
});

test('a request outside the cookie\'s path has no req.session [cookie option: when "path" set to "/foo/bar"]', async (t) => {
  const site = new DropIn(t, { options: { cookie: { name: "sid", secure: false, path: "/foo/bar" } } });
  const kind = async (path: string): Promise<string> =>
    (await site.visit((req, res) => res.end(typeof req.session), { path })).text();
  const kinds = await Promise.all([kind("/"), kind("/foo/barn")]);
  assert.deepEqual(kinds, ["undefined", "undefined"]);
  assert.equal(await kind("/foo/bar"), "object");
  assert.equal(await kind("/foo/bar/baz?a=/"), "object");
});

test("a cookie that was copied from the session before takes its lifetime along, as keepSessionInfo does", async (t) => {
  const site = new DropIn(t);
  const seen = await site.see(async (req) => {
    const before = req.session;
    before["theme"] = "dark";
    before.cookie.maxAge = minute;
    await before.regenerate();
    const fresh = req.session.cookie.maxAge;
    for (const key in before) req.session[key] = before[key];
    return [fresh, req.session.cookie.maxAge, req.session["theme"]];
  });
  assert.deepEqual(seen, [null, minute, "dark"]);
  await site.see(({ session }) => {
    session.cookie = { maxAge: 2 * minute } as never;
    assert.equal(session.cookie.originalMaxAge, 2 * minute);
    assert.throws(() => Object.assign(session, { cookie: null }), code("COOKIE_INVALID"));
  });
  assert.deepEqual(site.errors, []);
});

test("every option of express-session that belongs elsewhere is refused, with what to do", () => {
  const sessions = createSessions({ secret: generateSecret(), store: memoryStore() });
  const refusal = (options: object): string => {
    try {
      expressSession(sessions, options);
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.message;
    }
    return "accepted";
  };
  const expected: Record<string, RegExp> = {
    genid: /128 random bits/,
    key: /createSessions/,
    name: /createSessions/,
    proxy: /trust proxy/,
    resave: /changed/,
    rolling: /permanentAbsoluteTimeout/,
    saveUninitialized: /save\(\)/,
    secret: /createSessions/,
    store: /createSessions/,
    unset: /null/,
    cokie: /Known options: subject, cookie/,
  };
  for (const [name, reason] of Object.entries(expected))
    assert.match(refusal({ [name]: true }), reason, name);
  const attributes: Record<string, RegExp> = {
    path: /createSessions/,
    domain: /createSessions/,
    partitioned: /createSessions/,
    expires: /maxAge/,
    signed: /always/,
    encode: /encoding/,
    maxage: /Known options/,
  };
  for (const [name, reason] of Object.entries(attributes))
    assert.match(refusal({ cookie: { [name]: true } }), reason, name);
  const values = {
    maxAge: [0, "1d", 401 * 86_400_000],
    secure: ["auto", 1],
    sameSite: ["auto", false],
    httpOnly: [0],
  };
  for (const [name, wrong] of Object.entries(values))
    for (const value of wrong)
      assert.notEqual(refusal({ cookie: { [name]: value } }), "accepted", `${name} ${value}`);
  assert.match(refusal({ cookie: () => ({}) }), /middleware/);
  assert.match(refusal({ cookie: { httpOnly: false } }), /__host-http-/i, "the cookie's name forbids it");
  assert.match(refusal({ subject: "passport.user" }), /function/);
  assert.equal(refusal({ cookie: { maxAge: null, sameSite: true }, subject: () => undefined }), "accepted");
});

test('behind a proxy that Express trusts, req.secure is what X-Forwarded-Proto says [proxy: should trust X-Forwarded-Proto] [secure and sameSite "auto" with proxy]', async (t) => {
  for (const trusts of [true, false]) {
    const sessions = createSessions<{ n: number }>({
      secret: generateSecret(),
      store: memoryStore(),
      cookie: { name: "sid", secure: false },
    });
    const app = express();
    app.set("trust proxy", trusts);
    const session = expressSession(sessions);
    app.use(session);
    app.use((req, _res, next) => {
      const { cookie } = session.of(req);
      cookie.secure = req.secure;
      cookie.sameSite = req.secure ? "none" : "lax";
      next();
    });
    app.get("/", (req, res) => {
      session.of(req).n = 1;
      res.end();
    });
    const port = await listen(t, (req, res) => app(req, res));
    for (const proto of ["https", "https, http", "http"]) {
      const response = await fetch(`http://127.0.0.1:${port}`, { headers: { "x-forwarded-proto": proto } });
      const isSecure = trusts && proto !== "http";
      assert.equal(attributesOf(response).includes("Secure"), isSecure, `${proto} ${trusts}`);
      assert.ok(attributesOf(response).includes(isSecure ? "SameSite=None" : "SameSite=Lax"));
    }
  }
});

test("without a secret key, every use says that it is required [should error without secret]", async (t) => {
  const site = new DropIn(t, { options: { secret: undefined } });
  const response = await site.visit((req, res) => res.end(String(req.session.n)));
  assert.equal(response.status, 500);
  assert.ok(code("SECRET_MISSING")(site.errors[0]));
  assert.match(await response.text(), /secret/);
});

test("an empty list of secret keys is refused when the app starts [secret: should reject empty arrays]", () => {
  const sessions = createSessions({ secret: [], store: memoryStore() });
  assert.throws(() => expressSession(sessions), code("SECRET_MISSING"));
  const awaited = createSessions({ secret: [process.env["NO_SUCH_SECRET"] ?? ""], store: memoryStore() });
  expressSession(awaited); // a build may have no environment
});
