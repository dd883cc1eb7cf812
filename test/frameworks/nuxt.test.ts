// The example for Nuxt 4, and so Nitro 2: built and served, and with `nuxt dev`.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Example } from "./example.ts";
import type { RunningSite } from "./example.ts";
import { nitro2ContractTests } from "./nuxt/in-process.ts";
import { until } from "./until.ts";
import { browserTests, Visitor, walkTests } from "./walk.ts";

const example = new Example({
  name: "nuxt",
  installed: "node_modules/nuxt",
  build: ["node_modules/nuxt/bin/nuxt.mjs", "build"],
  start: [".output/server/index.mjs"],
  output: [".output", ".nuxt"],
});

const own = (file: string): string => join(import.meta.dirname, "nuxt", file);
const added = {
  "layers/test/nuxt.config.ts": own("nuxt.config.js"),
  "layers/test/app/pages/inner.vue": own("inner.vue"),
  "layers/test/app/pages/cached.vue": own("cached.vue"),
  "layers/test/server/api/cached.get.ts": own("cached.js"),
  "layers/test/server/routes/test/[name].ts": own("routes.js"),
  "layers/test/server/plugins/contract.ts": own("contract.js"),
};

// A suite that is skipped is not counted, a test is.
test("the example for Nuxt is installed", { skip: example.missing }, () => {});

describe("the example for Nuxt", { skip: example.missing }, () => {
  let site: RunningSite;
  const visitor = (): Visitor => new Visitor(site);
  const loggedIn = async (): Promise<Visitor> => {
    const ana = visitor();
    await ana.logIn();
    await ana.page("/");
    return ana;
  };

  before(async () => {
    await example.build(added);
    site = await example.start();
  });

  after(async () => site.close());

  test("has the types it says", () => {
    const compiler = join(import.meta.dirname, "..", "..", "node_modules", "typescript", "bin", "tsc");
    const done = spawnSync(process.execPath, [compiler, "--noEmit", "-p", ".nuxt/tsconfig.server.json"], {
      cwd: example.folder,
      encoding: "utf8",
    });
    assert.equal(done.status, 0, done.stdout);
  });

  walkTests(() => site, {
    failures: [
      { how: "throws createError", path: "/fail", status: 422 },
      { how: "throws another error", path: "/test/throws", status: 500 },
      { how: "returns an error", path: "/test/returns", status: 409 },
      { how: "responds with 500", path: "/test/status-500", status: 500 },
      {
        how: "catches the error of an inner request that had set data",
        path: "/test/inner-fails",
        status: 200,
      },
    ],
  });
  browserTests(() => site);

  describe("a page that makes inner requests while it is rendered", () => {
    test("begins a session in one, and the page carries its cookie", async () => {
      const stranger = visitor();
      const response = await stranger.send("/inner?path=note&value=first");
      assert.equal(response.headers.getSetCookie().length, 1);
      assert.equal(response.headers.get("cache-control"), "no-store");
      assert.match(await response.text(), /Note: first/);
      assert.match(await stranger.page("/"), /Note: first/);
    });

    test("logs in in one, and sees it in the next", async () => {
      const ana = visitor();
      const page = await ana.page("/inner?path=login");
      assert.match(page, /Hello, ana ?!/);
      assert.match(page, /From inside\./, "the message of one inner request is shown by the page");
      const later = await ana.page("/");
      assert.match(later, /Hello, ana ?!/);
      assert.doesNotMatch(later, /From inside\./);
    });

    test("carries other cookies that are set in one", async () => {
      const response = await visitor().send("/inner?path=cookie");
      assert.deepEqual(response.headers.getSetCookie(), [
        "theme=dark; Path=/; Secure; HttpOnly; SameSite=Lax",
      ]);
    });

    test("keeps nothing if one fails after it had set data, and says what the page says", async () => {
      const ana = await loggedIn();
      await ana.submit("/note", { note: "before" });
      const page = await ana.page("/inner?set=lost+too&path=refuse");
      assert.match(page, /Inner: +422/);
      const later = await ana.page("/");
      assert.match(later, /Note: before/);
      assert.match(later, /Hello, ana ?!/);
    });

    test("keeps what it set, and shows messages once, if one fails that had set nothing", async () => {
      const ana = visitor();
      await ana.post("/login", { name: "ana", password: "correct horse" });
      const page = await ana.page("/inner?set=kept&path=missing");
      assert.match(page, /Inner: +404/);
      assert.match(page, /You are logged in\./);
      const later = await ana.page("/");
      assert.match(later, /Note: kept/);
      assert.doesNotMatch(later, /You are logged in/);
    });
  });

  describe("an inner request", () => {
    test("is the visitor's if it was made with event.$fetch, or with $fetch and the visitor's cookies", async () => {
      const ana = await loggedIn();
      assert.equal(await (await ana.send("/test/who")).text(), "ana");
      // What is not stored yet can only be seen in the same exchange.
      assert.equal(await (await ana.send("/test/who-forwarded")).text(), "ana: not stored yet");
    });

    test("is a stranger's if it carries no cookies, as over the network", async () => {
      const ana = await loggedIn();
      assert.equal(await (await ana.send("/test/who-plain")).text(), "stranger");
      const response = await ana.send("/test/plain-note");
      assert.deepEqual(await response.json(), { cookies: 1 });
      assert.deepEqual(response.headers.getSetCookie(), []);
      assert.doesNotMatch(await ana.page("/"), /orphan/);
    });

    test("is whose cookies it carries", async () => {
      const ben = visitor();
      await ben.submit("/note", { note: "of ben" });
      const ana = await loggedIn();
      const asked = async (headers: Record<string, string>): Promise<string> =>
        (await ana.send("/test/who-other", { headers })).text();
      assert.equal(await asked({ "x-other": ben.jar.header ?? "" }), "of ben");
      assert.doesNotMatch(await ana.page("/"), /of ben/);
    });

    test("over the network is a request of its own, whatever it carries", async () => {
      const ana = await loggedIn();
      await ana.send("/test/over-network");
      assert.match(await ana.page("/"), /Note: network/);
      const stranger = visitor();
      const response = await stranger.send("/test/over-network");
      assert.deepEqual(await response.json(), { cookies: 1 });
      assert.deepEqual(response.headers.getSetCookie(), []);
    });

    test("can't be pretended by a client", async () => {
      const ana = await loggedIn();
      const slow = ana.send("/test/who");
      const headers = { __unenv__: "{}", "x-nuxt-error": "true", "x-nitro-context": "{}" };
      assert.match(await (await fetch(site.url, { headers })).text(), /Hello, .{0,9}stranger/);
      await slow;
    });
  });

  describe("a cached handler", () => {
    test("has no session, so nobody gets another visitor's page", async () => {
      const ana = await loggedIn();
      for (const path of ["/cached", "/test/cached-inner"]) {
        const mine = await ana.send(path);
        assert.match(await mine.text(), /stranger/, path);
        assert.match(await (await visitor().send(path)).text(), /stranger/, path);
      }
      for (const path of ["/api/cached", "/test/cached-current", "/test/cached-of", "/test/after-look"]) {
        const response = await ana.send(path);
        assert.equal(response.status, 500, path);
        assert.doesNotMatch(await response.text(), /ana/);
      }
    });
  });

  describe("a stream", () => {
    test("begins after the commit, and later writes throw", async () => {
      const ana = visitor();
      const response = await ana.send("/test/stream");
      assert.equal(await response.text(), "first last");
      assert.equal(await (await ana.send("/test/late")).text(), "AFTER_RESPONSE");
      assert.match(await ana.page("/"), /Note: in time/);
    });

    test("may be that of a Response", async () => {
      const ana = visitor();
      const response = await ana.send("/test/web-stream");
      assert.equal(await response.text(), "abc");
      assert.equal(response.headers.get("x-own"), "yes");
      assert.match(await ana.page("/"), /Note: in a response/);
    });
  });

  test("a program that is not logged in gets 401 from the API", async () => {
    const response = await visitor().send("/api/user", { headers: { accept: "application/json" } });
    assert.equal(response.status, 401);
  });

  nitro2ContractTests(example);
});

