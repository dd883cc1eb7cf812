import assert from "node:assert/strict";
import { test } from "node:test";
import type { FromExpressSessionOptions } from "coatcheck/adopt";
import { collectEvents } from "../support/events.ts";
import { home } from "../support/site.ts";
import { untouched } from "../support/store-calls.ts";
import { NewSite, secret, testOnStores } from "./new-site.ts";
import type { OldSession, Options } from "./new-site.ts";
import { cookieSessionCookies } from "./old-systems.ts";

testOnStores(
  "a visitor with a good old cookie goes on as who they were, under a new ticket",
  async (site, t) => {
    const events = collectEvents(t);
    const visitor = site.coming(site.old.keep("id-1", { user: "leo", theme: "dark", cart: ["hat"] }));
    assert.deepEqual(
      await visitor.with((session) => [session.subject, session.entries(), session.permanent]),
      ["leo", [["theme", "dark"]], false],
    );
    assert.deepEqual(
      visitor.jar.cookies.map(({ name }) => name),
      ["__Host-Http-session"],
    );
    assert.equal(await visitor.subject(), "leo");
    const event = events.find(({ type }) => type === "adopted");
    assert.deepEqual(event, {
      type: "adopted",
      id: await visitor.with(({ id }) => id),
      subject: "leo",
      from: "express-session",
      cookie: "__Host-Http-session",
    });
    assert.deepEqual(site.old.log, ["read id-1", "remove id-1"]);
  },
);

testOnStores(
  "an adopted login has no known age, but lasts as long as others, from its adoption",
  async (site) => {
    const visitor = site.coming(cookieSessionCookies({ user: "leo" }, secret));
    const times = await visitor.with(({ authenticatedAt, createdAt, expiresAt }) => ({
      authenticatedAt,
      createdAt,
      expiresAt,
    }));
    const now = site.clock.now();
    assert.deepEqual(times, {
      authenticatedAt: undefined,
      createdAt: new Date(now),
      expiresAt: new Date(now + 3_600_000),
    });
    const [info] = await visitor.sessions.list("leo");
    assert.equal(info?.authenticatedAt.getTime(), now);
    for (let hours = 0; hours < 23; hours++) {
      site.clock.advance(3_500_000);
      assert.equal(await visitor.subject(), "leo");
    }
    site.clock.advance(24 * 3_600_000 - 23 * 3_500_000);
    assert.equal(await visitor.subject(), undefined);
  },
);

test("only what take names comes along: a permanent session, data without a login, or nothing at all", async (t) => {
  const site = new NewSite(t);
  const adopt = (take: (old: OldSession) => unknown) =>
    site.coming(
      cookieSessionCookies({ user: "leo", n: Math.random() }, secret),
      site.adopting([site.cookies({ take })]),
    );
  const permanent = adopt(() => ({ subject: "leo", permanent: true }));
  assert.deepEqual(await permanent.with((session) => [session.permanent, session.keys()]), [true, []]);
  assert.ok(permanent.jar.get("__Host-Http-session")?.expires !== undefined);

  const cart = adopt(() => ({ data: { cart: ["hat"] } }));
  assert.deepEqual(await cart.with((session) => [session.subject, session.get("cart")]), [
    undefined,
    ["hat"],
  ]);

  for (const nothing of [undefined, null, {}, { data: {} }, { data: { theme: undefined } }]) {
    const left = adopt(() => nothing);
    site.probe.calls.length = 0;
    assert.equal(await left.subject(), undefined);
    assert.deepEqual(left.last.headers.getSetCookie(), []);
    assert.equal(site.probe.count("create", "patch"), 0);
  }
});

test("take may wait, as for a database", async (t) => {
  const site = new NewSite(t);
  const take = async ({ user }: OldSession) => ({ subject: await Promise.resolve(user) });
  const visitor = site.coming(site.old.keep("a", { user: "leo" }), site.adopting([site.express({ take })]));
  assert.equal(await visitor.subject(), "leo");
});

