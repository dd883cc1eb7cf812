// Looks for a program that behaves differently with sessions: a process of its own, since it may meet
// errors that nobody catches. Prints the smallest, and ends with 1.
//
//   hunt-process.ts [--seed 7] [--path 0:1] [--runs 300 | --minutes 60] [--all] [--except "regular expression"]
//
// `--planted`: looks for planted faults instead, and ends with 1 if one is not found.
// `--known`: runs the programs that are known instead.
// `--all`: goes on after a find, and prints one of each kind.
// `--except`: differences that are known, and not to stop at.

import { parseArgs } from "node:util";
import * as fc from "fast-check";
import { damagesBetween, differencesBetween } from "./differences.ts";
import { knownPrograms } from "./known.ts";
import { plants } from "./plants.ts";
import type { Plant } from "./plants.ts";
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
    all: { type: "boolean" },
    planted: { type: "boolean" },
    known: { type: "boolean" },
    verbose: { type: "boolean" },
  },
});
const except = values.except === undefined ? undefined : new RegExp(values.except);

watchProcess();
console.error = () => {};

/** @param plant stands in the place of the sessions. */
async function differencesOf(program: Program, plant?: Plant): Promise<string[]> {
  const isNew = (each: string): boolean => except?.test(each) !== true && !known.has(kindOf(program, each));
  let found: string[] = [];
  // What a busy machine makes differ is gone when it is looked at with more patience.
  for (const patience of plant === undefined ? [60, 200, 600] : [60]) {
    const withSessions = plant?.isWithSessions ?? true;
    const dressed = await run(program, { withSessions, plant: plant?.middleware, patience });
    const bare = await run(program, { withSessions: false, patience });
    const damages = damagesBetween(program, bare, dressed).filter(isNew);
    found = [...damages, ...differencesBetween(program, bare, dressed).filter(isNew)];
    if (found.length === 0) return found;
    // While a response is held time stands still for it: what the program does meanwhile comes as if it had not waited.
    const hurried = await run(program, { withSessions: false, isHurried: true, patience });
    if (differencesBetween(program, hurried, dressed).filter(isNew).length === 0) {
      // What also breaks without sessions, when nothing is waited for, is the program's own.
      const own = damagesBetween(program, hurried, dressed).filter(isNew);
      found = dressed.owed.private ? damages.filter((each) => own.includes(each)) : own;
    }
    if (found.length === 0) return found;
  }
  return found;
}

/** @returns the planted faults that were not found. */
async function huntPlants(numRuns: number): Promise<string[]> {
  const missed: string[] = [];
  for (const [name, plant] of Object.entries(plants)) {
    // A session's own differences are looked for among those that say what is missing.
    const isIts = (each: string): boolean => !plant.isWithSessions || each.includes("missing");
    const outcome = await fc.check(
      fc.asyncProperty(programs, async (program) => {
        const found = await differencesOf(program, plant);
        if (found.some(isIts)) throw new Error(found.join("\n"));
      }),
      { seed: 1, numRuns, endOnFailure: true, examples: knownPrograms.map((program) => [program]) },
    );
    console.log(`${outcome.failed ? `found after ${outcome.numRuns}` : "NOT FOUND"}: ${name}`);
    if (!outcome.failed) missed.push(name);
  }
  return missed;
}

/** With `--all`: the kinds of differences that were printed. */
const known = new Set<string>();

function kindOf({ server, front, behind }: Program, difference: string): string {
  const what = difference
    .replace(/^step \d+, .*; ?(?=: )|^step \d+, .*?drain;/s, "step")
    .replaceAll(/\d+|"[^"]*"/g, "_");
  const place = [
    server.startsWith("http2") ? "http2" : "http",
    front.length > 0 && "front",
    behind.length > 0 && "behind",
  ];
  return [...place, what.slice(0, 60)].join(" ");
}

function report(program: Program, found: readonly string[]): string {
  const more = found.length > 8 ? [`(and ${found.length - 8} more)`] : [];
  return [printed(program), "", ...found.slice(0, 8), ...more, ""].join("\n");
}

let played = 0;

/** Programs that are known, one after the other. */
async function playKnown(): Promise<boolean> {
  let hasFound = false;
  for (const program of knownPrograms) {
    for (const store of ["at once", "after turns"] as const) {
      played++;
      const found = await differencesOf({ ...program, store });
      if (found.length > 0) console.log(report({ ...program, store }, found));
      hasFound ||= found.length > 0;
    }
  }
  return hasFound;
}

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
  const found = outcome.errorInstance instanceof Error ? outcome.errorInstance.message.split("\n") : [];
  if (program) console.log(report(program, found));
  if (program && values.all) for (const each of found) known.add(kindOf(program, each));
  console.log(`--seed ${seed} --path ${outcome.counterexamplePath}`);
  return true;
}

const started = performance.now();
let hasFound = false;
let seed = Number(values.seed);
if (values.planted) {
  hasFound = (await huntPlants(Number(values.runs))).length > 0;
} else if (values.known) {
  hasFound = await playKnown();
} else if (values.minutes === undefined) hasFound = await hunt(seed, Number(values.runs));
else {
  const end = started + Number(values.minutes) * 60_000;
  while ((values.all || !hasFound) && performance.now() < end)
    hasFound = (await hunt(seed++, 500)) || hasFound;
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(`${played} programs in ${seconds} s`);
process.exit(hasFound ? 1 : 0);
