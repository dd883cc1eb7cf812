// Feeds every decoder damaged and made-up bytes for as long as you like:
// `node --conditions=coatcheck-source test/fuzz/run.ts --minutes 60`, with words to choose among the decoders.
// Ends with 1 and the input where a decoder throws what it must not, allocates too much, or does not come back.

import { parseArgs } from "node:util";
import { decoders } from "./decoders.ts";
import { hunt } from "./hunt.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: "string", default: "10" }, seed: { type: "string" } },
});

const names = Object.keys(decoders).filter(
  (name) => positionals.length === 0 || positionals.some((word) => name.includes(word)),
);
const end = performance.now() + Number(values.minutes) * 60_000;
const total = new Map<string, number>();
/** How long one decoder has its turn. */
const turn = Math.min(60_000, (Number(values.minutes) * 60_000) / names.length);

for (let seed = Number(values.seed ?? Date.now() % 2 ** 31); performance.now() < end; seed++) {
  for (const name of names) {
    const { count, found } = await hunt(name, seed, { milliseconds: turn });
    total.set(name, (total.get(name) ?? 0) + count);
    if (found === undefined) continue;
    console.error(`${name}, seed ${seed}, after ${count} inputs: ${found.what}\n${found.input}`);
    process.exitCode = 1;
  }
  console.table(Object.fromEntries(total));
}
