// The eight races once more over real sockets with a browser's jar: here the handler itself waits in
// the middle, as one does that asks a slow service, until the other request's answer has arrived.

import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { serve } from "@hono/node-server";
import { createSessions, generateSecret } from "coatcheck";
import type { Session, Sessions, Store } from "coatcheck";
import { fetchSessions } from "coatcheck/fetch";
import { honoSessions } from "coatcheck/hono";
import { memoryStore } from "coatcheck/memory";
import { sqliteStore } from "coatcheck/sqlite";
import { CookieJar } from "coatcheck/testing";
import { Hono } from "hono";

interface Data {
  readonly a: string;
  readonly b: string;
  readonly n: number;
}

type Action = (session: Session<Data>) => unknown;
type Handler = (request: Request) => Response | Promise<Response>;

const actions: Readonly<Record<string, Action>> = {
  "/read": (session) => session.get("a") ?? "",
  "/set-a": (session) => session.set("a", "A"),
  "/set-b": (session) => session.set("b", "B"),
  "/increment": async (session) => session.update("n", (n = 0) => n + 1),
  "/login": async (session) => session.login("ana"),
  "/login-fail": async (session) => {
    await session.login("ana");
    session.set("a", "lost");
    throw new Error("meant to fail");
  },
  "/logout": async (session) => session.logout(),
  "/logout-fail": async (session) => {
    await session.logout();
    throw new Error("meant to fail");
  },
  "/who": (session) => JSON.stringify([session.subject ?? null, Object.fromEntries(session.entries())]),
};

/** A site over a real socket. A request with `?wait` has opened its session when `arrived` resolves, and goes on at `release`. */
class Site {
  readonly jar = new CookieJar();
  readonly sessions: Sessions<Data>;
  readonly #url: string;
  #waiting = Promise.withResolvers<undefined>();
  #arrival = Promise.withResolvers<undefined>();

  private constructor(sessions: Sessions<Data>, url: string) {
    this.sessions = sessions;
    this.#url = url;
  }

  static async open(t: TestContext, store: Store, adapter: keyof typeof adapters): Promise<Site> {
    const sessions = createSessions<Data>({ secret: generateSecret(), store });
    const open: { site?: Site } = {};
    const answer = async (request: Request, session: () => Promise<Session<Data>>): Promise<Response> => {
      const { pathname, searchParams } = new URL(request.url);
      const opened = await session();
      if (searchParams.has("wait")) await open.site?.wait();
      const result: unknown = await actions[pathname]?.(opened);
      return new Response(typeof result === "string" || typeof result === "number" ? `${result}` : "");
    };
    const server = serve({ fetch: adapters[adapter](sessions, answer), port: 0, hostname: "127.0.0.1" });
    await once(server, "listening");
    t.after(async () => {
      server.close();
      await sessions.close();
    });
    const { port } = server.address() as AddressInfo;
    open.site = new Site(sessions, `http://127.0.0.1:${port}`);
    return open.site;
  }

  async wait(): Promise<void> {
    this.#arrival.resolve(undefined);
    await this.#waiting.promise;
  }

