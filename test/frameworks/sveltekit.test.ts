// The example for SvelteKit, built for Node and served.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { RequestListener } from "node:http";
import { pathToFileURL } from "node:url";
import { after, before, describe, test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Session } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { CookieJar } from "coatcheck/testing";
import { svelteKitErrors, svelteKitSessions } from "coatcheck/sveltekit";
import type { SvelteKitEvent } from "coatcheck/sveltekit";
import { statusOf } from "../contracts/apps.ts";
import { contractTests } from "./contract.ts";
import type { ContractSettings } from "./contract.ts";
import { Example, openFiles, reloads } from "./example.ts";
import type { RunningSite } from "./example.ts";
import { browserTests, clientLinkTest, textOf, Visitor, walkTests } from "./walk.ts";
import type { WalkSettings } from "./walk.ts";

const vite = join("node_modules", "vite", "bin", "vite.js");
const example = new Example({
  name: "sveltekit",
  installed: join("node_modules", "@sveltejs", "kit", "package.json"),
  build: [vite, "build"],
  start: ["build"],
  output: ["build", ".svelte-kit"],
  hasOriginAtBuild: true,
});

// Actions belong to a page, and are named in its query.
const pages = { "/": ["logout", "note", "everywhere"], "/fail": ["invalid", "fail", "crash", "fail-login"] };
const pathOf = (path: string): string => {
  const name = path.slice(1);
  const page = Object.entries(pages).find(([, actions]) => actions.includes(name))?.[0];
  return page === undefined ? path : `${page}?/${name}`;
};
const settings: WalkSettings = {
  form: (path, fields) => ({ path: pathOf(path), body: new URLSearchParams(fields) }),
  failures: [
    { how: "calls error() in an action", path: "/fail", status: 422 },
    { how: "throws in an action", path: "/crash", status: 500 },
    { how: "calls error() in an endpoint", path: "/api/note", status: 422 },
  ],
};

/** What SvelteKit does with an error: its hook hears of it, and the response has its status. */
const contract: ContractSettings = {
  async listener() {
    const path = pathToFileURL(join(example.folder, "build", "handler.js")).href;
    const { handler } = (await import(path)) as { readonly handler: RequestListener };
    return handler;
  },
  route(sessions, handler) {
    const handle = svelteKitSessions(sessions, { building: false });
    const handleError = svelteKitErrors(sessions, () => undefined);
    return async (event: SvelteKitEvent) =>
      handle({
        event,
        async resolve() {
          try {
            return await handler(event.locals);
          } catch (error) {
            handleError({ error, event, kind: "unknown" });
            return new Response("failed", { status: statusOf(error) });
          }
        },
      });
  },
  // SvelteKit's own check looks only at forms, and would not let the adapter see them.
  request(request) {
    if (request.method === "GET" || request.method === "HEAD") return request;
    const headers = new Headers(request.headers);
    headers.set("content-type", "application/octet-stream");
    return new Request(request, { headers });
  },
  exceptions: {
    "gives back the messages of a page whose client went away":
      "SvelteKit does not tell its hooks that the client went away; the response counts as seen",
  },
};

/** What the scripts of SvelteKit send for a form with `use:enhance`. */
const enhanced = { accept: "application/json", "x-sveltekit-action": "true" };

test("the example for SvelteKit is installed", { skip: example.missing }, () => {});