describe("nuxt dev", { skip: example.missing }, () => {
  let site: RunningSite;
  const places = Object.keys(added).map((path) => join(example.folder, path));
  const changed = join(example.folder, "layers", "test", "server", "routes", "edit.get.ts");
  const edit = (edition: number): void =>
    writeFileSync(
      changed,
      `export default defineEventHandler(async (event) => String((await sessions.of(event)) && ${edition}));`,
    );

  before(async () => {
    for (const [path, from] of Object.entries(added)) {
      mkdirSync(dirname(join(example.folder, path)), { recursive: true });
      copyFileSync(from, join(example.folder, path));
    }
    edit(0);
    site = await example.start([], ["node_modules/nuxt/bin/nuxt.mjs", "dev", "--no-fork"]);
  });

  after(async () => {
    await site.close();
    for (const place of [changed, ...places]) rmSync(place, { force: true });
  });

  test("keeps visitors logged in over reloads, and closes what it had opened", async () => {
    const ana = new Visitor(site);
    assert.match(await ana.logIn(), /You are logged in\./);
    const files = async (): Promise<number> => Number(await (await ana.send("/test/files")).text());
    const atFirst = await files();
    for (const edition of [1, 2, 3]) {
      edit(edition);
      await until(
        async () => (await (await ana.send("/edit")).text()) === String(edition),
        () => edit(edition),
      );
    }
    assert.match(await ana.page("/"), /Hello, ana ?!/);
    await until(async () => (await files()) <= atFirst);
  });
});
