import assert from "node:assert/strict";
import { clientClauses } from "./adapter-client-clauses.ts";
import { failureClauses } from "./adapter-failure-clauses.ts";
import { responseClauses } from "./adapter-response-clauses.ts";
import { clause } from "./adapter-site.ts";
import type { AdapterClause } from "./adapter-site.ts";
import { CookieJar } from "./cookie-jar.ts";

/**
 * The contract of every adapter, whatever the framework. Run it over real sockets. Also run {@link races} in
 * process, since only there every order can be tried.
 */
export const adapterContract: readonly AdapterClause[] = [
  clause(
    "adds no headers and calls no store if the session is not used",
    () => ({
      "/plain": async () => ({
        body: "page",
        headers: { "cache-control": "public, max-age=60", vary: "Accept" },
      }),
    }),
    async (site) => {
      await site.read("/login");
      const calls = await site.callsOf(async () => {
        const { headers } = await site.visit("/plain");
        assert.equal(headers.get("cache-control"), "public, max-age=60");
        assert.equal(headers.get("vary"), "Accept");
        assert.deepEqual(headers.getSetCookie(), []);
      });
      assert.deepEqual(calls, []);
    },
  ),

  clause(
    "costs one read to look, one write to log in, and one of each to show a message",
    () => ({}),
    async (site) => {
      assert.deepEqual(await site.callsOf(async () => site.read("/state")), [], "strangers cost nothing");
      assert.deepEqual(await site.callsOf(async () => site.read("/login")), ["create"]);
      assert.deepEqual(await site.callsOf(async () => site.read("/state")), ["read"]);
      assert.deepEqual(await site.callsOf(async () => site.read("/flash")), ["read", "patch"]);
      assert.deepEqual(await site.callsOf(async () => site.read("/take")), ["read", "patch"]);
    },
  ),

  clause(
    "finds the current session below the handler: after awaits, timers and the reading of a body",
    (sessions) => {
      const deep = async (): Promise<string> => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        await new Promise((resolve) => setImmediate(resolve));
        const session = await sessions.current();
        session.set("a", session.subject ?? "nobody");
        sessions.currentCookies().set("seen", "yes");
        return session.get("a") ?? "";
      };
      return { "/deep": async () => ({ body: await deep() }) };
    },
    async (site) => {
      await site.read("/login");
      const response = await site.visit("/deep", {
        method: "POST",
        body: '{"a":1}',
        headers: { "content-type": "application/json" },
      });
      assert.equal(await response.text(), "ana");
      assert.match(response.headers.getSetCookie().join(), /^seen=yes/);
      assert.deepEqual(await site.state(), ["ana", { a: "ana" }]);
    },
  ),

  clause(
    "shows each of fifty concurrent visitors only their own session",
    (sessions) => ({
      "/become": async (session, request) => {
        const opened = await session();
        const name = sessions.cookies(request).get("name") ?? "";
        await opened.login(name);
        opened.set("a", name);
        return { body: name };
      },
      "/self": async (session) => {
        const opened = await session();
        const current = await sessions.current();
        return { body: `${opened.subject} ${current.get("a")}` };
      },
    }),
    async (site) => {
      const visitors = Array.from({ length: 50 }, async (_, at) => {
        const jar = new CookieJar();
        const name = `visitor-${at}`;
        jar.take(await site.send("/become", { headers: { cookie: `name=${name}` } }));
        for (let visits = 0; visits < 3; visits++) {
          const response = await site.send("/self", { headers: { cookie: jar.header ?? "" } });
          assert.equal(await response.text(), `${name} ${name}`);
        }
      });
      await Promise.all(visitors);
    },
  ),

  clause(
    "refuses writes from other sites with 403, without running a handler or changing anything",
    () => ({}),
    async (site) => {
      await site.read("/login");
      const hostile: readonly Record<string, string>[] = [
        { "sec-fetch-site": "cross-site", origin: "https://evil.example" },
        { "sec-fetch-site": "same-site" },
        { origin: "https://evil.example" },
        { origin: "null" },
      ];
      for (const headers of hostile) {
        const calls = await site.callsOf(async () => {
          const response = await site.visit("/set-a", { method: "POST", headers });
          assert.equal(response.status, 403, JSON.stringify(headers));
          assert.notEqual(await response.text(), "set");
          assert.deepEqual(response.headers.getSetCookie(), []);
        });
        assert.deepEqual(calls, [], JSON.stringify(headers));
      }
      assert.deepEqual(await site.state(), ["ana", {}]);
      const own = await site.visit("/set-a", {
        method: "POST",
        headers: { "sec-fetch-site": "same-origin" },
      });
      assert.equal(own.status, 200);
      const read = await site.visit("/state", { headers: { "sec-fetch-site": "cross-site" } });
      assert.equal(read.status, 200, "a link from another site is welcome");
    },
  ),

  clause(
    "compares an Origin with the host that the request was sent to",
    (sessions) => ({
      "/host": async (_, request) => {
        sessions.cookies(request);
        return { body: "welcome" };
      },
    }),
    async (site) => {
      const own = await site.visit("/host", { method: "POST", headers: { origin: "http://localhost" } });
      assert.equal(await own.text(), "welcome");
      const other = await site.visit("/host", { method: "POST", headers: { origin: "http://localhost:1" } });
      assert.equal(other.status, 403);
    },
  ),

  ...responseClauses,
  ...failureClauses,
  ...clientClauses,
];