describe("the example for SvelteKit", { skip: example.missing }, () => {
  let site: RunningSite;
  const visitor = (): Visitor => new Visitor(site, settings);

  before(async () => {
    await example.build({
      "src/routes/contract/[path]/+server.ts": join(import.meta.dirname, "sveltekit-contract.ts"),
    });
    site = await example.start();
  });

  after(async () => site.close());

  test("has the types it says", () => {
    const check = join("node_modules", "svelte-check", "bin", "svelte-check");
    const done = spawnSync(process.execPath, [check], { cwd: example.folder, encoding: "utf8" });
    assert.equal(done.status, 0, done.stdout + done.stderr);
  });

  walkTests(() => site, settings);
  browserTests(() => site);
  clientLinkTest(() => site);
  contractTests(contract);

  test("what an action set is kept if it returns fail()", async () => {
    const ana = visitor();
    const response = await ana.post("/invalid", { note: "kept" });
    assert.equal(response.status, 422);
    assert.match(await ana.page("/"), /Note: kept/);
  });

  for (const { path, status, type } of [
    { path: "/?/note", status: 200, type: "redirect" },
    { path: "/fail?/invalid", status: 422, type: "failure" },
    { path: "/fail?/fail", status: 422, type: "error" },
    { path: "/fail?/crash", status: 500, type: "error" },
  ]) {
    test(`a form with use:enhance to ${path} gets ${type} and ${type === "error" ? "loses" : "keeps"} its data`, async () => {
      const ana = visitor();
      await ana.submit("/note", { note: "before" });
      const body = new URLSearchParams({ note: "after" });
      const headers = { ...enhanced, origin: site.url, "sec-fetch-site": "same-origin" };
      const response = await ana.send(path, { method: "POST", headers, body });
      const told: unknown = await response.json();
      assert.equal(response.status, status);
      assert.ok(
        typeof told === "object" && told !== null && "type" in told && told.type === type,
        JSON.stringify(told),
      );
      assert.match(await ana.page("/"), type === "error" ? /Note: before/ : /Note: after/);
    });
  }

  test("what a load set is not kept if it calls error(), for the page and for its data", async () => {
    const ana = visitor();
    await ana.submit("/note", { note: "before" });
    assert.equal((await ana.send("/inner?fail")).status, 422);
    const data = await ana.send("/inner/__data.json?fail", { headers: { accept: "*/*" } });
    assert.match(await data.text(), /"type":"error"/);
    assert.match(await ana.page("/"), /Note: before/);
  });

  test("an endpoint refuses what another site sends as JSON or text, which SvelteKit lets pass", async () => {
    const ana = visitor();
    await ana.submit("/note", { note: "before" });
    const headers = { origin: "https://elsewhere.example", "sec-fetch-site": "cross-site" };
    const response = await ana.send("/api/note", { method: "PUT", headers, body: "planted" });
    assert.equal(response.status, 403);
    const own = { origin: site.url, "sec-fetch-site": "same-origin" };
    assert.equal((await ana.send("/api/note", { method: "PUT", headers: own, body: "own" })).status, 204);
    assert.match(await ana.page("/"), /Note: own/);
  });

  test("a page that fetches its own server shares its session, its cookies and its cache headers", async () => {
    const ana = visitor();
    const response = await ana.send("/inner");
    assert.match(textOf(await response.text()), /Inside: nobody\./);
    assert.equal(response.headers.get("cache-control"), "no-store");
    assert.deepEqual(
      response.headers.getSetCookie().map((line) => line.split(";")[0]),
      ["seen=yes"],
    );
    await ana.logIn();
    assert.match(await ana.page("/inner"), /Inside: ana\./);
  });

  test("a page that streams is settled before its first byte, and a later write says so", async () => {
    const ana = visitor();
    await ana.logIn();
    const response = await ana.send("/stream");
    let text = "";
    let early: string | undefined;
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      // The first bytes are here, and the promise of the page is not resolved yet.
      early ??= await ana.page("/");
    }
    assert.match(early ?? "", /Note: set before the stream/);
    assert.match(text, /AFTER_RESPONSE, 200/);
    assert.match(await ana.page("/"), /Note: set before the stream/);
  });

  test("a redirect that SvelteKit's scripts follow takes no messages with it", async () => {
    const ana = visitor();
    await ana.post("/login", { name: "ana", password: "correct horse" });
    const data = await ana.send("/away/__data.json", { headers: { accept: "*/*" } });
    assert.deepEqual(await data.json(), { type: "redirect", status: 303, location: "/" });
    assert.match(await ana.page("/"), /You are logged in\./);
  });

  test("scripts of SvelteKit are sent from a page for users to the login", async () => {
    const data = await visitor().send("/user/__data.json", { headers: { accept: "*/*" } });
    assert.deepEqual(await data.json(), { type: "redirect", status: 303, location: "/login?return=%2Fuser" });
    const headers = { ...enhanced, origin: site.url };
    const action = await visitor().send("/user", { method: "POST", headers, body: new URLSearchParams() });
    assert.deepEqual(await action.json(), { type: "redirect", status: 303, location: "/login" });
    const program = await visitor().send("/user", { headers: { accept: "application/json" } });
    assert.equal(program.status, 401);
  });

  test("prints the errors that nobody expected, and no others", async () => {
    const printed = site.output().length;
    const ana = visitor();
    await ana.post("/fail", {});
    await ana.send("/nowhere");
    assert.equal(site.output().slice(printed), "");
    await ana.post("/crash", {});
    assert.match(site.output().slice(printed), /The note is not kept\./);
  });
});

