// The built package in every runtime. The runtimes are large, so they are installed apart:
// `npm run runtimes` does, and runs this. Where one can't be had its test is skipped, in CI it fails.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Report } from "./clause.ts";
import { programOf, runIn, runtimes } from "./runtimes.ts";
import type { Suite } from "./runtimes.ts";
import { openStaging } from "./staging.ts";
import type { Staging } from "./staging.ts";
import { adaptersOf, promiseOf, tableOf } from "./table.ts";

/** The page with the tables, each between two comments. */
const page = join(import.meta.dirname, "..", "..", "docs", "runtimes.md");
const made = "<!-- made by `npm run runtimes -- --write` -->";

/** What is run, in the order of the page's tables, and how each looks there. */
const suites: Readonly<Record<Suite, (reports: ReadonlyMap<string, Report>) => string>> = {
  main: promiseOf,
  "adapters-main": adaptersOf,
};

describe("the built package runs", () => {
  const reports: Record<Suite, Map<string, Report>> = { main: new Map(), "adapters-main": new Map() };
  let staging: Staging | undefined;

  before(async () => {
    const bun = runtimes.find(({ name }) => name === "Bun");
    if (runtimes.some((runtime) => programOf(runtime) !== undefined))
      staging = await openStaging(bun === undefined ? undefined : programOf(bun));
  });

  after(() => {
    staging?.close();
    for (const suite of Object.values(reports)) if (suite.size > 0) console.log(tableOf(suite));
  });

  for (const suite of Object.keys(suites) as Suite[]) {
    for (const runtime of runtimes) {
      test(`in ${runtime.name}${suite === "main" ? "" : ", with every adapter"}`, async (t) => {
        const program = programOf(runtime);
        if (program === undefined || staging === undefined) {
          const reason = `${runtime.name} is not installed here: \`npm run runtimes\` installs it where npm has it`;
          assert.ok(!process.env["CI"], reason);
          t.skip(reason);
          return;
        }
        const report = await runIn(program, runtime, suite, staging.folder);
        // Workerd tells its version only from outside.
        const version = report.version || execFileSync(program, ["--version"], { encoding: "utf8" });
        reports[suite].set(runtime.name, { ...report, version: /\d[\w.-]*/.exec(version)?.[0] ?? "" });
        assert.deepEqual(report.faults, []);
        for (const [part, count] of Object.entries(report.held)) assert.ok(count > 0, `${part} ran nothing`);
      });
    }
  }

  test("where the documentation says", (t) => {
    if (Object.values(reports).some(({ size }) => size < runtimes.length)) {
      t.skip("not every runtime is installed here");
      return;
    }
    const text = readFileSync(page, "utf8");
    const tables = Object.entries(suites).map(([suite, draw]) => draw(reports[suite as Suite]));
    const table = /(?<=<!-- made by `npm run runtimes -- --write` -->\n)[^]*?(?=\n<!-- end -->)/g;
    assert.equal(text.split(made).length - 1, tables.length);
    let at = 0;
    const now = text.replaceAll(table, () => tables[at++] ?? "");
    if (process.env["WRITE_RUNTIMES"]) writeFileSync(page, now);
    else assert.equal(text, now, "`npm run runtimes -- --write` mends it");
  });
});
