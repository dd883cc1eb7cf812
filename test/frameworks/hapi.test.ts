// The example for hapi, and the contract of every adapter with hapi's own server.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import { hapiSessions } from "coatcheck/hapi";
import type { HapiServer } from "coatcheck/hapi";
import { memoryStore } from "coatcheck/memory";
import { races } from "coatcheck/testing";
import { statusOf } from "../contracts/apps.ts";
import { adapterClauseTests } from "../contracts/clause-tests.ts";
import type { MakeApp } from "../contracts/apps.ts";
import { inProcess, overHttp } from "../contracts/servers.ts";
import { Example } from "./example.ts";
import type { RunningSite } from "./example.ts";
import { browserTests, walkTests } from "./walk.ts";

const example = new Example({ name: "hapi", installed: "node_modules/@hapi/hapi", start: ["server.ts"] });

/** What is used of hapi in the process of the tests. */
interface Hapi {
  server(options?: object): HapiServer & {
    readonly listener: { emit(event: string, ...args: unknown[]): boolean };
    register(plugin: object): Promise<void>;
    route(route: object): void;
    initialize(): Promise<void>;
    inject(options: object): Promise<{ readonly statusCode: number; readonly payload: string }>;
  };
}
interface Reply {
  code(status: number): Reply;
  header(name: string, value: string, options: { readonly append: boolean }): Reply;
}

const hapi = (): Hapi => createRequire(join(example.folder, "package.json"))("@hapi/hapi") as Hapi;

const make: MakeApp = async (sessions, routes) => {
  const server = hapi().server({ debug: false });
  await server.register(hapiSessions(sessions));
  server.ext("onPreResponse", ({ response }, h) => {
    if (!("isBoom" in response)) return h.continue;
    return h.response("failed").code(statusOf(response));
  });
  server.route({
    method: "*",
    path: "/{path*}",
    async handler(request: { readonly path: string }, h: { response(body: unknown): Reply }): Promise<Reply> {
      const route = routes[request.path];
      const {
        status = 200,
        body = "",
        headers = {},
      } = route === undefined ? { status: 404 } : await route(async () => sessions.of(request), request);
      const reply = h.response(typeof body === "string" ? body : Readable.from(body, { objectMode: false }));
      for (const [name, values] of Object.entries(headers)) {
        for (const value of [values].flat()) reply.header(name, value, { append: name === "set-cookie" });
      }
      return reply.code(status);
    },
  });
  await server.initialize();
  return { listener: (request, response) => server.listener.emit("request", request, response) };
};

// A suite that is skipped is not counted, a test is.
test("the example for hapi is installed", { skip: example.missing }, () => {});

describe("hapi", { skip: example.missing }, () => {
  describe("the example", () => {
    let site: RunningSite;

    before(async () => {
      await example.build();
      site = await example.start();
    });

    after(async () => site.close());

    test("has the types it says", () => example.checkTypes());

    walkTests(() => site, {
      failures: [
        { how: "throws a Boom error", path: "/fail", status: 422 },
        { how: "throws another error", path: "/fail-error", status: 500 },
        { how: "returns an error", path: "/fail-returned", status: 400 },
        { how: "throws what an extension makes a page of", path: "/fail-page", status: 200 },
      ],
    });
    browserTests(() => site);

    test("programs get 401 from a page for users", async () => {
      const response = await fetch(`${site.url}/user`, { headers: { accept: "application/json" } });
      assert.equal(response.status, 401);
      assert.equal(response.headers.get("www-authenticate"), "Session");
    });

    test("compresses the page of a visitor", async () => {
      const response = await fetch(site.url, { headers: { "accept-encoding": "gzip" } });
      assert.equal(response.headers.get("content-encoding"), "gzip");
      assert.match(response.headers.get("cache-control") ?? "", /private|no-store/);
      assert.match(await response.text(), /Hello, stranger!/);
    });
  });

  test("server.inject finds the session of the request", async () => {
    const sessions = createSessions({ secret: generateSecret(), store: memoryStore() });
    const server = hapi().server({ debug: false });
    await server.register(hapiSessions(sessions));
    server.route({
      method: "GET",
      path: "/",
      handler: async (request: object) => {
        const session = await sessions.of(request);
        await session.login("ana");
        return session.subject;
      },
    });
    const { statusCode, payload } = await server.inject({ url: "/" });
    assert.deepEqual([statusCode, payload], [200, "ana"]);
    assert.equal((await sessions.list("ana")).length, 1);
  });

  adapterClauseTests("hapi", overHttp(make));
  for (const race of races) {
    test(`hapi: ${race.name}`, { timeout: 120_000 }, async () => {
      assert.ok((await race.check({ openStore: () => memoryStore(), start: inProcess(make) })) > 0);
    });
  }
});
