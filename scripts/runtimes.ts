// Runs the built package in every runtime: `npm run runtimes`.
//
// Installs them first, from test/runtimes/programs/package-lock.json, when that is missing or has changed.
// None of the packages' own scripts run: the programs lie in the packages as they come.
//
//   --install   only installs
//   --write     writes the table of docs/runtimes.md anew

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { installPackages } from "./install.ts";

const root = dirname(import.meta.dirname);
const { values } = parseArgs({ options: { install: { type: "boolean" }, write: { type: "boolean" } } });

process.exitCode = installPackages(join(root, "test", "runtimes", "programs"), ["--ignore-scripts"]);
if (process.exitCode === 0 && !values.install) {
  const args = ["--conditions=coatcheck-source", join(root, "scripts", "test.ts"), "test/runtimes/"];
  const env = values.write ? { ...process.env, WRITE_RUNTIMES: "1" } : process.env;
  process.exitCode = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit", env }).status ?? 1;
}
