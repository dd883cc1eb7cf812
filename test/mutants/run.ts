// Puts every mistake of attack-mutants.ts into a copy of the sources and shows that its test notices:
// `node --conditions=coatcheck-source test/mutants/run.ts`, with words to choose among them by name or file.
// Takes about two minutes, so `npm test` leaves it out.

import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { attackMutants } from "./attack-mutants.ts";
import type { Mutant } from "./mutants.ts";

const root = join(import.meta.dirname, "../..");

/** A copy of what tests need. */
function copy(): string {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-mutants-"));
  for (const part of ["src", "test", "package.json"])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
  return folder;
}

/** The outcome of a mutant's test in a folder. */
async function run(mutant: Mutant, folder: string): Promise<{ failed: boolean; output: string }> {
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const args = ["--conditions=coatcheck-source", "--test", "--test-isolation=none", "--test-reporter=tap"];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...args, `--test-name-pattern=${mutant.pattern}`, mutant.test],
      // A mistake may well make a test wait for ever, or run in a circle that hears no SIGTERM.
      { cwd: folder, env, timeout: 30_000, killSignal: "SIGKILL", maxBuffer: 64 * 1024 * 1024 },
      (error, output) => resolve({ failed: error !== null, output }),
    );
  });
}

/** Why this mutant proves nothing, or `undefined` when its test noticed it. */
async function survival(mutant: Mutant, folder: string): Promise<string | undefined> {
  const file = join(folder, mutant.file);
  const source = readFileSync(join(root, mutant.file), "utf8");
  const found = source.split(mutant.find).length - 1;
  if (found !== 1) return `its text stands ${found} times in ${mutant.file}`;
  writeFileSync(
    file,
    source.replace(mutant.find, () => mutant.replace),
  );
  try {
    const { failed, output } = await run(mutant, folder);
    if (!failed) return "its test did not notice";
    // A file that does not load is told of as one test by its own name.
    const results = output.match(/^\s*not ok \d+ - .*$/gm) ?? [];
    return results.some((line) => !line.endsWith(".ts")) || output === ""
      ? undefined
      : `its copy does not load: ${output.slice(0, 1000)}`;
  } finally {
    writeFileSync(file, source);
  }
}

const words = process.argv.slice(2);
const chosen = attackMutants.filter(
  ({ name, file, test }) =>
    words.length === 0 || words.some((word) => [name, file, test].some((text) => text.includes(word))),
);
const waiting = [...chosen];
let survivors = 0;

async function work(): Promise<void> {
  const folder = copy();
  try {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const why = await survival(mutant, folder);
      if (why === undefined) continue;
      survivors++;
      console.error(`survived  ${mutant.test}: ${mutant.name} (${why})`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Each test must pass where nothing was changed; otherwise its failing says nothing. */
async function baseline(): Promise<void> {
  const folder = copy();
  try {
    const tests = new Map(chosen.map((mutant) => [mutant.test, { ...mutant, pattern: "." }]));
    for (const mutant of tests.values()) {
      const { failed } = await run(mutant, folder);
      if (!failed) continue;
      survivors++;
      console.error(`fails without any mistake: ${mutant.test}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await baseline();
await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, work));
console.log(`${chosen.length - survivors} of ${chosen.length} mistakes noticed.`);
process.exitCode = survivors === 0 && chosen.length > 0 ? 0 : 1;
