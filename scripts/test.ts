// Runs the tests: `npm test`, or `npm test -- stores flash` for the files whose path contains one of the words.
//
//   --no-browser   leaves out test/browser, test/frameworks, the browser's part of test/next, and test/runtimes
//   --built        tests the built package in dist instead of the sources
//
// These run last and one file at a time, since each needs the machine to itself.
// Exits with 1 if a test failed, and also if there was nothing to run.

import { once } from "node:events";
import { appendFileSync, globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(import.meta.dirname);

/** Longer than any file takes, so that a test that hangs ends. */
const fileTimeout = 10 * 60_000;

/** In the order of node:test's own closing summary. */
const total = { tests: 0, suites: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 };
const labels = { ...total, passed: "pass", failed: "fail" };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { "no-browser": { type: "boolean" }, built: { type: "boolean" } },
});

const reporter = new spec();
reporter.pipe(process.stdout);

/** Reports every event of these files except the summary, since there is one for all at the end. */
async function runFiles(files: string[], concurrency: number): Promise<void> {
  if (files.length === 0) return;
  const paths = new Set(files);
  for await (const event of run({ files, concurrency, timeout: fileTimeout, cwd: root })) {
    if (event.type === "test:summary") {
      if (event.data.file !== undefined) continue;
      for (const name of keysOf(total)) total[name] += event.data.counts[name];
      continue;
    }
    // The runner counts a file without tests as a passed test.
    if (event.type === "test:pass" && event.data.nesting === 0 && paths.has(event.data.name)) {
      empty.push(relative(root, event.data.name));
    }
    if (event.type === "test:diagnostic" && event.data.file === undefined && event.data.nesting === 0)
      continue;
    if (!reporter.write(event)) await once(reporter, "drain");
  }
}

function keysOf<T extends object>(object: T): (keyof T & string)[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made right here, so no key is unknown
  return Object.keys(object) as (keyof T & string)[];
}

function summarise(started: number): void {
  const lines = keysOf(total).map((name) => `${labels[name] === 0 ? name : labels[name]} ${total[name]}`);
  for (const message of [...lines, `duration_ms ${(performance.now() - started).toFixed(0)}`]) {
    reporter.write({ type: "test:diagnostic", data: { nesting: 0, message, level: "info" } });
  }
  reporter.end();
}

/** Whether `coatcheck` resolves to what this run tests: sources and dist look the same from outside. */
function rightPackage(): boolean {
  const folder = values.built ? "dist" : "src";
  const found = fileURLToPath(import.meta.resolve("coatcheck"));
  if (found.startsWith(join(root, folder) + sep)) return true;
  console.error(`"coatcheck" resolves to ${relative(root, found)}, but this run tests ${folder}.`);
  return false;
}

const empty: string[] = [];
const files = globSync("test/**/*.test.ts", { cwd: root })
  .filter((file) => !file.split(sep).includes("node_modules"))
  .filter((file) => positionals.length === 0 || positionals.some((word) => file.includes(word)))
  .toSorted()
  .map((file) => join(root, file));
const alone = ["browser", "frameworks", "next/browser", "runtimes"].map((start) => join(root, "test", start));
const wantsMachine = (file: string): boolean => alone.some((start) => file.startsWith(start));

// Like other test runners do, so that the package prints its advice to developers only in the tests of that advice.
process.env["NODE_ENV"] ??= "test";

if (!rightPackage()) process.exit(1);
const started = performance.now();
await runFiles(
  files.filter((file) => !wantsMachine(file)),
  availableParallelism(),
);
if (!values["no-browser"]) {
  await runFiles(files.filter(wantsMachine), 1);
}
summarise(started);
await once(reporter, "end");

// For .ci/run, which adds up the counts of more than one run.
const counts = process.env["TEST_COUNTS_FILE"];
const failed = total.failed + total.cancelled;
const passed = total.passed - empty.length;
if (counts) appendFileSync(counts, `${passed} ${failed} ${total.skipped + total.todo}\n`);

for (const file of empty) console.error(`${file} contains no tests.`);
if (passed + failed === 0) console.error("No test ran.");
process.exitCode = failed > 0 || passed === 0 || empty.length > 0 ? 1 : 0;
