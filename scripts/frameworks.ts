// Builds the examples that have packages of their own and tests them, in a browser too: `npm run frameworks`, or
// `npm run frameworks -- nuxt astro` for these examples alone.
//
// First installs the packages from each example's package-lock.json, if they are missing or the lock file has changed.
//
//   --install   only installs

import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { installPackages } from "./install.ts";

const root = dirname(import.meta.dirname);
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { install: { type: "boolean" } },
});

const examples = globSync("examples/*/package-lock.json", { cwd: root })
  .map((path) => dirname(path).split(/[/\\]/).at(-1) ?? "")
  // Not a framework: scripts/databases.ts installs it.
  .filter((name) => name !== "databases")
  .toSorted();
for (const name of positionals) {
  if (examples.includes(name)) continue;
  console.error(`There is no example "${name}" with packages of its own. There are: ${examples.join(", ")}.`);
  process.exit(2);
}
const chosen = positionals.length > 0 ? positionals : examples;
for (const name of chosen) {
  const status = installPackages(join(root, "examples", name), ["--ignore-scripts"]);
  if (status !== 0) process.exit(status);
}
if (!values.install) {
  const args = ["--conditions=coatcheck-source", join(root, "scripts", "test.ts")];
  const tests = chosen.map((name) => (name === "next" ? "test/next/" : `test/frameworks/${name}.`));
  process.exitCode =
    spawnSync(process.execPath, [...args, ...tests], { cwd: root, stdio: "inherit" }).status ?? 1;
}
