import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Site, testEverywhere } from "../support/site.ts";
import { collectEvents } from "../support/events.ts";
import { createSessions, generateSecret } from "coatcheck";
import type { CrossOriginOptions } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import type { TestData, TestRoute } from "coatcheck/testing";
import * as fc from "fast-check";
import { apps } from "../contracts/apps.ts";
import { overHttp } from "../contracts/servers.ts";
import { createCrossOriginCheck } from "../../src/http/cross-origin.ts";

const own = { host: "site.example" };

/** Go's table for CrossOriginProtection, and what it leaves out. */
const table: readonly [method: string, headers: Record<string, string>, allowed: boolean][] = [
  ["POST", { "sec-fetch-site": "same-origin" }, true],
  ["POST", { "sec-fetch-site": "cross-site" }, false],
  ["POST", { "sec-fetch-site": "same-site" }, false],
  ["POST", { "sec-fetch-site": "none" }, true],
  ["GET", { "sec-fetch-site": "cross-site" }, true],
  ["HEAD", { "sec-fetch-site": "cross-site" }, true],
  ["OPTIONS", { "sec-fetch-site": "cross-site" }, true],
  ["PUT", { "sec-fetch-site": "cross-site" }, false],
  ["PATCH", { "sec-fetch-site": "cross-site" }, false],
  ["DELETE", { "sec-fetch-site": "cross-site" }, false],
  ["QUERY", { "sec-fetch-site": "cross-site" }, false],
  ["PROPFIND", { "sec-fetch-site": "cross-site" }, false],
  ["POST", {}, true],
  ["POST", { origin: "https://site.example" }, true],
  ["POST", { origin: "https://evil.example" }, false],
  ["POST", { origin: "null" }, false],
  ["POST", { origin: "https://site.example:8443" }, false],
  ["POST", { origin: "https://site.example.evil.example" }, false],
  ["POST", { origin: "https://evil-site.example" }, false],
  ["POST", { origin: "https://sub.site.example" }, false],
  ["POST", { origin: "https://site.example." }, false],
  ["POST", { origin: "https://site.example/" }, false],
  ["POST", { origin: "https://user@site.example" }, false],
  ["POST", { origin: "https://site.example@evil.example" }, false],
  ["POST", { origin: "https://site.example\\@evil.example" }, false],
  ["POST", { origin: "https://SITE.example" }, false],
  ["POST", { origin: "https://s\u00efte.example" }, false],
  ["POST", { origin: "https://site.example, https://evil.example" }, false],
  ["POST", { origin: "https://evil.example, https://site.example" }, false],
  ["POST", { origin: "file://site.example" }, false],
  ["POST", { origin: "site.example" }, false],
  ["POST", { origin: "//site.example" }, false],
  // What the browser says itself goes before what can be forged or lost on the way.
  ["POST", { "sec-fetch-site": "cross-site", origin: "https://site.example" }, false],
  ["POST", { "sec-fetch-site": "same-origin", origin: "https://evil.example" }, true],
  ["POST", { "sec-fetch-site": "Same-Origin" }, false],
  ["POST", { "sec-fetch-site": "same-origin, cross-site" }, false],
  ["POST", { "sec-fetch-site": "future-value" }, false],
  ["POST", { "sec-fetch-site": "same-originx" }, false],
];

testEverywhere(
  "[61][62][66] unsafe requests from other sites are refused, whoever sends them",
  async (site) => {
    const leo = site.visitor();
    await leo.login("leo");
    for (const [method, headers, allowed] of table) {
      for (const visitor of [leo, site.visitor()]) {
        let ran = false;
        const response = await visitor.sendQuietly(
          () => {
            ran = true;
            return new Response();
          },
          { method, headers: { ...own, ...headers } },
        );
        const what = `${method} ${JSON.stringify(headers)}`;
        assert.equal(response.status, allowed ? 200 : 403, what);
        assert.equal(ran, allowed, what);
      }
    }
  },
);

const contentTypes = [
  undefined,
  "",
  "text/plain",
  "TEXT/PLAIN",
  "text/plain; charset=utf-8",
  "text/plain;application/json",
  "application/x-www-form-urlencoded",
  "Application/X-WWW-Form-Urlencoded",
  "multipart/form-data; boundary=x",
  "application/json",
  "application/json; charset=utf-8",
  "application/graphql",
  "application/octet-stream",
  "x/y",
  "a,b",
];

