// The built package in every runtime. The runtimes are large, so they are installed apart:
// `npm run runtimes` does, and runs this. Where one can't be had its test is skipped, in CI it fails.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Report } from "./clause.ts";
import { programOf, runIn, runtimes } from "./runtimes.ts";
import { openStaging } from "./staging.ts";
import type { Staging } from "./staging.ts";
import { promiseOf, tableOf } from "./table.ts";

/** The page with the table, between two comments. */
const page = join(import.meta.dirname, "..", "..", "docs", "runtimes.md");
const table = /(?<=<!-- made by `npm run runtimes -- --write` -->\n)[^]*?(?=\n<!-- end -->)/;

describe("the built package runs", () => {
  const reports = new Map<string, Report>();
  let staging: Staging | undefined;

  before(async () => {
    if (runtimes.some((runtime) => programOf(runtime) !== undefined)) staging = await openStaging();
  });

  after(() => {
    staging?.close();
    if (reports.size > 0) console.log(tableOf(reports));
  });

  for (const runtime of runtimes) {
    test(`in ${runtime.name}`, async (t) => {
      const program = programOf(runtime);
      if (program === undefined || staging === undefined) {
        const reason = `${runtime.name} is not installed here: \`npm run runtimes\` installs it where npm has it`;
        assert.ok(!process.env["CI"], reason);
        t.skip(reason);
        return;
      }
      const report = await runIn(program, runtime, staging.folder);
      // Workerd tells its version only from outside.
      const version = report.version || execFileSync(program, ["--version"], { encoding: "utf8" });
      reports.set(runtime.name, { ...report, version: /\d[\w.-]*/.exec(version)?.[0] ?? "" });
      assert.deepEqual(report.faults, []);
      for (const [part, count] of Object.entries(report.held)) assert.ok(count > 0, `${part} ran nothing`);
    });
  }

  test("where the documentation says", (t) => {
    if (reports.size < runtimes.length) {
      t.skip("not every runtime is installed here");
      return;
    }
    const text = readFileSync(page, "utf8");
    if (process.env["WRITE_RUNTIMES"]) writeFileSync(page, text.replace(table, promiseOf(reports)));
    else assert.equal(table.exec(text)?.[0], promiseOf(reports), "`npm run runtimes -- --write` mends it");
  });
});
