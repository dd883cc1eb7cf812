// The Pages Router of Next.js: getServerSideProps and API routes, built and served, and the development server.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CookieJar } from "coatcheck/testing";
import { textOf } from "../frameworks/walk.ts";
import type { RunningSite } from "../frameworks/example.ts";
import { contractRoute, development, next } from "./site.ts";

const of = { skip: next.missing };

function visitorOf(site: () => RunningSite) {
  const jar = new CookieJar();
  const visit = async (path: string, fields?: Record<string, string>): Promise<Response> => {
    const response = await fetch(site().url + path, {
      redirect: "manual",
      headers: { cookie: jar.header ?? "" },
      ...(fields === undefined ? {} : { method: "POST", body: new URLSearchParams(fields) }),
    });
    jar.take(response);
    return response;
  };
  const page = async (path = "/old"): Promise<string> => textOf(await (await visit(path)).text());
  const logIn = async (): Promise<void> => {
    const response = await visit("/api/old/login", { name: "ana", password: "1234" });
    assert.equal(response.status, 303);
    assert.equal(response.headers.get("location"), "/old");
  };
  return { jar, visit, page, logIn };
}

/** What a visitor does, in the built site and while it is developed. */
function pageTests(site: () => RunningSite): void {
  test("a page of the Pages Router greets, shows a message once, and forgets after a logout", async () => {
    const { jar, logIn, page, visit } = visitorOf(site);
    assert.match(await page(), /Hello, stranger!/);
    assert.equal(jar.header, undefined, "a look sets no cookie");
    await visit("/api/old/login", { name: "ana", password: "wrong" });
    assert.match(await page(), /is not right.*Hello, stranger!/);
    await logIn();
    assert.match(await page(), /Welcome, ana!.*Hello, ana!/);
    assert.doesNotMatch(await page(), /Welcome/);
    const { headers } = await visit("/old");
    assert.match(headers.get("cache-control") ?? "", /private|no-store/);
    await visit("/api/old/logout", {});
    assert.match(await page(), /Hello, stranger!/);
  });

  test("getServerSideProps keeps what it set, also before a redirect, and not if it throws", async () => {
    const { logIn, page, visit } = visitorOf(site);
    await logIn();
    assert.match(await page("/old?note=one"), /Name: one/);
    assert.equal((await visit("/old?note=two&end=redirect")).status, 307);
    assert.match(await page(), /Name: two/);
    assert.equal((await visit("/old?note=three&end=error")).status, 500);
    assert.match(await page(), /Name: two/);
  });

  test("an API route that throws keeps nothing", async () => {
    const { logIn, page, visit } = visitorOf(site);
    await logIn();
    const response = await visit("/api/old/fail", {});
    assert.equal(response.status, 500);
    assert.deepEqual(await response.json(), { error: "Something went wrong." });
    assert.match(await page(), /Name: ana/);
  });

  test("another site's form is refused by an API route and by a page", async () => {
    for (const path of ["/api/old/login", "/old"]) {
      const headers = { origin: "https://elsewhere.example" };
      const response = await fetch(site().url + path, { method: "POST", headers });
      assert.equal(response.status, 403, path);
    }
  });
}

test("the Next.js example is installed", of, () => {});

describe("the Pages Router", of, () => {
  let site: RunningSite;

  before(async () => {
    await next.build(contractRoute);
    site = await next.start();
  });

  after(async () => site.close());

  pageTests(() => site);

  test("the data of a page, as a link of Next.js loads it, comes from the same session", async () => {
    const { logIn, visit } = visitorOf(() => site);
    await logIn();
    const id = readFileSync(join(next.folder, ".next", "BUILD_ID"), "utf8");
    const response = await visit(`/_next/data/${id}/old.json`);
    const { pageProps } = (await response.json()) as { pageProps: { subject: string; messages: string[] } };
    assert.deepEqual([pageProps.subject, pageProps.messages], ["ana", ["Welcome, ana!"]]);
    assert.match(response.headers.get("cache-control") ?? "", /private|no-store/);
  });
});

describe("the development server of Next.js", of, () => {
  let site: RunningSite;

  before(async () => {
    site = await next.start([], development);
  });

  after(async () => site.close());

  pageTests(() => site);

  test("a visitor is still logged in after the files of the sessions and of a page have changed", async (t) => {
    const { logIn, page } = visitorOf(() => site);
    await logIn();
    for (const [path, change] of [
      ["pages-router.ts", (text: string) => `${text}\nexport const changed = true;\n`],
      ["pages/old/index.tsx", (text: string) => text.replace("Hello,", "Good morning,")],
    ] as const) {
      const file = join(next.folder, path);
      const text = readFileSync(file, "utf8");
      t.after(() => writeFileSync(file, text));
      writeFileSync(file, change(text));
    }
    let seen = "";
    while (!seen.includes("Good morning,")) {
      assert.ok(!t.signal.aborted);
      seen = await page();
    }
    assert.match(seen, /Good morning, ana!/);
  });
});