testEverywhere("[64] the decision does not depend on the content type", async (site) => {
  const visitor = site.visitor();
  for (const type of contentTypes) {
    for (const cross of [{ "sec-fetch-site": "cross-site" }, { origin: "https://evil.example", ...own }]) {
      const headers = { ...cross, ...(type === undefined ? {} : { "content-type": type }) };
      const response = await visitor.send(() => new Response(), { method: "POST", headers });
      assert.equal(response.status, 403, type);
    }
    const headers = {
      "sec-fetch-site": "same-origin",
      ...(type === undefined ? {} : { "content-type": type }),
    };
    const response = await visitor.send(() => new Response(), { method: "POST", headers });
    assert.equal(response.status, 200, type);
  }
});

testEverywhere("[65] a method override does not lower the check", async (site) => {
  const visitor = site.visitor();
  const response = await visitor.send(() => new Response(), {
    method: "POST",
    url: "https://site.example/?_method=GET",
    headers: { "sec-fetch-site": "cross-site", "x-http-method-override": "GET", "x-method-override": "GET" },
  });
  assert.equal(response.status, 403);
});

testEverywhere(
  "[69] a refused request changes nothing: no call of the store, no cookie, and no cache keeps it",
  async (site, t) => {
    const visitor = site.visitor();
    await visitor.with((session) => session.flash("hello"));
    site.clock.advance(5 * 60_000);
    site.store.forget();
    const events = collectEvents(t);
    const response = await visitor.send(
      async (at) => {
        await (await visitor.sessions.of(at)).takeFlashes();
        return new Response();
      },
      { method: "POST", headers: { "sec-fetch-site": "cross-site" } },
    );
    assert.equal(response.status, 403);
    assert.deepEqual(site.store.calls, []);
    assert.deepEqual(response.headers.getSetCookie(), []);
    assert.equal(response.headers.get("cache-control"), "no-store");
    assert.match(response.headers.get("vary") ?? "", /sec-fetch-site/i);
    assert.deepEqual(events, [
      { type: "cross-origin-refused", method: "POST", cookie: "__Host-Http-session" },
    ]);
    assert.equal((await visitor.with((session) => session.takeFlashes())).length, 1);
  },
);

testEverywhere("[66] a login form on another site logs nobody in", async (site) => {
  const visitor = site.visitor();
  await visitor.send(
    async (at) => {
      await (await visitor.sessions.of(at)).login("mallory");
      return new Response();
    },
    { method: "POST", headers: { "sec-fetch-site": "cross-site" } },
  );
  assert.equal(visitor.ticket, undefined);
  assert.deepEqual(await site.store.dump(), []);
});

