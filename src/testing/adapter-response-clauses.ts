import assert from "node:assert/strict";
import { MisuseError } from "../errors.ts";
import { clause, Gate } from "./adapter-site.ts";
import type { AdapterClause } from "./adapter-site.ts";
import type { TestAnswer } from "./harness.ts";

async function* chunks(...texts: string[]): AsyncGenerator<string> {
  yield* texts;
}

/** Every kind of response, and the body that must arrive. */
const answers: Readonly<Record<string, { answer: () => TestAnswer; body?: string; method?: string }>> = {
  "/page": { answer: () => ({ body: "page" }), body: "page" },
  "/empty": { answer: () => ({}), body: "" },
  "/streamed": { answer: () => ({ body: chunks("one ", "two ", "three") }), body: "one two three" },
  "/head": { answer: () => ({ body: "page" }), body: "", method: "HEAD" },
  "/redirect": { answer: () => ({ status: 303, headers: { location: "/page" } }) },
  "/204": { answer: () => ({ status: 204 }), body: "" },
  "/304": { answer: () => ({ status: 304, headers: { etag: '"1"' } }), body: "" },
  "/404": { answer: () => ({ status: 404, body: "nothing here" }), body: "nothing here" },
};

const kinds = Object.fromEntries(
  Object.entries(answers).map(([path, { answer }]) => [
    path,
    async (session: () => Promise<{ set(key: "a", value: string): void }>): Promise<TestAnswer> => {
      (await session()).set("a", path);
      return answer();
    },
  ]),
);

