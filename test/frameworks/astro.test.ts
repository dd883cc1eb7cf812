// The example for Astro, built for Node and served.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, describe, test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { astroSessions } from "coatcheck/astro";
import type { AstroContext } from "coatcheck/astro";
import { statusOf } from "../contracts/apps.ts";
import { contractTests } from "./contract.ts";
import type { ContractSettings } from "./contract.ts";
import { Example, openFiles, reloads } from "./example.ts";
import type { RunningSite } from "./example.ts";
import { browserTests, Visitor, walkTests } from "./walk.ts";
import type { WalkSettings } from "./walk.ts";

const program = join("node_modules", "astro", "bin", "astro.mjs");
const example = new Example({
  name: "astro",
  installed: program,
  build: [program, "build"],
  start: [join("dist", "server", "entry.mjs")],
  output: ["dist", ".astro"],
});

const settings: WalkSettings = {
  form(path, fields) {
    return { path: path === "/login" ? "/login?_action=login" : path, body: new URLSearchParams(fields) };
  },
  failures: [
    { how: "throws in an endpoint", path: "/fail", status: 500 },
    { how: "throws an ActionError in an action for a form", path: "/?_action=fail", status: 422 },
    { how: "throws another error in an action for a form", path: "/?_action=crash", status: 500 },
    { how: "throws an ActionError in an action that a script called", path: "/_actions/fail", status: 422 },
    { how: "throws another error in an action that a script called", path: "/_actions/crash", status: 500 },
  ],
  // The server has it as a file in a folder.
  aboutPath: "/about/",
};

const contract: ContractSettings = {
  async listener() {
    const path = pathToFileURL(join(example.folder, "dist", "server", "entry.mjs")).href;
    // The server of the mode "standalone" must not start in the process of the test.
    process.env["ASTRO_NODE_AUTOSTART"] = "disabled";
    const { handler } = (await import(path)) as { readonly handler: RequestListener };
    return handler;
  },
  route(sessions, handler) {
    const middleware = astroSessions(sessions);
    return async (context: AstroContext) =>
      middleware(context, async () => {
        try {
          return await handler(context.locals);
        } catch (error) {
          // Astro itself responds to every error with 500; another status is what an app's own middleware makes of it.
          if (statusOf(error) === 500) throw error;
          sessions.fail(error, context.locals);
          return new Response("failed", { status: statusOf(error) });
        }
      });
  },
  races: false,
  // Astro's own check looks only at forms, and would not let the adapter see them.
  request(request) {
    if (request.method === "GET" || request.method === "HEAD") return request;
    const headers = new Headers(request.headers);
    headers.set("content-type", "application/octet-stream");
    return new Request(request, { headers });
  },
  exceptions: {
    "gives back the messages of a page whose client went away":
      "Astro does not tell its middleware that the client went away; the response counts as seen",
  },
};

test("the example for Astro is installed", { skip: example.missing }, () => {});