describe("the cross-origin check's options", () => {
  const allowed = (options: CrossOriginOptions, headers: Record<string, string>, method = "POST") =>
    createCrossOriginCheck(options).allows({ method, header: (name) => headers[name] });

  test("[62] with configured origins, scheme and port count and Host does not", () => {
    const origins = ["https://site.example", "https://site.example:8443"];
    assert.equal(allowed({ origins }, { origin: "https://site.example", host: "inner:80" }), true);
    assert.equal(allowed({ origins }, { origin: "https://site.example:8443" }), true);
    assert.equal(allowed({ origins }, { origin: "http://site.example", ...own }), false);
    assert.equal(allowed({ origins }, { origin: "https://site.example:444", ...own }), false);
    assert.equal(allowed({ origins }, { origin: "https://inner", host: "inner" }), false);
  });

  test("a trusted origin may send unsafe requests, and only in its exact spelling", () => {
    const options = { trustedOrigins: ["https://pay.example"] };
    const cross = { "sec-fetch-site": "cross-site", ...own };
    assert.equal(allowed(options, { ...cross, origin: "https://pay.example" }), true);
    for (const origin of [
      "http://pay.example",
      "https://pay.example.",
      "https://pay.example/",
      "https://xpay.example",
      "null",
      "",
    ]) {
      assert.equal(allowed(options, { ...cross, origin }), false, origin);
    }
  });

  test("[63] strict refuses what comes without both headers", () => {
    assert.equal(allowed({ strict: true }, own), false);
    assert.equal(allowed({ strict: true }, own, "GET"), true);
    assert.equal(allowed({ strict: true }, { ...own, origin: "https://site.example" }), true);
    assert.equal(allowed({}, own), true);
  });

  test("an Origin without a Host to compare with is refused", () => {
    assert.equal(allowed({}, { origin: "https://site.example" }), false);
    assert.equal(allowed({}, { origin: "https://", host: "" }), false);
    assert.equal(allowed({}, { origin: "nonsense" }), false);
  });

  test("[68] what is no origin is refused at the start", (t) => {
    const bad = [
      "",
      "*",
      "null",
      "site.example",
      "https://site.example/",
      "https://site.example/a",
      "https://a?b",
      "ftp://a",
      "ws://a",
      "file://",
      "file://a",
      "data:text/html,x",
      "capacitor://",
      "capacitor://*",
      "capacitor://localhost/",
      "chrome-extension://*/",
      "chrome-extension://a b",
      "HTTPS://A",
      "https://site.example:443",
      "https://u@a",
    ];
    for (const origin of bad) {
      for (const crossOrigin of [{ origins: [origin] }, { trustedOrigins: [origin] }]) {
        assert.throws(() => new Site(t, { options: { crossOrigin } }), { code: "CONFIG_INVALID" }, origin);
      }
    }
    assert.throws(() => new Site(t, { options: { crossOrigin: { origins: ["capacitor://localhost"] } } }), {
      code: "CONFIG_INVALID",
    });
    assert.throws(() => new Site(t, { options: { crossOrigin: { trusted: [] } as CrossOriginOptions } }), {
      code: "CONFIG_INVALID",
    });
  });

  test("false turns it off", async (t) => {
    const visitor = new Site(t, { options: { crossOrigin: false } }).visitor();
    const response = await visitor.send(() => new Response(), {
      method: "POST",
      headers: { "sec-fetch-site": "cross-site" },
    });
    assert.equal(response.status, 200);
  });

  test("apps and extensions can be trusted, each by its own origin", () => {
    const origins = [
      "capacitor://localhost",
      "ionic://localhost",
      "tauri://localhost",
      "http://tauri.localhost",
      "app://-",
      "app://.",
      "vscode-webview://1a2b-3c",
      "chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb",
      "moz-extension://6a2fd6f0-4a22-4e0a-a5d0-0b1f7f7b0d5a",
      "safari-web-extension://6A2FD6F0-4A22-4E0A-A5D0-0B1F7F7B0D5A",
    ];
    for (const origin of origins) {
      const headers = { ...own, origin, "sec-fetch-site": "cross-site" };
      assert.equal(allowed({ trustedOrigins: [origin] }, headers), true, origin);
      assert.equal(
        allowed({ trustedOrigins: origins.filter((one) => one !== origin) }, headers),
        false,
        origin,
      );
      assert.equal(allowed({}, { origin, host: origin.split("//")[1] ?? "" }), origin.startsWith("http"));
    }
  });

  test("the Host's spelling does not matter: default ports, case, underscores, a dot at the end, IPv6", () => {
    for (const [origin, host] of [
      ["http://intranet.local", "intranet.local:80"],
      ["https://intranet.local", "intranet.local:443"],
      ["https://site.example", "SITE.Example"],
      ["http://my_app:3000", "my_app:3000"],
      ["http://site.example.", "site.example."],
      ["http://[::1]:8080", "[::1]:8080"],
      ["http://[::1]", "[0:0:0:0:0:0:0:1]:80"],
      ["https://xn--mnchen-3ya.example", "xn--mnchen-3ya.example:443"],
    ] as const) {
      assert.equal(allowed({}, { origin, host }), true, `${origin} ${host}`);
    }
    for (const [origin, host] of [
      ["http://intranet.local", "intranet.local:443"],
      ["https://intranet.local", "intranet.local:80"],
      ["http://intranet.local:8080", "intranet.local"],
      ["http://site.example", "site.example."],
      ["http://site.example", "evil.example/@site.example"],
      ["http://site.example", "evil.example@site.example"],
      ["http://site.example", "site.example\\evil.example"],
      ["http://site.example", "site.example#"],
      ["http://site.example", "site.%65xample"],
      ["http://site.example", "site.ex\u00adample"],
      ["http://site.example", "site.example, evil.example"],
      ["http://site.example", ""],
    ] as const) {
      assert.equal(allowed({}, { origin, host }), false, `${origin} ${host}`);
    }
  });

  /** Host names as people and machines have them. */
  const hostname = fc.oneof(
    fc.constantFrom(
      "site.example",
      "a.site.example",
      "localhost",
      "my_app",
      "10.0.0.1",
      "[::1]",
      "[2001:db8::7]",
    ),
    fc.domain(),
    fc.constantFrom("münchen.example", "Site.Example", "site.example."),
  );
  const place = fc.record({
    scheme: fc.constantFrom("http", "https"),
    hostname,
    port: fc.oneof(
      fc.constantFrom("", ":80", ":443", ":3000"),
      fc.nat(65_535).map((port) => `:${port}`),
    ),
  });
  /** What a browser sends as Host, and what proxies make of it. */
  const hostForms: readonly ((url: URL) => string)[] = [
    (url) => url.host,
    (url) => `${url.hostname}:${url.port === "" ? (url.protocol === "https:" ? 443 : 80) : url.port}`,
    (url) => url.host.toUpperCase(),
  ];

  test("whatever host and port: allowed exactly where the page's URL has the same origin", () => {
    fc.assert(
      fc.property(place, place, fc.boolean(), fc.constantFrom(...hostForms), (at, other, isSame, form) => {
        const site = new URL(`${at.scheme}://${at.hostname}${at.port}`);
        // Without configured origins nothing tells the scheme of the site.
        const page = new URL(isSame ? site : `${at.scheme}://${other.hostname}${other.port}`);
        assert.equal(
          allowed({}, { origin: page.origin, host: form(site) }),
          page.origin === site.origin,
          `${page.origin} to ${form(site)}`,
        );
        // With them it counts.
        const away = new URL(`${other.scheme}://${other.hostname}${other.port}`);
        assert.equal(
          allowed({ origins: [site.origin] }, { origin: away.origin, host: form(site) }),
          away.origin === site.origin,
        );
      }),
      { numRuns: 2000 },
    );
  });

  test("a path that is exempt may be posted to from anywhere, and no other path", () => {
    const check = createCrossOriginCheck({ exemptPaths: ["/login/apple", "/saml/acs"] });
    const post = (path?: string): boolean =>
      check.allows({
        method: "POST",
        path,
        header: (name) => ({ ...own, origin: "null" })[name as "origin"],
      });
    assert.equal(post("/login/apple"), true);
    assert.equal(post("/saml/acs"), true);
    for (const path of [
      undefined,
      "",
      "/",
      "/login",
      "/login/apple/",
      "/login/apple/x",
      "/LOGIN/apple",
      "//login/apple",
      "/login//apple",
      "/login/%61pple",
      "/x/../login/apple",
      "/login/apple;x",
      "/login/apple#/transfer",
      "http://site.example/login/apple",
    ]) {
      assert.equal(post(path), false, path);
    }
    // A WebSocket's session is not let in by it.
    assert.equal(check.isOurs({ method: "GET", path: "/login/apple", header: () => "null" }), false);
  });

  test("what is no whole path is refused at the start", () => {
    for (const path of [
      "",
      "login",
      "/a*",
      "/:id/a",
      "/a?b",
      "/a#b",
      "https://a/b",
      "/a b",
      "/{a}",
      "/(a)",
      1,
    ]) {
      assert.throws(() => createCrossOriginCheck({ exemptPaths: [path as string] }), {
        code: "CONFIG_INVALID",
      });
    }
  });
});

for (const [name, make] of Object.entries(apps)) {
  test(`${name}: exemptPaths opens one route to forms of other sites`, async (t) => {
    const sessions = createSessions<TestData>({
      secret: generateSecret(),
      store: memoryStore(),
      crossOrigin: { exemptPaths: ["/login/callback"] },
    });
    const route: TestRoute = async () => ({ body: "ran" });
    const server = await overHttp(make)(sessions, { "/login/callback": route, "/transfer": route });
    t.after(() => server.close());
    const post = async (path: string): Promise<number> => {
      const request = new Request(`http://localhost${path}`, {
        method: "POST",
        headers: { origin: "null", "sec-fetch-site": "cross-site" },
        body: "code=1",
      });
      const response = await server.fetch(request);
      await response.body?.cancel();
      return response.status;
    };
    assert.equal(await post("/login/callback"), 200);
    assert.equal(await post("/login/callback?from=/transfer"), 200);
    assert.equal(await post("/transfer"), 403);
    assert.equal(await post("/transfer?/login/callback"), 403);
  });
}
