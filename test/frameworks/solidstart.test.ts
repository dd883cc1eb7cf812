// The example for SolidStart: built and served with Nitro, and with Vite's development server.

import assert from "node:assert/strict";
import { copyFileSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Example } from "./example.ts";
import type { RunningSite } from "./example.ts";
import { until } from "./until.ts";
import { browserTests, Visitor, walkTests } from "./walk.ts";
import type { WalkSettings } from "./walk.ts";

const vite = "node_modules/vite/bin/vite.js";
const example = new Example({
  name: "solidstart",
  installed: vite,
  build: [vite, "build"],
  start: [".output/server/index.mjs"],
  output: [".output"],
});
const own = (file: string): string => join(import.meta.dirname, "solidstart", file);
const added = { "src/routes/test.tsx": own("page.js") };

/** A page and an API route of SolidStart are better kept in files of their own, so the forms go to /api. */
const settings: WalkSettings = {
  failures: [{ how: "throws in an API route", path: "/fail", status: 500 }],
  form: (path, fields) => ({
    path: path.startsWith("/_server") ? path : `/api${path}`,
    body: new URLSearchParams(fields),
  }),
};

// A suite that is skipped is not counted, a test is.
test("the example for SolidStart is installed", { skip: example.missing }, () => {});

describe("the example for SolidStart", { skip: example.missing }, () => {
  let site: RunningSite;
  const loggedIn = async (): Promise<Visitor> => {
    const ana = new Visitor(site, settings);
    await ana.logIn();
    await ana.submit("/note", { note: "before" });
    return ana;
  };
  const call = async (visitor: Visitor, name: string, headers: Record<string, string>): Promise<Response> => {
    const page = await visitor.page("/test");
    const url = new RegExp(`${name}=(\\S+)`).exec(page)?.[1]?.replaceAll("&amp;", "&");
    assert.ok(url, page);
    return visitor.send(url, {
      method: "POST",
      headers: { origin: site.url, "sec-fetch-site": "same-origin", referer: `${site.url}/test`, ...headers },
      body: new URLSearchParams({ a: "b" }),
    });
  };

  before(async () => {
    await example.build(added);
    site = await example.start();
  });

  after(async () => site.close());

  test("has the types it says", () => example.checkTypes());

  test("sends nothing of the server's code to browsers", () => {
    const files = globSync(".output/public/**/*.js", { cwd: example.folder });
    assert.ok(files.length > 0);
    for (const path of files) {
      const code = readFileSync(join(example.folder, path), "utf8");
      assert.doesNotMatch(code, /correct horse|node:sqlite|SESSION_SECRET/, path);
    }
  });

  walkTests(() => site, settings);
  browserTests(() => site);

  for (const [way, headers] of [
    ["the framework's client", { "x-server-instance": "server-fn:0" }],
    ["a form without scripts", {}],
  ] as const) {
    describe(`a server function that ${way} calls`, () => {
      test("keeps nothing if it throws an error, or a Response that is one", async () => {
        const ana = await loggedIn();
        for (const name of ["refuse", "answer"]) {
          await call(ana, name, headers);
          assert.match(await ana.page("/"), /Note: before/, name);
        }
      });

      test("keeps its data if it returns, or throws or returns redirect()", async () => {
        const ana = await loggedIn();
        for (const [name, note] of Object.entries({
          keep: "kept",
          leave: "kept by a thrown redirect",
          go: "kept by a redirect",
        })) {
          await call(ana, name, headers);
          assert.match(await ana.page("/"), new RegExp(`Note: ${note}`));
        }
      });
    });
  }

  test("a page and the server functions that it calls while it is rendered have one session", async () => {
    const stranger = new Visitor(site, settings);
    const response = await stranger.send("/test?what=keep");
    assert.match(await response.text(), /Seen: kept\./);
    assert.equal(response.headers.getSetCookie().length, 1);
    assert.match(await stranger.page("/"), /Note: kept/);
  });

  test("the error of a server function that a page catches while it is rendered is not known", async () => {
    const ana = await loggedIn();
    await ana.page("/test?what=refuse");
    assert.match(await ana.page("/"), /Note: lost/);
  });
});

describe("Vite's development server of SolidStart", { skip: example.missing }, () => {
  let site: RunningSite;
  const changed = join(example.folder, "src", "routes", "edit.ts");
  const filesRoute = join(example.folder, "src", "routes", "files.ts");
  const edit = (edition: number): void =>
    writeFileSync(
      changed,
      `import { sessions } from "../sessions.ts";
       export async function GET() {
         return new Response(String((await sessions.current()) && ${edition}));
       }`,
    );

  before(async () => {
    edit(0);
    copyFileSync(own("files.js"), filesRoute);
    site = await example.start([], [vite, "dev", "--host", "127.0.0.1", "--strictPort"]);
  });

  after(async () => {
    await site.close();
    for (const file of [changed, filesRoute]) rmSync(file, { force: true });
  });

  test("keeps visitors logged in over reloads, and closes what it had opened", async () => {
    const ana = new Visitor(site, settings);
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
