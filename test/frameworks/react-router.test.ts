// The example for React Router's framework mode, built and served by react-router-serve, whose compressor is in front.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import type { RequestListener } from "node:http";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, describe, test } from "node:test";
import { reactRouterSessions } from "coatcheck/react-router";
import type { ReactRouterArgs } from "coatcheck/react-router";
import { statusOf } from "../contracts/apps.ts";
import { contractTests } from "./contract.ts";
import type { ContractSettings } from "./contract.ts";
import { Example, openFiles, reloads } from "./example.ts";
import type { RunningSite } from "./example.ts";
import { browserTests, clientLinkTest, Visitor, walkTests } from "./walk.ts";
import type { WalkSettings } from "./walk.ts";

const program = join("node_modules", "@react-router", "dev", "bin.cjs");
const serve = join("node_modules", "@react-router", "serve", "bin.cjs");
const example = new Example({
  name: "react-router",
  installed: program,
  build: [program, "build"],
  start: [serve, join("build", "server", "index.js")],
  output: ["build", ".react-router"],
  env: { NODE_ENV: "production" },
});

const settings: WalkSettings = {
  failures: [
    { how: "throws data with a status", path: "/fail", status: 422 },
    { how: "throws a response", path: "/fail/response", status: 422 },
    { how: "throws an error", path: "/fail/error", status: 500 },
    { how: "throws data with a status for React Router's scripts", path: "/fail.data", status: 422 },
    { how: "throws a response for React Router's scripts", path: "/fail/response.data", status: 422 },
    { how: "throws an error for React Router's scripts", path: "/fail/error.data", status: 500 },
    { how: "says so, in a route without a page", path: "/api/fail", status: 422 },
  ],
  // React Router refuses what has another Origin itself.
  refused: [400, 403],
  // The server has it as a file in a folder.
  aboutPath: "/about/",
};

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

const contract: ContractSettings = {
  async listener() {
    const require = createRequire(join(example.folder, "package.json"));
    const express = require("express") as () => RequestListener & {
      all(path: string, listener: unknown): void;
    };
    const { createRequestHandler } = require("@react-router/express") as {
      readonly createRequestHandler: (options: { readonly build: unknown; readonly mode: string }) => unknown;
    };
    const build: unknown = await import(
      pathToFileURL(join(example.folder, "build", "server", "index.js")).href
    );
    const app = express();
    app.all("/{*splat}", createRequestHandler({ build, mode: "production" }));
    return app;
  },
  route(sessions, handler) {
    const middleware = reactRouterSessions(sessions);
    return async (args: ReactRouterArgs) =>
      middleware(args, async () => {
        try {
          return await handler(args.context);
        } catch (error) {
          sessions.fail(error, args.context);
          return new Response("failed", { status: statusOf(error) });
        }
      });
  },
  exceptions: {
    "gives back the messages of a page whose client went away":
      "a middleware is not told that the client went away; the response counts as seen",
  },
};

test("the example for React Router is installed", { skip: example.missing }, () => {});

describe("the example for React Router", { skip: example.missing }, () => {
  let site: RunningSite;
  const visitor = (): Visitor => new Visitor(site, settings);

  before(async () => {
    const routes = join(example.folder, "app", "routes.ts");
    const source = readFileSync(routes, "utf8");
    try {
      writeFileSync(
        routes,
        source.replace("export default [", 'export default [route("contract/:path", "routes/contract.ts"),'),
      );
      await example.build({
        "app/routes/contract.ts": join(import.meta.dirname, "react-router-contract.ts"),
      });
    } finally {
      writeFileSync(routes, source);
    }
    site = await example.start();
  });

  after(async () => site.close());

  test("has the types it says", () => {
    execFileSync(process.execPath, [program, "typegen"], { cwd: example.folder });
    example.checkTypes();
  });

  walkTests(() => site, settings);
  browserTests(() => site);
  clientLinkTest(() => site);
  contractTests(contract);

  for (const path of ["/fail/returned", "/fail/returned.data"]) {
    test(`what an action set is kept if it returns data with a 4xx status, at ${path}`, async () => {
      const ana = visitor();
      const response = await ana.post(path, { note: 'kept, ["ErrorResponse", too' });
      assert.equal(response.status, 422);
      assert.match(await ana.page("/"), /Note: kept/);
    });
  }

  for (const path of ["/fail?note=lost", "/fail.data?note=lost"]) {
    test(`what a loader set is not kept if it throws data, at ${path}`, async () => {
      const ana = visitor();
      await ana.submit("/note", { note: "before" });
      assert.equal((await ana.send(path)).status, 422);
      assert.match(await ana.page("/"), /Note: before/);
    });
  }

  test("a redirect that React Router's scripts follow takes no messages with it", async () => {
    const ana = visitor();
    await ana.post("/login", { name: "ana", password: "correct horse" });
    const data = await ana.send("/away.data");
    assert.equal(data.status, 202);
    assert.match(await data.text(), /SingleFetchRedirect/);
    assert.match(await ana.page("/"), /You are logged in\./);
  });

  test("React Router's scripts are sent from a page for users to the login, and back to the page", async () => {
    const data = await visitor().send("/user.data?tab=2&_routes=routes%2Fuser", {
      headers: { accept: "*/*" },
    });
    assert.equal(data.status, 202);
    assert.match(await data.text(), /"\/login\?return=%2Fuser%3Ftab%3D2"/);
    const tool = await visitor().send("/user", { headers: { accept: "application/json" } });
    assert.equal(tool.status, 401);
  });

  test("refuses another site's request that React Router lets pass", async () => {
    const ana = visitor();
    await ana.submit("/note", { note: "before" });
    const response = await ana.send("/note", {
      method: "POST",
      headers: { "sec-fetch-site": "cross-site" },
      body: new URLSearchParams({ note: "planted" }),
    });
    assert.equal(response.status, 403);
    assert.match(await ana.page("/"), /Note: before/);
  });

  test("a page that streams is settled before its first byte, and a later write says so", async () => {
    const ana = visitor();
    await ana.logIn();
    // A program would get the page as a whole, like a bot.
    const response = await ana.send("/stream", { headers: { "user-agent": firefox } });
    let text = "";
    let early: string | undefined;
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      // The first bytes are here, and the promise of the page is not resolved yet.
      early ??= await ana.page("/");
    }
    assert.match(early ?? "", /Note: set before the stream/);
    assert.match(text, /AFTER_RESPONSE/);
    assert.match(await ana.page("/"), /Note: set before the stream/);
  });
});

describe("the development server of React Router", { skip: example.missing }, () => {
  let site: RunningSite;

  before(async () => {
    await example.build();
    site = await example.start([], [program, "dev", "--host", "127.0.0.1", "--port", "$PORT"], {
      NODE_ENV: "development",
    });
  });

  after(async () => site.close());

  walkTests(() => site, settings);

  test("visitors stay logged in while a developer saves files, and no store stays open", async () => {
    const ana = new Visitor(site, settings);
    await ana.logIn();
    await reloads(site, join(example.folder, "app", "sessions.server.ts"), async () => {
      assert.match(await ana.page("/"), /Hello, ana ?!/);
    });
    const files = openFiles(site, "sessions.db");
    assert.deepEqual(files, [...new Set(files)], "each file is open once");
  });
});