test("what take throws, and a result that can't be kept, is thrown by sessions.of, and the visitor can come again", async (t) => {
  const site = new NewSite(t);
  const events = collectEvents(t);
  const results: [unknown, object][] = [
    [{ subject: 42 }, { code: "SUBJECT_INVALID" }],
    [{ subject: "" }, { code: "SUBJECT_INVALID" }],
    [{ subjct: "leo" }, { code: "CONFIG_INVALID", message: /subjct/ }],
    [{ subject: "leo", data: { f() {} } }, { code: "VALUE_NOT_STORABLE" }],
    [{ subject: "leo", data: { text: "x".repeat(70_000) } }, { code: "SESSION_TOO_LARGE" }],
    [{ subject: "leo", data: [1] }, { code: "CONFIG_INVALID" }],
    [{ subject: "leo", permanent: 1 }, { code: "CONFIG_INVALID" }],
    ["leo", { code: "CONFIG_INVALID" }],
  ];
  for (const [result, error] of results) {
    const visitor = site.coming(
      site.old.keep("a", { user: "leo" }),
      site.adopting([site.express({ take: () => result })]),
    );
    await assert.rejects(visitor.subject(), error);
    assert.equal(visitor.last.status, 500);
    assert.deepEqual(visitor.last.headers.getSetCookie(), []);
  }
  let isBroken = true;
  const take = ({ user }: OldSession) => {
    if (isBroken) throw new TypeError("no such property");
    return { subject: user };
  };
  const visitor = site.coming(site.old.keep("a", { user: "leo" }), site.adopting([site.express({ take })]));
  await assert.rejects(visitor.subject(), { name: "TypeError", message: "no such property" });
  assert.deepEqual(events.at(-1), {
    type: "adoption-failed",
    from: "express-session",
    step: "take",
    cause: { name: "TypeError" },
    cookie: "__Host-Http-session",
  });
  isBroken = false;
  assert.equal(await visitor.subject(), "leo");
});

test("while the old store fails or hangs, the visitor is unknown: 503, and every cookie stays", async (t) => {
  const site = new NewSite(t);
  const events = collectEvents(t);
  const printed: string[] = [];
  t.mock.method(console, "error", (line: string) => void printed.push(line));
  let read = async (): Promise<unknown> => {
    throw Object.assign(new Error("redis://user:pass@host"), { code: "ECONNREFUSED" });
  };
  const store = { read: () => read() };
  const visitor = site.coming(site.old.keep("a", { user: "leo" }), site.adopting([site.express({ store })]));
  const before = visitor.jar.cookies;
  await assert.rejects(visitor.subject(), { code: "STORE_FAILED", operation: "read" });
  assert.equal(visitor.last.status, 503);
  assert.deepEqual(events, [
    {
      type: "adoption-failed",
      from: "express-session",
      step: "read",
      cause: { name: "Error", code: "ECONNREFUSED" },
      cookie: "__Host-Http-session",
    },
  ]);
  read = async () => new Promise(() => {});
  const hanging = assert.rejects(visitor.subject(), { code: "STORE_TIMEOUT" });
  await new Promise(setImmediate);
  site.clock.advance(2000);
  await hanging;
  assert.equal(visitor.last.status, 503);
  assert.deepEqual(visitor.jar.cookies, before);
  assert.deepEqual(printed, [
    "coatcheck: fromExpressSession: the store of the system before failed to read. (STORE_FAILED, from Error ECONNREFUSED)",
  ]);
  read = () => site.old.store.read("a");
  assert.equal(await visitor.subject(), "leo");
});

test("the old record is removed after ours is written, and a failure to remove it concerns nobody", async (t) => {
  const site = new NewSite(t);
  const events = collectEvents(t);
  const log: string[] = [];
  const store = {
    read: (id: string) => site.old.store.read(id),
    async remove() {
      log.push("remove");
      throw new Error("gone");
    },
  };
  site.probe.around = async (call, run) => {
    const result = await run();
    log.push(call.operation);
    return result;
  };
  const visitor = site.coming(site.old.keep("a", { user: "leo" }), site.adopting([site.express({ store })]));
  assert.equal(await visitor.subject(), "leo");
  assert.deepEqual(log.slice(0, 5), ["read", "create", "create", "patch", "remove"]);
  await new Promise(setImmediate);
  assert.ok(events.some((event) => event.type === "adoption-failed" && event.step === "remove"));
  assert.equal(await visitor.subject(), "leo");
});

