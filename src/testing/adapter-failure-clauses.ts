import assert from "node:assert/strict";
import { clause } from "./adapter-site.ts";
import type { AdapterClause } from "./adapter-site.ts";
import type { TestAnswer, TestRoute } from "./harness.ts";

/** The ways in which a handler can fail, and the status of the response. */
const failures: Readonly<Record<string, { fail: () => Promise<TestAnswer>; status: number }>> = {
  throw: {
    fail: async () => {
      throw new Error("meant to fail");
    },
    status: 500,
  },
  "throw-late": {
    fail: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error("meant to fail");
    },
    status: 500,
  },
  "throw-404": {
    fail: async () => {
      throw Object.assign(new Error("meant to fail"), { status: 404 });
    },
    status: 404,
  },
  "throw-no-error": {
    fail: async () => {
      throw Object.assign(new TypeError("meant to fail"), { code: "ERR_MEANT" });
    },
    status: 500,
  },
  500: { fail: async () => ({ status: 500, body: "failed" }), status: 500 },
  503: { fail: async () => ({ status: 503, body: "busy" }), status: 503 },
  "500-streamed": {
    fail: async () => {
      async function* body(): AsyncGenerator<string> {
        yield "failed";
      }
      return { status: 500, body: body() };
    },
    status: 500,
  },
};

function failing(before: "login" | "logout" | "take"): Readonly<Record<string, TestRoute>> {
  return Object.fromEntries(
    Object.entries(failures).map(([name, { fail }]): [string, TestRoute] => [
      `/${before}-${name}`,
      async (session) => {
        const opened = await session();
        if (before === "login") await opened.login("ben");
        if (before === "take") await opened.takeFlashes();
        if (before === "logout") await opened.logout();
        else opened.set("b", "lost");
        return fail();
      },
    ]),
  );
}

const page = {
  body: "the page",
  headers: { "content-type": "text/html", etag: '"1"', "set-cookie": "own=1", "x-request": "7" },
};

/** What an adapter must do if the handler or the store fails. */
export const failureClauses: readonly AdapterClause[] = [
  clause(
    "S6 keeps a login and sends its cookie however the handler fails, and keeps no data",
    () => failing("login"),
    async (site) => {
      for (const [name, { status }] of Object.entries(failures)) {
        await site.read("/login");
        const response = await site.visit(`/login-${name}`);
        assert.equal(response.status, status, name);
        assert.equal(response.headers.getSetCookie().length, 1, `${name} sends the cookie`);
        await response.text();
        assert.deepEqual(await site.state(), ["ben", {}], name);
      }
    },
  ),

  clause(
    "S6 keeps a logout and clears its cookie however the handler fails",
    () => failing("logout"),
    async (site) => {
      for (const [name, { status }] of Object.entries(failures)) {
        await site.read("/login");
        const cookie = site.jar.header ?? "";
        const response = await site.visit(`/logout-${name}`);
        assert.equal(response.status, status, name);
        await response.text();
        assert.equal(site.jar.header, undefined, `${name} clears the cookie`);
        assert.equal(await (await site.send("/state", { headers: { cookie } })).text(), "[null,{}]", name);
      }
    },
  ),

  clause(
    "gives messages back however the handler fails",
    () => failing("take"),
    async (site) => {
      await site.read("/flash");
      for (const [name, { status }] of Object.entries(failures)) {
        const response = await site.visit(`/take-${name}`);
        assert.equal(response.status, status, name);
        await response.text();
      }
      assert.equal(await site.read("/take"), "hello");
      assert.deepEqual(await site.state(), [null, {}]);
    },
  ),

  clause(
    "responds with 503 and Retry-After, and leaves the cookie alone, if the store can't be reached",
    () => ({}),
    async (site) => {
      await site.read("/login");
      const mend = site.failStore(() => true);
      for (const path of ["/state", "/set-a", "/login", "/take"]) {
        const response = await site.visit(path);
        assert.equal(response.status, 503, path);
        assert.ok(Number(response.headers.get("retry-after")) > 0, `${path} says when to come again`);
        assert.deepEqual(response.headers.getSetCookie(), [], `${path} leaves the cookie alone`);
        await response.text();
      }
      assert.equal(await site.read("/public"), "public", "what needs no session goes on");
      mend();
      assert.deepEqual(await site.state(), ["ana", {}]);
    },
  ),

  clause(
    "responds with 503 to a login that the store refuses, and changes nothing",
    () => ({}),
    async (site) => {
      const mend = site.failStore(({ operation }) => operation === "create");
      const response = await site.visit("/login");
      assert.equal(response.status, 503);
      assert.deepEqual(response.headers.getSetCookie(), []);
      mend();
      assert.deepEqual(await site.state(), [null, {}]);
    },
  ),

  clause(
    "responds with 503 and no part of the page if the commit fails, with the cookie of an earlier login",
    () => ({
      "/page": async (session) => {
        (await session()).set("a", "lost");
        return page;
      },
      "/streamed": async (session) => {
        (await session()).set("a", "lost");
        async function* body(): AsyncGenerator<string> {
          yield "the page";
          yield "goes on";
        }
        return { ...page, body: body() };
      },
      "/redirect": async (session) => {
        (await session()).set("a", "lost");
        return { status: 303, headers: { location: "/done" } };
      },
      "/login-page": async (session) => {
        const opened = await session();
        await opened.login("ben");
        opened.set("a", "lost");
        return page;
      },
    }),
    async (site) => {
      await site.read("/login");
      const mend = site.failStore(
        (call) => call.operation === "patch" && call.patch.set?.has("d:a") === true,
      );
      for (const path of ["/page", "/streamed", "/redirect", "/login-page"]) {
        const response = await site.visit(path);
        assert.equal(response.status, 503, path);
        assert.ok(Number(response.headers.get("retry-after")) > 0, path);
        assert.doesNotMatch(await response.text(), /the page|goes on/, path);
        for (const name of ["etag", "location"])
          assert.equal(response.headers.get(name), null, `${path} ${name}`);
        assert.equal(response.headers.getSetCookie().length, path === "/login-page" ? 1 : 0, path);
      }
      mend();
      assert.deepEqual(await site.state(), ["ben", {}]);
    },
  ),

  clause(
    "responds with 500 if data can't be stored, with the cookie of an earlier login",
    () => ({
      "/unkeepable": async (session) => {
        const opened = await session();
        await opened.login("ben");
        const list: unknown[] = opened.get("list") ?? [];
        list.push(() => "not data");
        return page;
      },
      "/list": async (session) => {
        const opened = await session();
        await opened.login("ben");
        opened.set("list", []);
        return {};
      },
    }),
    async (site) => {
      await site.read("/list");
      const response = await site.visit("/unkeepable");
      assert.equal(response.status, 500);
      assert.doesNotMatch(await response.text(), /the page/);
      assert.equal(response.headers.getSetCookie().length, 1);
      assert.deepEqual(await site.state(), ["ben", { list: [] }]);
    },
  ),
];