describe("the example for Astro", { skip: example.missing }, () => {
  let site: RunningSite;
  const visitor = (): Visitor => new Visitor(site, settings);

  before(async () => {
    await example.build({ "src/pages/contract/[path].ts": join(import.meta.dirname, "astro-contract.ts") });
    site = await example.start();
  });

  after(async () => site.close());

  test("has the types it says", () => {
    const env = { PATH: process.env["PATH"], ASTRO_TELEMETRY_DISABLED: "1" };
    const done = spawnSync(process.execPath, [program, "check"], {
      cwd: example.folder,
      env,
      encoding: "utf8",
    });
    assert.equal(done.status, 0, done.stdout + done.stderr);
  });

  walkTests(() => site, settings);
  browserTests(() => site);
  contractTests(contract);

  test("nothing that a component set is kept if it throws, and the visitor gets the page for errors", async () => {
    const ana = visitor();
    await ana.submit("/note", { note: "before" });
    const response = await ana.send("/broken");
    assert.equal(response.status, 500);
    assert.match(await response.text(), /Something went wrong\./);
    assert.match(await ana.page("/"), /Note: before/);
  });

  test("a login whose handler failed comes with the page for errors", async () => {
    const response = await visitor().post("/fail-login", { note: "lost" });
    assert.equal(response.status, 500);
    assert.match(await response.text(), /Something went wrong\./);
  });

  test("keeps a page from shared caches of which only a late component looks at the session", async () => {
    const ana = visitor();
    await ana.submit("/note", { note: "mine" });
    const response = await ana.send("/late");
    assert.match(await response.text(), /Note: <!-- -->mine|Note: mine/);
    assert.equal(response.headers.get("cache-control"), "private, no-cache");
  });

  test("a page that leads to another one by a rewrite shares its session, and is as protected as that", async () => {
    const ana = visitor();
    assert.equal((await ana.send("/door")).status, 303);
    await ana.logIn();
    assert.match(await ana.page("/door"), /The page of ana/);
    assert.match(await ana.page("/"), /Note: through the door/);
  });

  test("a server island of a prerendered page has the session of its visitor", async () => {
    const ana = visitor();
    await ana.submit("/note", { note: "on an island" });
    const page = await (await ana.send("/island/")).text();
    assert.doesNotMatch(page, /on an island/);
    const path = /\/_server-islands\/[^'"]+/.exec(page)?.[0].replaceAll("&amp;", "&") ?? "";
    const island = await ana.send(path);
    assert.match(await island.text(), /Note: on an island/);
    assert.match(island.headers.get("cache-control") ?? "", /private|no-store/);
  });

  test("an endpoint refuses what another site sends as JSON, which Astro lets pass", async () => {
    const ana = visitor();
    await ana.submit("/note", { note: "before" });
    const send = async (headers: Record<string, string>): Promise<Response> =>
      ana.send("/note", {
        method: "PUT",
        headers: { "content-type": "application/json", ...headers },
        body: "1",
      });
    const other = { origin: "https://elsewhere.example", "sec-fetch-site": "cross-site" };
    assert.equal((await send(other)).status, 403);
    assert.match(await ana.page("/"), /Note: before/);
    assert.equal((await send({ origin: site.url, "sec-fetch-site": "same-origin" })).status, 204);
    assert.match(await ana.page("/"), /Note: 1/);
  });

  test("with the option streaming, a page is sent while it is rendered, and only its beginning can write", async () => {
    const late = Promise.withResolvers<string>();
    const sessions = createSessions<{ a: string }>({ secret: generateSecret(), store: memoryStore() });
    const request = new Request("http://localhost/");
    const context = {
      request,
      locals: {},
      url: new URL(request.url),
      isPrerendered: false,
      routePattern: "/",
    };
    const page = async (): Promise<Response> => {
      const session = await sessions.of(context.locals);
      session.set("a", "A");
      const body = new ReadableStream({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode("<p>early</p>"));
          await late.promise;
          try {
            session.set("a", "B");
          } catch (error) {
            controller.enqueue(new TextEncoder().encode(String(Reflect.get(Object(error), "code"))));
          }
          controller.close();
        },
      });
      return new Response(body, { headers: { "content-type": "text/html" } });
    };
    const response = await astroSessions(sessions, { streaming: true })(context, page);
    late.resolve("now");
    assert.equal(await response.text(), "<p>early</p>AFTER_RESPONSE");
    assert.equal(response.headers.getSetCookie().length, 1);
  });

  test("programs get 401 from a page for users", async () => {
    assert.equal((await visitor().send("/user", { headers: { accept: "application/json" } })).status, 401);
  });
});

describe("the development server of Astro", { skip: example.missing }, () => {
  let site: RunningSite;

  before(async () => {
    await example.build();
    site = await example.start([], [program, "dev", "--host", "127.0.0.1", "--port", "$PORT"]);
  });

  after(async () => site.close());

  // Its page for errors is made without the headers of the response that failed.
  walkTests(() => site, { ...settings, aboutPath: "/about", failedLogin: false });

  test("visitors stay logged in while a developer saves files, and no store stays open", async () => {
    const ana = new Visitor(site, settings);
    await ana.logIn();
    await reloads(site, join(example.folder, "src", "lib", "sessions.ts"), async () => {
      assert.match(await ana.page("/"), /Hello, ana ?!/);
    });
    const files = openFiles(site, "sessions.db");
    assert.deepEqual(files, [...new Set(files)], "each file is open once");
  });
});