/** What an adapter does with the responses of handlers that succeed. */
export const responseClauses: readonly AdapterClause[] = [
  clause(
    "sends no byte of any kind of response before the store has acknowledged the commit",
    () => kinds,
    async (site) => {
      await site.read("/login");
      const { around } = site.probe;
      for (const [path, { body, answer, method = "GET" }] of Object.entries(answers)) {
        const commit = new Gate();
        site.probe.around = async (call, run) => {
          if (call.operation === "patch") await commit.arrive();
          return run();
        };
        let hasArrived = false;
        const visit = site.visit(path, { method }).then((response) => {
          hasArrived = true;
          return response;
        });
        await Promise.race([commit.arrived, visit]);
        // Anything sent by now would arrive before these responses.
        for (let trips = 0; trips < 3; trips++) await site.read("/public");
        assert.equal(hasArrived, false, `${path} waits for the commit`);
        commit.open();
        const response = await visit;
        assert.equal(response.status, answer().status ?? 200, path);
        const text = await response.text();
        // Some frameworks add a body to a redirect.
        assert.equal(text, body ?? text, path);
        site.probe.around = around;
        assert.deepEqual(await site.state(), ["ana", { a: path }]);
      }
    },
  ),

  clause(
    "lets a body stream once the commit is acknowledged, and refuses late writes to the session",
    () => {
      const gates = { "/stream": new Gate() };
      return {
        "/stream": async (session) => {
          const opened = await session();
          opened.set("a", "kept");
          async function* body(): AsyncGenerator<string> {
            yield "one ";
            await gates["/stream"].arrive();
            try {
              opened.set("b", "late");
              yield "accepted";
            } catch (error) {
              yield error instanceof MisuseError ? error.code : "another error";
            }
          }
          return { body: body() };
        },
        "/go-on": async () => {
          gates["/stream"].open();
          return {};
        },
      };
    },
    async (site) => {
      const response = await site.visit("/stream");
      assert.equal(response.headers.getSetCookie().length, 1, "the cookie comes with the headers");
      const reader = response.body?.getReader();
      const first = await reader?.read();
      assert.equal(
        Buffer.from(first?.value ?? []).toString(),
        "one ",
        "the first chunk does not wait for the last",
      );
      await site.read("/go-on");
      let rest = "";
      for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
        rest += Buffer.from(read.value).toString();
      }
      assert.equal(rest, "AFTER_RESPONSE");
      assert.deepEqual(await site.state(), [null, { a: "kept" }]);
    },
  ),

  clause(
    "refuses to write to a session whose response has been sent, even if it is opened only then",
    (sessions) => {
      const left: { late?: () => Promise<unknown>; later?: () => Promise<unknown> } = {};
      const codeOf = async (work: (() => Promise<unknown>) | undefined): Promise<string> => {
        try {
          await work?.();
          return "accepted";
        } catch (error) {
          return error instanceof MisuseError ? error.code : "another error";
        }
      };
      return {
        "/leave": async (session, request) => {
          const opened = await session();
          left.late = async () => opened.set("a", "late");
          left.later = async () => sessions.cookies(request).set("late", "1");
          return {};
        },
        "/leave-untouched": async (session, request) => {
          left.late = async () => (await session()).set("a", "late");
          left.later = async () => sessions.cookies(request).set("late", "1");
          return {};
        },
        "/late": async () => ({ body: `${await codeOf(left.late)} ${await codeOf(left.later)}` }),
      };
    },
    async (site) => {
      for (const path of ["/leave", "/leave-untouched"]) {
        await site.read(path);
        assert.equal(await site.read("/late"), "AFTER_RESPONSE AFTER_RESPONSE", path);
      }
    },
  ),

  clause(
    "sends the app's own cookies beside the session's, each on a line of its own",
    (sessions) => ({
      "/cookies": async (session, request) => {
        await (await session()).login("ana");
        sessions.cookies(request).set("theme", "dark");
        return {
          body: "",
          headers: { "set-cookie": ["one=1; Path=/", "two=2; Expires=Thu, 01 Jan 2099 00:00:00 GMT"] },
        };
      },
    }),
    async (site) => {
      const cookies = (await site.visit("/cookies")).headers.getSetCookie();
      const names = new Set(cookies.map((cookie) => cookie.slice(0, cookie.indexOf("="))));
      assert.equal(cookies.length, 4, cookies.join("\n"));
      for (const name of ["one", "two", "theme"]) assert.ok(names.has(name), name);
      assert.ok(cookies.includes("two=2; Expires=Thu, 01 Jan 2099 00:00:00 GMT"), "as the app wrote it");
      assert.deepEqual(await site.state(), ["ana", {}]);
    },
  ),

  clause(
    "gives a message to the first page that is seen: not to HEAD, and not to a redirect or 304",
    () => ({
      "/take-redirect": async (session) => {
        await (await session()).takeFlashes();
        return { status: 302, headers: { location: "/" } };
      },
      "/take-304": async (session) => {
        await (await session()).takeFlashes();
        return { status: 304 };
      },
    }),
    async (site) => {
      await site.read("/flash");
      assert.equal((await site.visit("/take", { method: "HEAD" })).status, 200);
      assert.equal((await site.visit("/take-redirect")).headers.get("location"), "/");
      assert.equal((await site.visit("/take-304")).status, 304);
      const page = await site.visit("/take");
      assert.equal(page.headers.get("cache-control"), "no-store", "nor may a cache show it twice");
      assert.equal(await page.text(), "hello");
      assert.equal(await site.read("/take"), "");
    },
  ),

  clause(
    "keeps shared caches from storing pages that used the session, and merges with the app's own headers",
    () => {
      const looked =
        (headers: Readonly<Record<string, string>>) => async (session: () => Promise<unknown>) => {
          await session();
          return { body: "", headers };
        };
      return {
        "/plain": looked({}),
        "/public-cache": looked({ "cache-control": "public, s-maxage=60" }),
        "/private": looked({ "cache-control": "private, max-age=5", vary: "Accept" }),
        "/never": looked({ "cache-control": "no-store", vary: "Accept, cookie" }),
        "/any": looked({ vary: "*" }),
      };
    },
    async (site) => {
      await site.read("/login");
      const merged = {
        "/plain": ["private, no-cache", "Cookie"],
        "/public-cache": ["private, no-cache", "Cookie"],
        "/private": ["private, max-age=5", "Accept, Cookie"],
        "/never": ["no-store", "Accept, cookie"],
        "/any": ["private, no-cache", "*"],
      };
      for (const [path, expected] of Object.entries(merged)) {
        const { headers } = await site.visit(path);
        assert.deepEqual([headers.get("cache-control"), headers.get("vary")], expected, path);
      }
      const { headers } = await site.visit("/login");
      assert.deepEqual([headers.get("cache-control"), headers.get("vary")], ["no-store", "Cookie"]);
    },
  ),
];
