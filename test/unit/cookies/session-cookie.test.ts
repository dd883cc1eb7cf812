import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { SessionCookieOptions } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { CookieJar } from "../../support/cookie-jar.ts";
import { home, Site, testEverywhere } from "../../support/site.ts";

testEverywhere(
  "[8][9][10] the default cookie is __Host-, Secure, HttpOnly, SameSite=Lax, for the whole site and this host",
  async (site) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    const [line = ""] = visitor.last.headers.getSetCookie();
    assert.match(line, /^__Host-Http-session=[\w.-]{89}; Path=\/; Secure; HttpOnly; SameSite=Lax$/);
    const kept = visitor.jar.get("__Host-Http-session");
    assert.deepEqual(
      [kept?.secure, kept?.httpOnly, kept?.sameSite, kept?.path, kept?.hostOnly, kept?.expires],
      [true, true, "lax", "/", true, undefined],
    );
    assert.equal(new CookieJar().receive(line, "http://site.example/"), undefined);
    assert.notEqual(new CookieJar().receive(line, "http://localhost:3000/"), undefined);
  },
);

const accepted: [SessionCookieOptions, url: string][] = [
  [{}, home],
  [{ name: "__Secure-session", domain: "site.example" }, "https://app.site.example/"],
  [{ name: "__Secure-session", domain: "Site.Example" }, "https://app.site.example/"],
  [{ name: "session", secure: false }, "http://site.example/"],
  [{ name: "session", path: "/app" }, "https://site.example/app/page"],
  [{ sameSite: "none", partitioned: true }, home],
  [{ sameSite: "strict", priority: "high" }, home],
  [{ name: "__Http-session", path: "/app" }, "https://site.example/app"],
  [{ name: "__Host-Http-session" }, home],
];

for (const [cookie, url] of accepted) {
  test(`[15][45] logging in and out leaves an empty jar: ${JSON.stringify(cookie)}`, async (t) => {
    const site = new Site(t, { options: { cookie } });
    const visitor = site.visitor();
    await visitor.with((session) => session.login("leo"), { url, method: "POST" });
    const [kept] = visitor.jar.cookies;
    assert.equal(kept?.name, cookie.name ?? "__Host-Http-session");
    assert.notEqual(kept?.sameSite, "default");
    await visitor.with((session) => (session.permanent = true), { url });
    assert.equal(await visitor.subject({ url }), "leo");
    await visitor.with((session) => session.logout(), { url });
    assert.match(visitor.last.headers.getSetCookie()[0] ?? "", /; SameSite=/);
    assert.deepEqual(visitor.jar.cookies, []);
  });
}

const refused: Record<string, unknown>[] = [
  { domain: "site.example" },
  { path: "/app" },
  { secure: false },
  { name: "__host-session", path: "/app" },
  { name: "__HOST-session", secure: false },
  { name: "__Host-Http-session", path: "/a" },
  { name: "__Secure-session", secure: false },
  { name: "__SECURE-session", secure: false },
  { name: "__Http-session", secure: false },
  { name: "session", sameSite: "none", secure: false },
  { name: "session", partitioned: true, secure: false },
  { sameSite: "Lax" },
  { sameSite: "" },
  { sameSite: false },
  { sameSite: null },
  { priority: "High" },
  { name: "" },
  { name: "a b" },
  { name: "a;b" },
  { name: "a=b" },
  { name: "a,b" },
  { name: "ü" },
  { name: "a\r\nb" },
  { name: 5 },
  { name: "session", path: "app" },
  { name: "session", path: "" },
  { name: "session", path: "/a;b" },
  { name: "session", path: "/a\n" },
  { name: "session", path: `/${"a".repeat(1024)}` },
  { name: "session", domain: ".site.example" },
  { name: "session", domain: "site.example:80" },
  { name: "session", domain: "" },
  { name: "session", domain: "https://site.example" },
  { name: "session", domain: `${"a".repeat(63)}.`.repeat(4) },
  { httpOnly: false },
  { httpOnly: true },
  { maxAge: { days: 1 } },
  { samesite: "lax" },
  { expires: 1 },
];

for (const cookie of refused) {
  test(`[11] refused at the start: ${JSON.stringify(cookie).slice(0, 70)}`, () => {
    assert.throws(
      () =>
        createSessions({
          secret: generateSecret(),
          store: memoryStore(),
          cookie: cookie,
        }),
      { name: "ConfigError", code: "COOKIE_CONFIG_INVALID" },
    );
  });
}

test("[17] no environment and no proxy header weakens the cookie", async (t) => {
  const before = process.env["NODE_ENV"];
  t.after(() => {
    if (before === undefined) delete process.env["NODE_ENV"];
    else process.env["NODE_ENV"] = before;
  });
  for (const mode of [undefined, "development", "test", "staging", "production"]) {
    if (mode === undefined) delete process.env["NODE_ENV"];
    else process.env["NODE_ENV"] = mode;
    const visitor = new Site(t).visitor();
    await visitor.with((session) => session.login("leo"), {
      url: "http://localhost/",
      headers: { "x-forwarded-proto": "http", "x-forwarded-host": "evil.example", forwarded: "proto=http" },
    });
    assert.match(
      visitor.last.headers.getSetCookie()[0] ?? "",
      /^__Host-Http-session=.*; Secure; HttpOnly; SameSite=Lax$/,
    );
  }
});

test("[14] a permanent cookie's Max-Age is whole seconds until the session ends, and 400 days at most", async (t) => {
  for (const [permanentLifetime, seconds] of [
    [{ milliseconds: 1 }, 1],
    [{ milliseconds: 1001 }, 2],
    [{ days: 31 }, 31 * 86_400],
    [{ days: 400 }, 34_560_000],
  ] as const) {
    const visitor = new Site(t, { options: { permanentLifetime } }).visitor();
    await visitor.with((session) => {
      session.permanent = true;
      session.set("x", 1);
    });
    assert.match(visitor.last.headers.getSetCookie()[0] ?? "", new RegExp(`; Max-Age=${seconds};`));
  }
  assert.throws(() => new Site(t, { options: { permanentLifetime: { days: 401 } } }), {
    code: "CONFIG_INVALID",
  });
});
