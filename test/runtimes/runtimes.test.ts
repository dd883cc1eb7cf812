// The built package in every runtime. The runtimes are large, so they are installed apart:
// `npm run runtimes` does, and runs this. Where one can't be had its test is skipped, in CI it fails.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import type { Report } from "./clause.ts";
import { programOf, runIn, runtimes } from "./runtimes.ts";
import { openStaging } from "./staging.ts";
import type { Staging } from "./staging.ts";
import { tableOf } from "./table.ts";

describe("the built package runs", () => {
  const reports = new Map<string, Report>();
  let staging: Staging | undefined;

  before(() => {
    if (runtimes.some((runtime) => programOf(runtime) !== undefined)) staging = openStaging();
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
});
