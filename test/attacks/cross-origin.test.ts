import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Site, testEverywhere } from "../support/site.ts";
import { collectEvents } from "../support/events.ts";
import type { CrossOriginOptions } from "coatcheck";
import { createOriginCheck } from "../../src/core/origin-check.ts";

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
    createOriginCheck(options).allows({ method, header: (name) => headers[name] });

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
      "HTTPS://A",
      "https://site.example:443",
      "https://u@a",
    ];
    for (const origin of bad) {
      for (const crossOrigin of [{ origins: [origin] }, { trustedOrigins: [origin] }]) {
        assert.throws(() => new Site(t, { options: { crossOrigin } }), { code: "CONFIG_INVALID" }, origin);
      }
    }
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
});
