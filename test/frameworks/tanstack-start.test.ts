// The example for TanStack Start: built and served, and with Vite's development server.

import assert from "node:assert/strict";
import { copyFileSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Example } from "./example.ts";
import type { RunningSite } from "./example.ts";
import { until } from "./until.ts";
import { browserTests, Visitor, walkTests } from "./walk.ts";

const vite = "node_modules/vite/bin/vite.js";
const example = new Example({
  name: "tanstack-start",
  installed: vite,
  build: [vite, "build"],
  start: ["server.js"],
  output: ["dist"],
});
const added = { "src/routes/test.tsx": join(import.meta.dirname, "tanstack-start", "route.js") };

// A suite that is skipped is not counted, a test is.
test("the example for TanStack Start is installed", { skip: example.missing }, () => {});

describe("the example for TanStack Start", { skip: example.missing }, () => {
  let site: RunningSite;
  const loggedIn = async (): Promise<Visitor> => {
    const ana = new Visitor(site);
    await ana.logIn();
    await ana.submit("/note", { note: "before" });
    return ana;
  };
  /** Calls a server function as the framework's client does, or as a form without scripts. */
  const call = async (visitor: Visitor, name: string, headers: Record<string, string>): Promise<Response> => {
    const page = await visitor.page("/test");
    const url = new RegExp(`${name}=(\\S+)`).exec(page)?.[1];
    assert.ok(url, page);
    const own = { origin: site.url, "sec-fetch-site": "same-origin", ...headers };
    const body = new URLSearchParams({ a: "b" });
    return visitor.send(url, { method: "POST", headers: own, body });
  };

  before(async () => {
    await example.build(added);
    site = await example.start();
  });

  after(async () => site.close());

  test("has the types it says", () => example.checkTypes());

  test("sends nothing of the server's code to browsers", () => {
    for (const path of globSync("dist/client/**/*.js", { cwd: example.folder })) {
      const code = readFileSync(join(example.folder, path), "utf8");
      assert.doesNotMatch(code, /correct horse|node:sqlite|SESSION_SECRET/, path);
    }
  });

  walkTests(() => site, {
    failures: [{ how: "throws in a server route", path: "/fail", status: 500 }],
  });
  browserTests(() => site);

  for (const [way, headers] of [
    ["the framework's client", { "x-tsr-serverFn": "true" }],
    ["a form without scripts", {}],
  ] as const) {
    describe(`a server function that ${way} calls`, () => {
      test("keeps nothing if it throws an error, whatever the status", async () => {
        const ana = await loggedIn();
        await call(ana, "refuse", headers);
        assert.match(await ana.page("/"), /Note: before/);
      });

      test("keeps nothing if it throws a Response that is an error", async () => {
        const ana = await loggedIn();
        await call(ana, "answer", headers);
        assert.match(await ana.page("/"), /Note: before/);
      });

      test("keeps its data if it returns, or throws redirect() or notFound()", async () => {
        const ana = await loggedIn();
        for (const [name, note] of Object.entries({
          // A form's function must return a Response or redirect, or Start responds with 500.
          ...(way === "a form without scripts" ? {} : { keep: "kept" }),
          leave: "kept by a redirect",
          miss: "kept by notFound",
        })) {
          await call(ana, name, headers);
          assert.match(await ana.page("/"), new RegExp(`Note: ${note}`));
        }
      });
    });
  }

  test("a page and the server functions that it calls while it is rendered have one session", async () => {
    const stranger = new Visitor(site);
    const response = await stranger.send("/test?what=keep");
    assert.match(await response.text(), /Seen: kept\./);
    assert.equal(response.headers.getSetCookie().length, 1);
    assert.match(await stranger.page("/"), /Note: kept/);
  });

  test("a page keeps nothing if a server function that it calls while it is rendered fails", async () => {
    const ana = await loggedIn();
    await ana.page("/test?what=refuse");
    assert.match(await ana.page("/"), /Note: before/);
  });

  test("what a page streams later can't write to the session", async () => {
    const ana = await loggedIn();
    const response = await ana.send("/test?what=late");
    assert.match(await response.text(), /AFTER_RESPONSE/);
    assert.match(await ana.page("/"), /Note: before/);
  });
});

describe("Vite's development server of TanStack Start", { skip: example.missing }, () => {
  let site: RunningSite;
  const changed = join(example.folder, "src", "routes", "edit.ts");
  const filesRoute = join(example.folder, "src", "routes", "files.ts");
  const edit = (edition: number): void =>
    writeFileSync(
      changed,
      `import { createFileRoute } from "@tanstack/react-router";
       import { sessions } from "../sessions.server.ts";
       export const Route = createFileRoute("/edit")({
         server: { handlers: { GET: async () => new Response(String((await sessions.current()) && ${edition})) } },
       });`,
    );

  before(async () => {
    edit(0);
    copyFileSync(join(import.meta.dirname, "tanstack-start", "files.js"), filesRoute);
    site = await example.start([], [vite, "dev", "--host", "127.0.0.1", "--strictPort"]);
  });

  after(async () => {
    await site.close();
    for (const file of [changed, filesRoute]) rmSync(file, { force: true });
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
    assert.match(await ana.page("/"), /Hello, ana ?!/);
    await until(async () => (await files()) <= atFirst);
  });
});