  async visit(path: string, cookie = this.jar.header): Promise<Response> {
    const headers = cookie === undefined ? {} : { cookie };
    const response = await fetch(this.#url + path, { method: "POST", headers });
    this.jar.take(response);
    return response;
  }

  /** Lets one request come to a stop in its handler, runs the others to their end, then lets it go on. */
  async overlap(slow: string, others: () => Promise<unknown>): Promise<Response> {
    this.#waiting = Promise.withResolvers();
    this.#arrival = Promise.withResolvers();
    const response = this.visit(`${slow}?wait`);
    await this.#arrival.promise;
    await others();
    this.#waiting.resolve(undefined);
    return response;
  }

  async who(cookie = this.jar.header): Promise<unknown> {
    return (await this.visit("/who", cookie)).json();
  }
}

const adapters = {
  fetch: (
    sessions: Sessions<Data>,
    answer: (request: Request, session: () => Promise<Session<Data>>) => Promise<Response>,
  ): Handler =>
    fetchSessions(sessions, async (request) => answer(request, async () => sessions.of(request)), {
      onError: () => new Response("failed", { status: 500 }),
    }),
  hono: (
    sessions: Sessions<Data>,
    answer: (request: Request, session: () => Promise<Session<Data>>) => Promise<Response>,
  ): Handler => {
    const app = new Hono();
    app.use(honoSessions(sessions));
    app.all("*", async (c) => answer(c.req.raw, async () => sessions.of(c)));
    app.onError((_, c) => c.text("failed", 500));
    return (request) => app.fetch(request);
  },
};

const noCookie = (response: Response): void => assert.deepEqual(response.headers.getSetCookie(), []);

for (const [storeName, store] of Object.entries({
  memory: () => memoryStore(),
  sqlite: () => sqliteStore({ path: ":memory:" }),
})) {
  for (const adapter of ["fetch", "hono"] as const) {
    const race = (name: string, check: (site: Site) => Promise<void>): void => {
      test(`${name} (over http, ${storeName}, ${adapter})`, async (t) => {
        await check(await Site.open(t, store(), adapter));
      });
    };

    race("S1 a reader beside a writer leaves the write and the cookie alone", async (site) => {
      await site.visit("/login");
      noCookie(await site.overlap("/read", async () => site.visit("/set-a")));
      assert.deepEqual(await site.who(), ["ana", { a: "A" }]);
    });

    race("S2 two writers of different keys both survive", async (site) => {
      await site.visit("/login");
      await site.overlap("/set-a", async () => site.visit("/set-b"));
      assert.deepEqual(await site.who(), ["ana", { a: "A", b: "B" }]);
    });

    race("S3 two hundred increments at once give two hundred, each its own", async (site) => {
      await site.visit("/login");
      const visits = Array.from({ length: 200 }, async () => (await site.visit("/increment")).text());
      const told = await Promise.all(visits);
      assert.deepEqual(
        told.map(Number).toSorted((one, other) => one - other),
        Array.from({ length: 200 }, (_, at) => at + 1),
      );
      assert.deepEqual(await site.who(), ["ana", { n: 200 }]);
    });

    race(
      "S4 what is under way during a logout neither revives the session nor sets a cookie",
      async (site) => {
        for (const slow of ["/read", "/set-a", "/increment"]) {
          await site.visit("/login");
          const cookie = site.jar.header;
          noCookie(await site.overlap(slow, async () => site.visit("/logout")));
          assert.equal(site.jar.header, undefined);
          assert.deepEqual(await site.who(cookie), [null, {}]);
        }
      },
    );

    race("S5 what is under way during a login leaves the new cookie in the browser", async (site) => {
      for (const slow of ["/read", "/set-b", "/increment"]) {
        await site.visit("/set-a");
        const before = site.jar.header;
        noCookie(await site.overlap(slow, async () => site.visit("/login")));
        assert.deepEqual(await site.who(), ["ana", {}]);
        assert.deepEqual(await site.who(before), [null, {}]);
        await site.visit("/logout");
      }
    });

    race("S6 a login or logout stands when its handler fails afterwards, and data does not", async (site) => {
      assert.equal((await site.visit("/login-fail")).status, 500);
      assert.deepEqual(await site.who(), ["ana", {}]);
      assert.equal((await site.visit("/logout-fail")).status, 500);
      assert.equal(site.jar.header, undefined);
    });

    race("S7 a request under way during a revocation is the last that sees the session", async (site) => {
      await site.visit("/login");
      await site.visit("/set-a");
      const response = await site.overlap("/read", async () => site.sessions.revokeAll("ana"));
      assert.equal(await response.text(), "A");
      assert.deepEqual(await site.who(), [null, {}]);
    });

    race("S8 a stolen cookie is refused after the logout", async (site) => {
      await site.visit("/login");
      const stolen = site.jar.header;
      await site.visit("/logout");
      noCookie(await site.visit("/set-a", stolen));
      assert.deepEqual(await site.who(stolen), [null, {}]);
    });
  }
}
