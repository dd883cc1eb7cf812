// Looks for a program that behaves differently with sessions: a process of its own, since it may meet
// errors that nobody catches. Prints the smallest, and ends with 1.
//
//   hunt-process.ts [--seed 7] [--path 0:1] [--runs 300 | --minutes 60] [--except "regular expression"]
//
// `--except`: differences that are known, and not to stop at.

import { parseArgs } from "node:util";
import fc from "fast-check";
import { differencesBetween } from "./differences.ts";
import { printed } from "./program.ts";
import type { Program } from "./program.ts";
import { programs } from "./programs.ts";
import { run, watchProcess } from "./run.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    path: { type: "string" },
    runs: { type: "string", default: "300" },
    minutes: { type: "string" },
    except: { type: "string" },
    verbose: { type: "boolean" },
  },
});
const except = values.except === undefined ? undefined : new RegExp(values.except);

watchProcess();
console.error = () => {};

async function differencesOf(program: Program): Promise<string[]> {
  let found: string[] = [];
  // What a busy machine makes differ is gone when it is looked at with more patience.
  for (const patience of [60, 200, 600]) {
    const bare = await run(program, { withSessions: false, patience });
    const dressed = await run(program, { withSessions: true, patience });
    found = differencesBetween(program, bare, dressed).filter((each) => except?.test(each) !== true);
    if (found.length === 0) return found;
  }
  return found;
}

let played = 0;
async function hunt(seed: number, numRuns: number): Promise<boolean> {
  const outcome = await fc.check(
    fc.asyncProperty(programs, async (program) => {
      played++;
      if (values.verbose) console.log(printed(program), "\n");
      const found = await differencesOf(program);
      if (found.length > 0) throw new Error(found.join("\n"));
    }),
    { seed, numRuns, ...(values.path === undefined ? {} : { path: values.path }) },
  );
  if (!outcome.failed) return false;
  const [program] = outcome.counterexample ?? [];
  if (program) console.log(printed(program));
  console.log(`\n${outcome.errorInstance instanceof Error ? outcome.errorInstance.message : ""}\n`);
  console.log(`--seed ${seed} --path ${outcome.counterexamplePath}`);
  return true;
}

const started = performance.now();
let hasFound = false;
let seed = Number(values.seed);
if (values.minutes === undefined) hasFound = await hunt(seed, Number(values.runs));
else {
  const end = started + Number(values.minutes) * 60_000;
  while (!hasFound && performance.now() < end) hasFound = await hunt(seed++, 500);
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(`${played} programs in ${seconds} s`);
process.exit(hasFound ? 1 : 0);
