import assert from "node:assert/strict";
import { createSessions, generateSecret } from "coatcheck";
import type { Sessions, SessionsOptions } from "coatcheck";
import { fetchSessions } from "coatcheck/fetch";
import { memoryStore } from "coatcheck/memory";
import { CookieJar, probeStore } from "coatcheck/testing";
import type { RuntimeClause, Sending, Serve } from "./clause.ts";

interface Data {
  readonly who: string;
  readonly n: number;
}

type Handler = (sessions: Sessions<Data>, request: Request) => Response | Promise<Response>;

const text = new TextEncoder();

/** A body in three pieces, each a turn of the event loop after the other. */
function streamed(): ReadableStream<Uint8Array> {
  let piece = 0;
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (piece++ === 3) controller.close();
      else controller.enqueue(text.encode(`piece ${piece};`));
    },
  });
}

const routes: Readonly<Record<string, Handler>> = {
  "/public": () => new Response("hello"),
  "/who": async (sessions) => new Response((await sessions.current()).get("who") ?? "nobody"),
  "/be": async (sessions, request) => {
    const session = await sessions.of(request);
    session.set("who", new URL(request.url).searchParams.get("who") ?? "");
    // Two turns of the event loop, so that other visitors' requests come between.
    await new Promise((resolve) => setTimeout(resolve, 2));
    return new Response((await sessions.current()).get("who"));
  },
  "/increment": async (sessions, request) => {
    const session = await sessions.of(request);
    return new Response(String(await session.update("n", (n = 0) => n + 1)));
  },
  "/login": async (sessions, request) => {
    await (await sessions.of(request)).login("ana");
    sessions.cookies(request).set("theme", "dark");
    return new Response("in", { headers: { "set-cookie": "own=1; Path=/" } });
  },
  "/logout": async (sessions, request) => {
    await (await sessions.of(request)).logout();
    return Response.redirect(new URL("/public", request.url), 303);
  },
  "/subject": async (sessions, request) => new Response((await sessions.of(request)).subject ?? "nobody"),
  "/fail": async (sessions, request) => {
    const session = await sessions.of(request);
    await session.login("ana");
    session.set("who", "lost");
    throw new Error("meant to fail");
  },
  "/stream": async (sessions, request) => {
    (await sessions.of(request)).set("who", "streamed");
    return new Response(streamed());
  },
  "/nothing": async (sessions, request) => {
    (await sessions.of(request)).set("who", "nothing");
    return new Response(null, { status: 204 });
  },
};

interface Site {
  readonly sessions: Sessions<Data>;
  readonly probe: ReturnType<typeof probeStore>;
  /** Sends a request with a jar's cookies, which takes the answer's. */
  readonly visit: (jar: CookieJar, path: string, init?: Sending) => Promise<Response>;
}

