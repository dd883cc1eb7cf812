// The tests' own test: each guard of the library is taken out of a copy of the sources, and the test
// that stands for it must fail there. A test that does not notice proves nothing.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { mutants } from "./mutants.ts";
import type { Mutant } from "./mutants.ts";

const root = join(import.meta.dirname, "../..");

/** A copy of what tests need, with one guard taken out. */
function copyOf(mutant: Mutant): string {
  const copy = mkdtempSync(join(tmpdir(), "coatcheck-mutant-"));
  for (const part of ["src", "test", "package.json"])
    cpSync(join(root, part), join(copy, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "junction");
  const file = join(copy, mutant.file);
  const source = readFileSync(file, "utf8");
  assert.equal(source.split(mutant.find).length, 2, `the guard stands once in ${mutant.file}`);
  writeFileSync(
    file,
    source.replace(mutant.find, () => mutant.replace),
  );
  return copy;
}

interface Run {
  readonly code: number;
  readonly output: string;
}

/** Runs the mutant's test in a folder, with nothing of this run's own in its environment. */
async function run(mutant: Mutant, folder: string): Promise<Run> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = [
    "--conditions=coatcheck-source",
    "--test",
    "--test-reporter=tap",
    `--test-name-pattern=${mutant.pattern}`,
  ];
  return new Promise((resolve) => {
    execFile(process.execPath, [...args, mutant.test], { cwd: folder, env }, (error, stdout) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, output: stdout });
    });
  });
}

suite("the tests notice when", { concurrency: 2 }, () => {
  for (const mutant of mutants) {
    test(mutant.name, async () => {
      const copy = copyOf(mutant);
      try {
        const { code, output } = await run(mutant, copy);
        assert.equal(code, 1, output);
        // Failed for what it asserts, not because the copy would not load.
        assert.match(output, /AssertionError|ERR_ASSERTION/, output);
      } finally {
        rmSync(copy, { recursive: true, force: true });
      }
    });
  }
});
