// Runs the built package in every runtime: `npm run runtimes`.
//
// First installs them from test/runtimes/{programs,test-runners}/package-lock.json, if they are missing or it has changed.
// No install scripts run: the packages contain the programs.
//
//   --install   only installs
//   --write     rewrites the table of docs/runtimes.md

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { installPackages } from "./install.ts";

const root = dirname(import.meta.dirname);
const { values } = parseArgs({ options: { install: { type: "boolean" }, write: { type: "boolean" } } });

for (const folder of ["programs", "test-runners"]) {
  process.exitCode ||= installPackages(join(root, "test", "runtimes", folder), ["--ignore-scripts"]);
}
if (process.exitCode === 0 && !values.install) {
  const args = ["--conditions=coatcheck-source", join(root, "scripts", "test.ts"), "test/runtimes/"];
  const env = values.write ? { ...process.env, WRITE_RUNTIMES: "1" } : process.env;
  process.exitCode = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit", env }).status ?? 1;
}