/** Clauses about requests and responses as this runtime makes and serves them. */
export function fetchClauses(serve: Serve): RuntimeClause[] {
  const clause = (
    name: string,
    check: (site: Site) => Promise<void>,
    options: Partial<SessionsOptions> = {},
  ): RuntimeClause => ({
    name,
    async check() {
      const probe = probeStore(memoryStore());
      const sessions = createSessions<Data>({ secret: generateSecret(), store: probe.store, ...options });
      const answer = fetchSessions(
        sessions,
        (request) =>
          routes[new URL(request.url).pathname]?.(sessions, request) ?? new Response("", { status: 404 }),
        { onError: () => new Response("failed", { status: 500 }) },
      );
      const door = await serve(answer);
      try {
        await check({
          sessions,
          probe,
          async visit(jar, path, init = {}) {
            const headers = new Headers(init.headers);
            if (jar.header !== undefined) headers.set("cookie", jar.header);
            const response = await door.send(path, { ...init, headers });
            jar.take(response);
            return response;
          },
        });
      } finally {
        probe.around = (_, run) => run();
        await door.close();
        await sessions.close();
      }
    },
  });

  return [
    clause("a request that does not ask for its session costs nothing", async ({ visit, probe }) => {
      const response = await visit(new CookieJar(), "/public");
      assert.equal(await response.text(), "hello");
      assert.deepEqual(response.headers.getSetCookie(), []);
      assert.equal(response.headers.get("vary"), null);
      assert.deepEqual(probe.calls, []);
    }),

    clause("what was set is there on the next request, and reading sets no cookie", async ({ visit }) => {
      const jar = new CookieJar();
      assert.equal(await (await visit(jar, "/be?who=ana")).text(), "ana");
      const response = await visit(jar, "/who");
      assert.equal(await response.text(), "ana");
      assert.deepEqual(response.headers.getSetCookie(), []);
      assert.match(response.headers.get("vary") ?? "", /cookie/i);
      assert.equal(response.headers.get("cache-control"), "private, no-cache");
    }),

    clause("a login, a cookie and the app's own cookie go out, one line each", async ({ visit }) => {
      const jar = new CookieJar();
      const response = await visit(jar, "/login");
      assert.equal(response.headers.get("cache-control"), "no-store");
      const names = response.headers.getSetCookie().map((line) => line.slice(0, line.indexOf("=")));
      assert.deepEqual(names.toSorted(), ["__Host-Http-session", "own", "theme"]);
      assert.equal(await (await visit(jar, "/subject")).text(), "ana");
    }),

    clause("a logout with a redirect ends the session and clears its cookie", async ({ visit }) => {
      const jar = new CookieJar();
      await (await visit(jar, "/login")).text();
      const stolen = jar.header ?? "";
      const response = await visit(jar, "/logout");
      assert.equal(response.status, 303);
      assert.match(response.headers.get("location") ?? "", /\/public$/);
      assert.equal(jar.get("__Host-Http-session"), undefined);
      const replay = await visit(new CookieJar(), "/subject", { headers: { cookie: stolen } });
      assert.equal(await replay.text(), "nobody");
    }),

    clause("a handler that throws after a login keeps the login, and no data", async ({ visit }) => {
      const jar = new CookieJar();
      const response = await visit(jar, "/fail");
      assert.equal(response.status, 500);
      await response.text();
      assert.equal(await (await visit(jar, "/subject")).text(), "ana");
      assert.equal(await (await visit(jar, "/who")).text(), "nobody");
    }),

    clause("no byte leaves before the store has acknowledged", async ({ visit, probe }) => {
      let acknowledged = false;
      probe.around = async (_, run) => {
        const outcome = await run();
        await new Promise((resolve) => setTimeout(resolve, 50));
        acknowledged = true;
        return outcome;
      };
      const response = await visit(new CookieJar(), "/stream");
      assert.ok(acknowledged, "the headers came after the commit");
      assert.equal(await response.text(), "piece 1;piece 2;piece 3;");
      assert.equal(response.headers.getSetCookie().length, 1);
    }),

    clause(
      "a commit that fails is a 503 that leaves the cookie alone, never a 200",
      async ({ visit, probe }) => {
        const jar = new CookieJar();
        await (await visit(jar, "/be?who=ana")).text();
        probe.around = async (call, run) => {
          if (call.operation !== "read") throw new Error("the store is down");
          return run();
        };
        const response = await visit(jar, "/be?who=bob");
        assert.equal(response.status, 503);
        assert.equal(response.headers.get("retry-after"), "5");
        assert.deepEqual(response.headers.getSetCookie(), []);
        await response.text();
      },
    ),

    clause(
      "a store that does not answer in time is a 503",
      async ({ visit, probe }) => {
        const jar = new CookieJar();
        await (await visit(jar, "/be?who=ana")).text();
        // Longer than the store's deadline, and over before the clause is.
        probe.around = async (_, run) => {
          await new Promise((resolve) => setTimeout(resolve, 120));
          return run();
        };
        const response = await visit(jar, "/who");
        assert.equal(response.status, 503);
        await response.text();
        await new Promise((resolve) => setTimeout(resolve, 150));
      },
      { storeTimeout: { milliseconds: 30 } },
    ),

    clause("a 204 and a HEAD carry their headers and no body", async ({ visit }) => {
      const jar = new CookieJar();
      const response = await visit(jar, "/nothing");
      assert.equal(response.status, 204);
      assert.equal(response.headers.getSetCookie().length, 1);
      const head = await visit(jar, "/who", { method: "HEAD" });
      assert.equal(head.status, 200);
      assert.equal(await head.text(), "");
    }),

    clause("a form posted by another site is refused", async ({ visit, probe }) => {
      const response = await visit(new CookieJar(), "/login", {
        method: "POST",
        headers: { origin: "https://elsewhere.example" },
      });
      assert.equal(response.status, 403);
      assert.deepEqual(probe.calls, []);
      await response.text();
    }),

    clause("fifty visitors at once each see only themselves", async ({ visit }) => {
      await Promise.all(
        Array.from({ length: 50 }, async (_, at) => {
          const jar = new CookieJar();
          assert.equal(await (await visit(jar, `/be?who=visitor-${at}`)).text(), `visitor-${at}`);
          assert.equal(await (await visit(jar, "/who")).text(), `visitor-${at}`);
        }),
      );
    }),

    clause("fifty increments at once are told 1 to 50", async ({ visit }) => {
      const jar = new CookieJar();
      await (await visit(jar, "/login")).text();
      const told = await Promise.all(
        Array.from({ length: 50 }, async () => Number(await (await visit(jar, "/increment")).text())),
      );
      assert.deepEqual(
        told.toSorted((one, other) => one - other),
        Array.from({ length: 50 }, (_, at) => at + 1),
      );
    }),
  ];
}