test("if our own store fails at any step, the old record and cookie stay, and the next request brings the session", async (t) => {
  for (let failing = 0; failing < 6; failing++) {
    for (const isDone of [false, true]) {
      const site = new NewSite(t);
      const visitor = site.coming(site.old.keep("a", { user: "leo", theme: "dark" }));
      let calls = 0;
      site.probe.around = async (_, run) => {
        if (calls++ !== failing) return run();
        // Either it was not done, or it was done and the answer was lost.
        if (isDone) await run();
        throw new Error("lost");
      };
      const first = await visitor.subject().catch((error: { code?: string }) => error.code);
      site.probe.around = untouched;
      if (calls <= failing) {
        assert.equal(first, "leo");
        continue;
      }
      assert.equal(first, "STORE_FAILED", `call ${failing}`);
      assert.equal(visitor.last.status, 503);
      assert.ok(visitor.jar.get("connect.sid"));
      assert.deepEqual(await visitor.with((session) => [session.subject, session.get("theme")]), [
        "leo",
        "dark",
      ]);
      assert.equal((await site.sessions.list("leo")).length, 1);
    }
  }
});

test("a request with a ticket pays nothing, and neither does one without an old cookie", async (t) => {
  const site = new NewSite(t);
  const adopting = site.adopting();
  const visitor = site.visitor(adopting);
  await visitor.login("ada");
  site.probe.calls.length = 0;
  const old = site.old.keep("a", { user: "leo" });
  assert.equal(await visitor.subject({ cookie: `${old}; __Host-Http-session=${visitor.ticket}` }), "ada");
  assert.deepEqual(
    site.probe.calls.map(({ operation }) => operation),
    ["read"],
  );
  assert.equal(await site.visitor(adopting).subject({ cookie: "theme=dark" }), undefined);
  assert.equal(site.probe.calls.length, 1);
  assert.deepEqual(site.old.log, []);
});

test("a WebSocket's handshake and a form of another site on an exempt path adopt nobody", async (t) => {
  const site = new NewSite(t);
  const cookie = site.old.keep("a", { user: "leo" });
  const sessions = site.adopting(undefined, { crossOrigin: { exemptPaths: ["/callback"] } });
  const header = (name: string) => ({ cookie, host: "site.example" })[name];
  assert.equal((await sessions.handshake({ method: "GET", header })).subject, undefined);
  const visitor = site.visitor(sessions);
  const form = { method: "POST", url: `${home}callback`, cookie };
  const headers = { origin: "https://bank.example", "sec-fetch-site": "cross-site" };
  assert.equal(await visitor.subject({ ...form, headers }), undefined);
  assert.deepEqual([site.probe.calls, site.old.log], [[], []]);
  assert.equal(await visitor.subject({ ...form, headers: { "sec-fetch-site": "same-origin" } }), "leo");
});

test("the old cookie is cleared where it was set, even if the handler fails", async (t) => {
  const site = new NewSite(t);
  const cookie = {
    name: "sid",
    path: "/app",
    domain: "site.example",
    secure: true,
    sameSite: "none",
    partitioned: true,
  } as const;
  const sessions = site.adopting([site.express({ cookie })]);
  const visitor = site.visitor(sessions);
  const url = `${home}app/page`;
  const value = site.old.keep("a", { user: "leo" }).slice("connect.sid=".length);
  visitor.jar.receive(
    `sid=${value}; Path=/app; Domain=site.example; Secure; SameSite=None; Partitioned`,
    url,
  );
  assert.equal(await visitor.subject({ url, status: 500 }), "leo");
  assert.deepEqual(
    visitor.jar.cookies.map(({ name }) => name),
    ["__Host-Http-session"],
  );
  assert.match(
    visitor.last.headers.getSetCookie()[1] ?? "",
    /^sid=; Path=\/app; Max-Age=0; .*; Domain=site\.example; Secure; .*SameSite=None; Partitioned$/,
  );
  // Where no prefix asks for Secure, none is sent, so that plain http can clear it.
  const plain = site.coming(cookieSessionCookies({ user: "leo" }, secret));
  await plain.subject();
  for (const line of plain.last.headers.getSetCookie().slice(1)) assert.doesNotMatch(line, /Secure/);
});

