// The stores of Cloudflare, in workerd: the contract, the races, what can fail, and a site whose requests share one `sessions` object.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CookieJar } from "coatcheck/testing";
import type { Report } from "./clause.ts";
import { startWorker, withoutMiniflare } from "./miniflare.ts";
import type { RunningWorker } from "./miniflare.ts";

const skip = process.env["CI"] ? false : withoutMiniflare;

describe("in workerd", { skip }, () => {
  let worker: RunningWorker | undefined;
  before(async () => {
    worker = await startWorker();
  });
  after(async () => worker?.close());

  const fetch: RunningWorker["fetch"] = async (...args) => {
    assert.ok(worker);
    return worker.fetch(...args);
  };

  for (const store of ["d1", "objects"]) {
    for (const part of ["contract", "races", "own"]) {
      test(`the ${part === "own" ? "clauses of its own" : part} hold for ${store}`, async (t) => {
        const report = (await (await fetch(`/run/${part}/${store}`)).json()) as Report;
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
          jar.header === undefined ? {} : { cookie: jar.header },
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
      assert.deepEqual(await (await fetch(`/${store}/`, { cookie: ended })).json(), {});
      assert.match(await (await visit("/sweep")).text(), /^\d+$/);
    });
  }
});
