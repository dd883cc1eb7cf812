// The stores of Cloudflare, in workerd: the contract, the races, what can fail, and a site whose requests share one `sessions` object.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { generateSecret } from "coatcheck";
import { CookieJar } from "coatcheck/testing";
import type { Report } from "./clause.ts";
import { moduleOf, startWorker, withoutMiniflare } from "./miniflare.ts";
import type { RunningWorker } from "./miniflare.ts";

const skip = process.env["CI"] ? false : withoutMiniflare;

/** The files of the worker, and of the suite that it uses. */
const files = ["clause", "core-clauses", "fetch-clauses", "suite", "cloudflare-clauses", "cloudflare-worker"];

describe("in workerd", { skip }, () => {
  let worker: RunningWorker | undefined;
  before(async () => {
    const entry = {
      path: "entry.js",
      code: 'export { worker as default, RestartingShard, PlainShard } from "./cloudflare-worker.js";',
    };
    worker = await startWorker([entry, ...files.map(moduleOf)], {
      compatibilityDate: "2026-03-17",
      compatibilityFlags: ["nodejs_compat"],
      bindings: { SESSION_SECRET: generateSecret() },
      d1Databases: ["DB", "EMPTY"],
      durableObjects: {
        SHARDS: { className: "RestartingShard", useSQLite: true },
        PLAIN: { className: "PlainShard" },
      },
    });
  });
  after(async () => worker?.close());

  const fetch: RunningWorker["fetch"] = async (...args) => {
    assert.ok(worker);
    return worker.fetch(...args);
  };

  for (const store of ["d1", "objects"]) {
    for (const part of ["contract", "races", "own"]) {
      test(`the ${part === "own" ? "clauses of its own" : part} hold for ${store}`, async (t) => {
        // Those with many orders take minutes on D1. `TEST_LONG=1 npm run runtimes` runs all.
        const omit = part === "races" && store === "d1" && !process.env["TEST_LONG"] ? "?omit=S4,S5" : "";
        const report = (await (await fetch(`/run/${part}/${store}${omit}`)).json()) as Report;
        assert.deepEqual(report.faults, []);
        assert.ok((report.held["clauses"] ?? 0) > 5);
        t.diagnostic(`${report.held["clauses"]} clauses`);
      });
    }
  }

  const sites = { d1: 50, objects: 50, slow: 20 };
  for (const [store, visits] of Object.entries(sites)) {
    test(`a site on ${store} logs people in and out, and its requests that overlap do not undo each other's changes`, async () => {
      const jar = new CookieJar();
      const visit = async (path: string): Promise<Response> => {
        const response = await fetch(
          `/${store}${path}`,
          jar.header === undefined ? {} : { headers: { cookie: jar.header } },
        );
        jar.take(response);
        return response;
      };
      await visit("/login");
      const responses = await Promise.all(Array.from({ length: visits }, async () => visit("/increment")));
      assert.deepEqual([...new Set(responses.map(({ status }) => status))], [200]);
      assert.deepEqual(await (await visit("/")).json(), { subject: "ana", n: visits });
      assert.equal(await (await visit("/devices")).text(), "1");
      const ended = jar.header ?? "";
      await visit("/logout");
      assert.deepEqual(await (await fetch(`/${store}/`, { headers: { cookie: ended } })).json(), {});
      assert.match(await (await visit("/sweep")).text(), /^\d+$/);
    });
  }

  test("a request does not wait for the update of another one, which may never end", async () => {
    const jar = new CookieJar();
    jar.take(await fetch("/slow/login"));
    const headers = { cookie: jar.header ?? "" };
    const first: string[] = [];
    const hanging = fetch("/slow/hang", { headers }).then(({ status }) => first.push(`hanging: ${status}`));
    // The update that hangs has begun when the flag is down again.
    while ((await (await fetch("/hangs")).text()) !== "begun");
    const { status } = await fetch("/slow/increment", { headers });
    first.push(`other: ${status}`);
    assert.deepEqual(first, ["other: 200"]);
    await hanging;
    assert.deepEqual(first, ["other: 200", "hanging: 503"]);
  });
});