test("the first source that has a session counts", async (t) => {
  const site = new NewSite(t);
  const cookies = `${site.old.keep("gone", {}, site.clock.now() - 1)}; ${cookieSessionCookies({ user: "ada" }, secret)}`;
  assert.equal(await site.coming(cookies).subject(), "ada");
  const both = `${site.old.keep("here", { user: "leo" })}; ${cookieSessionCookies({ user: "eve" }, secret)}`;
  assert.equal(await site.coming(both).subject(), "leo");
});

test("after its time a source does nothing, and says so once", async (t) => {
  const site = new NewSite(t);
  const warnings: Error[] = [];
  const listener = (warning: Error): void => void warnings.push(warning);
  process.on("warning", listener);
  t.after(() => process.off("warning", listener));
  const sessions = site.adopting();
  const cookie = site.old.keep("a", { user: "leo" });
  site.clock.advance(90 * 86_400_000 - 1);
  assert.equal(await site.visitor(sessions).subject({ cookie }), "leo");
  site.clock.advance(1);
  site.old.keep("b", { user: "ada" });
  site.probe.calls.length = 0;
  for (const other of [site.old.keep("b", { user: "ada" }), site.old.keep("c", { user: "ada" })]) {
    assert.equal(await site.visitor(sessions).subject({ cookie: other }), undefined);
  }
  assert.deepEqual([site.probe.calls, site.old.log.filter((line) => !line.endsWith("a"))], [[], []]);
  await new Promise(setImmediate);
  assert.deepEqual(
    warnings.map((warning) => [warning.name, Reflect.get(warning, "code"), warning.message.slice(0, 40)]),
    [
      ["CoatcheckWarning", "ADOPT_OVER", "fromExpressSession adopts nobody any mor"],
      ["CoatcheckWarning", "ADOPT_OVER", "fromCookieSession adopts nobody any more"],
    ],
  );
});

test("a secret that is missing is an error when it is needed, and at check, but not while a site is built", async (t) => {
  const site = new NewSite(t);
  for (const missing of [undefined, "", [], ["a", ""]]) {
    const sessions = site.adopting([site.express({ secret: missing as string })]);
    await assert.rejects(sessions.check(), {
      code: "SECRET_MISSING",
      message: /^fromExpressSession: secret/,
    });
    assert.equal(await site.visitor(sessions).subject(), undefined);
    await assert.rejects(site.coming(site.old.keep("a", {}), sessions).subject(), { code: "SECRET_MISSING" });
  }
  await site.adopting().check();
});

test("options that are wrong are errors at the start", (t) => {
  const site = new NewSite(t);
  const wrong: [Options<FromExpressSessionOptions<OldSession>> & Record<string, unknown>, RegExp][] = [
    [{ until: undefined as unknown as Date }, /until must be a Date/],
    [{ until: new Date(Number.NaN) }, /until must be a Date/],
    [{ until: "2027-01-01" as unknown as Date }, /until must be a Date/],
    [{ take: undefined as never }, /take must be a function/],
    [{ store: undefined as never }, /store is missing/],
    [{ secret: 5 as never }, /secret must be/],
    [{ prefix: "x" }, /no option "prefix"/],
    [{ cookie: { nme: "x" } as object }, /no option "nme"/],
    [{ cookie: { domain: "https://x" } }, /needs a domain/],
    [{ cookie: { name: "__Host-x", path: "/app" } }, /needs path/],
  ];
  for (const [options, message] of wrong) {
    assert.throws(() => site.express(options), { name: "ConfigError", message });
  }
  const late = site.express({ until: new Date(site.clock.now() + 401 * 86_400_000) });
  assert.throws(() => site.adopting([late]), { code: "CONFIG_INVALID", message: /at most 400 days/ });
  const clash = site.express({ cookie: { name: "__Host-Http-session" } });
  assert.throws(() => site.adopting([clash]), {
    code: "CONFIG_INVALID",
    message: /has the name of the session cookie/,
  });
  for (const adopt of [{}, [{}], [null], "x"]) {
    assert.throws(() => site.sessionsWith({ adopt: adopt as never }), {
      code: "CONFIG_INVALID",
      message: /adopt must be a list/,
    });
  }
  assert.ok(site.sessionsWith({ adopt: [] }));
});
