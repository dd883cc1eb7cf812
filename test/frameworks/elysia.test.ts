// The example for Elysia, served by Node and by Bun, and the contract of every adapter with Elysia's own server in both.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { adapterContract, races } from "coatcheck/testing";
import { programOf, runtimes } from "../runtimes/runtimes.ts";
import { Example } from "./example.ts";
import type { RunningSite } from "./example.ts";
import { browserTests, walkTests } from "./walk.ts";

const example = new Example({ name: "elysia", installed: "node_modules/elysia", start: ["server.ts"] });
const bun = runtimes.find(({ name }) => name === "Bun");
const programs = { Node: process.execPath, Bun: bun && programOf(bun) };

/** Clauses that do not hold, and why. */
const exceptions: Readonly<Record<string, string>> = {
  "gives back the messages of a page whose client went away before it was answered":
    "a fetch handler is not told that its client went away; its response counts as seen",
};

// A suite that is skipped is not counted, a test is.
test("the example for Elysia is installed", { skip: example.missing }, () => {});

describe("Elysia", { skip: example.missing }, () => {
  before(async () => example.build());

  test("the example has the types it says", () => example.checkTypes());

  for (const [runtime, program] of Object.entries(programs)) {
    const skip =
      program === undefined ? `${runtime} is not installed here: \`npm run runtimes -- --install\`` : false;
    test(`${runtime} is installed for Elysia`, { skip }, () => {});

    describe(`in ${runtime}`, { skip }, () => {
      let site: RunningSite;
      let outcomes: Record<string, string | null> = {};

      before(async () => {
        site = await example.start([program ?? ""]);
        const script = join(import.meta.dirname, "elysia-process.ts");
        const { stdout } = await promisify(execFile)(program ?? "", [
          "--conditions=coatcheck-source",
          script,
        ]);
        outcomes = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as typeof outcomes;
      });

      after(async () => site.close());

      walkTests(() => site, {
        failures: [
          { how: "throws a status", path: "/fail", status: 422 },
          { how: "throws an error", path: "/fail-error", status: 500 },
          { how: "throws what the route's error hook makes a page of", path: "/fail-page", status: 200 },
          { how: "returns what the route's schema refuses", path: "/fail-validation", status: 422 },
        ],
      });
      browserTests(() => site);

      test("programs get 401 from a page for users", async () => {
        const response = await fetch(`${site.url}/user`, { headers: { accept: "application/json" } });
        assert.equal(response.status, 401);
        assert.equal(response.headers.get("www-authenticate"), "Session");
      });

      for (const { name } of [...adapterContract, ...races]) {
        const exception = exceptions[name];
        if (exception === undefined) {
          test(`Elysia ${name}`, () => assert.equal(outcomes[name], null));
        } else {
          test(`Elysia ${name} (not so: ${exception})`, () => assert.equal(typeof outcomes[name], "string"));
        }
      }
    });
  }
});