describe("the development server of SvelteKit", { skip: example.missing }, () => {
  let site: RunningSite;

  before(async () => {
    await example.build();
    site = await example.start([], [vite, "dev", "--host", "127.0.0.1", "--port", "$PORT"]);
  });

  after(async () => site.close());

  walkTests(() => site, settings);

  test("visitors stay logged in while a developer saves files, and no store stays open", async () => {
    const ana = new Visitor(site, settings);
    await ana.logIn();
    await reloads(site, join(example.folder, "src", "lib", "server", "sessions.ts"), async () => {
      assert.match(await ana.page("/"), /Hello, ana ?!/);
    });
    const files = openFiles(site, "sessions.db");
    assert.deepEqual(files, [...new Set(files)], "each file is open once");
  });
});

describe("a hook after the sessions of SvelteKit", () => {
  const sessions = createSessions<{ a: string }>({ secret: generateSecret(), store: memoryStore() });
  const handle = svelteKitSessions(sessions, { building: false });

  /** Sends a request, and has the next hook do something. */
  async function send(
    hook: (session: Session<{ a: string }>) => Promise<Response>,
    asData = false,
    cookie = "",
  ) {
    const request = new Request("http://localhost/", { headers: { cookie } });
    const event: SvelteKitEvent = {
      request,
      locals: {},
      url: new URL(request.url),
      route: { id: "/" },
      isDataRequest: asData,
      isSubRequest: false,
    };
    return handle({ event, resolve: async () => hook(await sessions.of(event.locals)) });
  }

  // The form of what `redirect()` throws.
  const redirect = (): never => {
    throw { status: 307, location: "/elsewhere" }; // oxlint-disable-line typescript/only-throw-error -- as SvelteKit does
  };

  for (const asData of [false, true]) {
    test(`keeps what it set if it redirects ${asData ? "the scripts of a page" : "a person"}`, async () => {
      const jar = new CookieJar();
      const response = await send(async (session) => {
        session.set("a", "A");
        session.flash("seen later");
        await session.takeFlashes();
        return redirect();
      }, asData);
      jar.take(response);
      if (asData)
        assert.deepEqual(await response.json(), { type: "redirect", status: 307, location: "/elsewhere" });
      else assert.deepEqual([response.status, response.headers.get("location")], [307, "/elsewhere"]);
      await send(
        async (session) => {
          assert.equal(session.get("a"), "A");
          assert.deepEqual(
            session.peekFlashes().map(({ message }) => message),
            ["seen later"],
          );
          return new Response();
        },
        false,
        jar.header,
      );
    });
  }

  test("leaves an error to SvelteKit, and sends the cookie of a login itself", async (t) => {
    const error = new Error("meant to fail");
    await assert.rejects(
      send(async (session) => {
        session.set("a", "lost");
        throw error;
      }),
      error,
    );
    const printed = t.mock.method(console, "error", () => {});
    const response = await send(async (session) => {
      await session.login("ana");
      session.set("a", "lost");
      throw error;
    });
    assert.equal(response.status, 500);
    assert.equal(response.headers.getSetCookie().length, 1);
    assert.equal(printed.mock.callCount(), 1);
    const jar = new CookieJar();
    jar.take(response);
    await send(
      async (session) => {
        assert.deepEqual([session.subject, session.get("a")], ["ana", undefined]);
        return new Response();
      },
      false,
      jar.header,
    );
  });

  test("finds no session while the app is built, and says why", async () => {
    const locals: { readonly session?: Promise<unknown> } = {};
    const request = new Request("http://localhost/");
    const event = {
      request,
      locals,
      url: new URL(request.url),
      route: { id: "/" },
      isDataRequest: false,
      isSubRequest: false,
    };
    const building = svelteKitSessions(createSessions({ secret: undefined, store: memoryStore() }), {
      building: true,
    });
    const response = await building({
      event,
      async resolve() {
        await assert.rejects(async () => locals.session, { code: "NO_SESSION_HERE" });
        return new Response("page");
      },
    });
    assert.equal(await response.text(), "page");
  });
});
