// The example for Nest, on both of its platforms, and the contract of every adapter in an app of Nest.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import type { IncomingMessage, RequestListener } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { createSessions, generateSecret } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { nestSessions } from "coatcheck/nest";
import type { NestFunctions, NestSessions } from "coatcheck/nest";
import { races } from "coatcheck/testing";
import type { TestAnswer } from "coatcheck/testing";
import { statusOf } from "../contracts/apps.ts";
import { adapterClauseTests } from "../contracts/clause-tests.ts";
import type { MakeApp } from "../contracts/apps.ts";
import { inProcess, overHttp } from "../contracts/servers.ts";
import { Example } from "./example.ts";
import type { RunningSite } from "./example.ts";
import { browserTests, Visitor, walkTests } from "./walk.ts";

const platforms = ["express", "fastify"] as const;
type Platform = (typeof platforms)[number];

const cli = "node_modules/@nestjs/cli/bin/nest.js";
const exampleOn = (platform: Platform): Example =>
  new Example({
    name: "nest",
    installed: cli,
    build: [cli, "build"],
    start: ["dist/main.js"],
    output: ["dist"],
    env: { PLATFORM: platform },
  });

/** What the app of `nest-contract.ts` is given. */
type ContractApp = (
  platform: Platform,
  makeParts: (nest: NestFunctions) => NestSessions,
  answer: (path: string, request: object) => Promise<TestAnswer>,
  status: (error: unknown) => number,
) => Promise<{ readonly listener: RequestListener; close(): Promise<void> }>;

async function contractApp(...args: Parameters<ContractApp>): ReturnType<ContractApp> {
  const built = pathToFileURL(join(exampleOn("express").folder, "dist", "contract.js")).href;
  return ((await import(built)) as { contractApp: ContractApp }).contractApp(...args);
}

/** The text of a page, on a connection of its own; empty while the server is away because it starts again. */
async function textAt(url: string): Promise<string> {
  try {
    const [response] = (await once(get(url, { agent: false }), "response")) as [IncomingMessage];
    return await text(response);
  } catch {
    return "";
  }
}

const failures = [
  { how: "throws an HttpException", path: "/fail", status: 422 },
  { how: "throws another error", path: "/fail-error", status: 500 },
  { how: "returns an observable that fails", path: "/fail-observable", status: 422 },
  { how: "throws what a filter makes a 200 of", path: "/fail-filter", status: 200 },
  { how: "is refused by a pipe after a guard set it", path: "/fail-pipe", status: 400 },
  { how: "is refused by the guard that set it", path: "/fail-guard", status: 403 },
  { how: "is followed by an interceptor that throws", path: "/fail-interceptor", status: 422 },
];

const { missing } = exampleOn("express");

// A suite that is skipped is not counted, a test is.
test("the example for Nest is installed", { skip: missing }, () => {});

