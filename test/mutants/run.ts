// Puts every mistake of attack-mutants.ts and mutants.ts into a copy of the sources and shows that its test notices:
// `node --conditions=coatcheck-source test/mutants/run.ts`, with words to choose among them by name, test or file of src.
// Takes many minutes, so `npm test` leaves most of them out.

import { availableParallelism } from "node:os";
import { attackMutants } from "./attack-mutants.ts";
import { Copy, root } from "./copy.ts";
import { mutants } from "./mutants.ts";
import type { Mutant } from "./mutants.ts";
import { Sources } from "./sources.ts";

/** Why this mutant proves nothing, or `undefined` when its test noticed it. */
async function survival(mutant: Mutant, copy: Copy): Promise<string | undefined> {
  const { failed, output } = await copy.with(mutant, async () => copy.run(mutant));
  if (!failed) return "its test did not notice";
  // A file that does not load is reported as one test by its own name.
  const results = output.match(/^\s*not ok \d+ - .*$/gm) ?? [];
  return results.some((line) => !line.endsWith(".ts")) || output === ""
    ? undefined
    : `its copy does not load: ${output.slice(0, 1000)}`;
}

const sources = Sources.in(root);
const words = process.argv.slice(2);
const chosen = [...attackMutants, ...mutants].filter(({ name, find, test }) => {
  const texts = [name, test, ...(words.length === 0 ? [] : sources.places(find).map(({ file }) => file))];
  return words.length === 0 || words.some((word) => texts.some((text) => text.includes(word)));
});
const waiting = [...chosen];
let survivors = 0;

function tell(what: string): void {
  survivors++;
  console.error(what);
}

async function work(): Promise<void> {
  const copy = new Copy();
  try {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const why = await survival(mutant, copy).catch(String);
      if (why !== undefined) tell(`survived  ${mutant.test}: ${mutant.name} (${why})`);
    }
  } finally {
    copy.remove();
  }
}

/** Each test must pass where nothing was changed; otherwise its failing says nothing. */
async function baseline(): Promise<void> {
  const copy = new Copy();
  try {
    const byTest = Map.groupBy(chosen, ({ test }) => test);
    for (const group of byTest.values()) {
      const [mutant] = group;
      if (mutant === undefined) continue;
      const pattern = group.map((each) => each.pattern).join("|");
      const { failed } = await copy.run({ ...mutant, pattern });
      if (failed) tell(`fails without any mistake: ${mutant.test}`);
    }
  } finally {
    copy.remove();
  }
}

await baseline();
await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, work));
console.log(`${chosen.length - survivors} of ${chosen.length} mistakes noticed.`);
process.exitCode = survivors === 0 && chosen.length > 0 ? 0 : 1;
