// The example for Nitro 3: built and served, and with `nitro dev`.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Example } from "./example.ts";
import type { RunningSite } from "./example.ts";
import { nitro3ContractTests } from "./nitro/in-process.ts";
import { until } from "./until.ts";
import { browserTests, Visitor, walkTests } from "./walk.ts";

const program = "node_modules/nitro/dist/cli/index.mjs";
const example = new Example({
  name: "nitro",
  installed: program,
  build: [program, "build"],
  start: [".output/server/index.mjs"],
  output: [".output", ".nitro"],
});

const own = (file: string): string => join(import.meta.dirname, "nitro", file);
const added = {
  "server/routes/test/[name].ts": own("routes.js"),
  "server/routes/contract/[place]/[...path].ts": own("contract-route.js"),
  "server/plugins/contract.ts": own("contract.js"),
};

// A suite that is skipped is not counted, a test is.
test("the example for Nitro is installed", { skip: example.missing }, () => {});

describe("the example for Nitro", { skip: example.missing }, () => {
  let site: RunningSite;
  const visitor = (): Visitor => new Visitor(site);
  const loggedIn = async (): Promise<Visitor> => {
    const ana = visitor();
    await ana.logIn();
    await ana.page("/");
    return ana;
  };
  const text = async (of: Visitor, path: string, init?: RequestInit): Promise<string> =>
    (await of.send(path, init)).text();

  before(async () => {
    await example.build(added);
    site = await example.start();
  });

  after(async () => site.close());

  test("has the types it says", () => example.checkTypes());

  walkTests(() => site, {
    failures: [
      { how: "throws an HTTPError", path: "/fail", status: 422 },
      { how: "throws another error", path: "/test/throws", status: 500 },
      { how: "returns an error", path: "/test/returns", status: 409 },
      { how: "responds with 500", path: "/test/status-500", status: 500 },
      {
        how: "ignores the error of an inner request that had set data",
        path: "/test/inner-fails",
        status: 200,
      },
    ],
  });
  browserTests(() => site);

  describe("an inner request", () => {
    test("begins a session, and the response to the visitor carries its cookie", async () => {
      const stranger = visitor();
      const response = await stranger.send("/test/inner?path=note&value=first");
      assert.equal(response.headers.getSetCookie().length, 1);
      assert.equal(response.headers.get("cache-control"), "no-store");
      assert.match(await response.text(), /Note: first/);
      assert.match(await stranger.page("/"), /Note: first/);
    });

    test("logs in, and the next one sees it", async () => {
      const ana = visitor();
      assert.match(await text(ana, "/test/inner?path=login"), /Hello, ana!.*From inside\./);
      const later = await ana.page("/");
      assert.match(later, /Hello, ana!/);
      assert.doesNotMatch(later, /From inside/);
    });

    test("sets other cookies on the response to the visitor", async () => {
      const response = await visitor().send("/test/inner?path=cookie");
      assert.deepEqual(response.headers.getSetCookie(), [
        "theme=dark; Path=/; Secure; HttpOnly; SameSite=Lax",
      ]);
    });

    test("that fails after it had set data takes the whole request with it", async () => {
      const ana = await loggedIn();
      await ana.submit("/note", { note: "before" });
      assert.match(await text(ana, "/test/inner?set=lost+too&path=refuse"), /Inner: 422/);
      assert.match(await ana.page("/"), /Hello, ana!.*Note: before/);
    });

    test("that fails and had set nothing takes nothing with it", async () => {
      const ana = await loggedIn();
      assert.match(await text(ana, "/test/inner?set=kept&path=missing"), /Inner: 404/);
      assert.match(await ana.page("/"), /Note: kept/);
    });

    test("is the visitor's if it was made with fetchWithEvent, or carries the visitor's cookies", async () => {
      const ana = await loggedIn();
      assert.equal(await text(ana, "/test/who"), "ana");
      // What is not stored yet can only be seen in the same exchange.
      assert.equal(await text(ana, "/test/who-forwarded"), "ana: not stored yet");
    });

    test("is a stranger's if it carries no cookies, as over the network", async () => {
      const ana = await loggedIn();
      assert.equal(await text(ana, "/test/who-plain"), "stranger");
      const response = await ana.send("/test/plain-note");
      assert.deepEqual(await response.json(), { cookies: 1 });
      assert.deepEqual(response.headers.getSetCookie(), []);
      assert.doesNotMatch(await ana.page("/"), /orphan/);
    });

    test("is whose cookies it carries", async () => {
      const ben = visitor();
      await ben.submit("/note", { note: "of ben" });
      const ana = await loggedIn();
      const headers = { "x-other": ben.jar.header ?? "" };
      assert.equal(await text(ana, "/test/who-other", { headers }), "of ben");
    });

    test("over the network is a request of its own", async () => {
      const ana = await loggedIn();
      await ana.send("/test/over-network");
      assert.match(await ana.page("/"), /Note: network/);
      const response = await visitor().send("/test/over-network");
      assert.deepEqual(await response.json(), { cookies: 1 });
      assert.deepEqual(response.headers.getSetCookie(), []);
    });
  });

  test("a cached handler has no session, so nobody gets another visitor's page", async () => {
    const ana = await loggedIn();
    for (const path of ["/test/cached-current", "/test/cached-of", "/test/after-look"]) {
      await ana.send(path);
      assert.doesNotMatch(await text(visitor(), path), /\bana\b/, path);
    }
    assert.equal((await ana.send("/test/cached-current")).status, 500);
    assert.equal((await ana.send("/test/cached-of")).status, 500);
  });

  test("a stream begins after the commit, and later writes throw", async () => {
    const ana = visitor();
    assert.equal(await text(ana, "/test/stream"), "first last");
    assert.equal(await text(ana, "/test/late"), "AFTER_RESPONSE");
    assert.match(await ana.page("/"), /Note: in time/);
  });

  test("a program that is not logged in gets 401", async () => {
    const response = await visitor().send("/user", { headers: { accept: "application/json" } });
    assert.equal(response.status, 401);
  });

  nitro3ContractTests(example);
});

describe("nitro dev", { skip: example.missing }, () => {
  let site: RunningSite;
  const place = join(example.folder, "server", "routes", "files.get.ts");
  const changed = join(example.folder, "server", "routes", "edit.get.ts");
  const edit = (edition: number): void =>
    writeFileSync(
      changed,
      `import { sessions } from "../utils/sessions.ts"; export default async (event) => String((await sessions.of(event)) && ${edition});`,
    );

  before(async () => {
    mkdirSync(dirname(place), { recursive: true });
    copyFileSync(own("files.js"), place);
    edit(0);
    site = await example.start([], [program, "dev", "--host", "127.0.0.1"]);
  });

  after(async () => {
    await site.close();
    for (const file of [changed, place]) rmSync(file, { force: true });
  });

  test("keeps visitors logged in over reloads, and closes what it had opened", async () => {
    const ana = new Visitor(site);
    await until(async () => (await ana.logIn()).includes("You are logged in."));
    const files = async (): Promise<number> => Number(await (await ana.send("/files")).text());
    const atFirst = await files();
    assert.ok(atFirst > 0);
    for (const edition of [1, 2, 3]) {
      edit(edition);
      await until(
        async () => (await (await ana.send("/edit")).text()) === String(edition),
        () => edit(edition),
      );
    }
    assert.match(await ana.page("/"), /Hello, ana!/);
    await until(async () => (await files()) <= atFirst);
  });
});