describe("Nest", { skip: missing }, () => {
  before(async () => {
    const contract = join(import.meta.dirname, "nest-contract.ts");
    await exampleOn("express").build({ "src/contract.ts": contract });
  });

  for (const platform of platforms) {
    describe(`the example on ${platform}`, () => {
      const example = exampleOn(platform);
      let site: RunningSite;

      before(async () => {
        site = await example.start();
      });

      after(async () => site.close());

      walkTests(() => site, { failures });
      browserTests(() => site);

      test("programs get 401 from a page for users, with the challenge", async () => {
        const response = await fetch(`${site.url}/user`, { headers: { accept: "application/json" } });
        assert.equal(response.status, 401);
        assert.equal(response.headers.get("www-authenticate"), "Session");
      });

      test("compresses the page of a visitor", async () => {
        const response = await fetch(site.url, { headers: { "accept-encoding": "gzip" } });
        assert.equal(response.headers.get("content-encoding"), "gzip");
        assert.match(response.headers.get("cache-control") ?? "", /private/);
        assert.match(await response.text(), /Hello, stranger!/);
      });

      test("commits before the first byte of a stream, and a later write throws", async () => {
        const ana = new Visitor(site);
        await ana.logIn();
        const request = get(`${site.url}/stream?note=early`, { headers: { cookie: ana.jar.header ?? "" } });
        const [response] = (await once(request, "response")) as [IncomingMessage];
        response.setEncoding("utf8");
        const parts = response[Symbol.asyncIterator]();
        assert.equal((await parts.next()).value, "first ");
        assert.match(await ana.page("/"), /Note: early/, "stored while the stream is still open");
        await ana.send("/stream-go-on");
        assert.equal((await parts.next()).value, "AFTER_RESPONSE");
        assert.equal((await parts.next()).done, true);
        assert.match(await ana.page("/"), /Note: early/);
      });
    });

    const make: MakeApp = async (sessions, routes) => {
      const answer = async (path: string, request: object): Promise<TestAnswer> => {
        const route = routes[path];
        if (route === undefined) return { status: 404 };
        const { body, ...rest } = await route(() => sessions.of(request), request);
        return {
          ...rest,
          body: typeof body === "object" ? Readable.from(body, { objectMode: false }) : (body ?? ""),
        };
      };
      const { listener } = await contractApp(
        platform,
        (nest) => nestSessions(sessions, nest),
        answer,
        statusOf,
      );
      return { listener };
    };

    adapterClauseTests(`Nest on ${platform}`, overHttp(make));
    test(`Nest on ${platform} closes the store when the app is closed`, async () => {
      let closed = 0;
      const store = Object.assign(memoryStore(), { close: () => void closed++ });
      const sessions = createSessions({ secret: generateSecret(), store });
      const nothing = async (): Promise<TestAnswer> => ({});
      const app = await contractApp(platform, (nest) => nestSessions(sessions, nest), nothing, statusOf);
      assert.equal(closed, 0);
      await app.close();
      assert.equal(closed, 1);
    });

    for (const race of races) {
      // S4 and S5 have the most orders, and take minutes, since every order makes an app.
      if (platform === "fastify" && /^S[45]/.test(race.name)) continue;
      test(`Nest on ${platform}: ${race.name}`, { timeout: 120_000 }, async () => {
        assert.ok((await race.check({ openStore: () => memoryStore(), start: inProcess(make) })) > 0);
      });
    }
  }

  describe("@nestjs/passport with session: true, on coatcheck/express-session", () => {
    let site: RunningSite;

    before(async () => {
      site = await exampleOn("express").start([], ["dist/passport-session/main.js"]);
    });

    after(async () => site.close());

    test("a person logs in, is remembered, sees a message once, and logs out", async () => {
      const ana = new Visitor(site);
      assert.match(await ana.page("/"), /Hello, stranger!/);
      assert.equal(ana.jar.header, undefined, "a look sets no cookie");
      assert.equal((await ana.send("/user")).status, 403);
      assert.match(await ana.logIn(), /Hello, ana! You are logged in\./);
      assert.doesNotMatch(await ana.page("/"), /You are logged in/);
      assert.match(await ana.page("/user"), /The page of ana/);
      const ticket = ana.jar.header ?? "";
      assert.match(await ana.submit("/logout"), /Hello, stranger!/);
      const replay = await fetch(site.url, { headers: { cookie: ticket } });
      assert.match(await replay.text(), /Hello, stranger!/, "a logged-out ticket opens nothing");
    });

    test("a wrong password logs nobody in, and leaves who was", async () => {
      const ana = new Visitor(site);
      assert.equal((await ana.post("/login", { name: "ana", password: "wrong" })).status, 401);
      assert.equal(ana.jar.header, undefined);
      await ana.logIn();
      assert.equal((await ana.post("/login", { name: "ana", password: "wrong" })).status, 401);
      assert.match(await ana.page("/"), /Hello, ana!/);
    });

    test("a login on one device is ended by the user on another", async () => {
      const [here, elsewhere] = [new Visitor(site), new Visitor(site)];
      await here.logIn();
      await elsewhere.logIn();
      assert.match(await elsewhere.submit("/everywhere"), /Hello, stranger!/);
      assert.equal((await here.send("/user")).status, 403);
    });
  });

  test("logs in while developing, and keeps visitors logged in when a file changes", async (t) => {
    const example = exampleOn("express");
    const site = await example.start([], [cli, "start", "--watch"]);
    t.after(async () => site.close());
    const ana = new Visitor(site);
    await ana.logIn();
    const file = join(example.folder, "src", "site.controller.ts");
    const source = readFileSync(file, "utf8");
    t.after(() => writeFileSync(file, source));
    writeFileSync(file, source.replace("<h1>About</h1>", "<h1>About, changed</h1>"));
    const deadline = AbortSignal.timeout(60_000);
    while (!(await textAt(`${site.url}/about`)).includes("About, changed")) {
      assert.ok(!deadline.aborted, site.output());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.match(await ana.page("/"), /Hello, ana!/);
  });
});
