// Tests stores over the clients and libraries of databases that are installed apart: `npm run databases`.
//
// First installs them from the package-lock.json of each folder, if they are missing or it has changed.
//
//   --install   only installs

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { installPackages } from "./install.ts";

/** Folders with packages of their own, and the tests that use them. */
const folders = [{ folder: "test/stores/sqlite-clients", tests: "test/stores/sqlite-" }];

const root = dirname(import.meta.dirname);
const { values } = parseArgs({ options: { install: { type: "boolean" } } });

for (const { folder } of folders) {
  process.exitCode ||= installPackages(join(root, folder), ["--ignore-scripts"]);
}
if (!process.exitCode && !values.install) {
  const tests = folders.map((each) => each.tests);
  const args = ["--conditions=coatcheck-source", join(root, "scripts", "test.ts"), ...tests];
  process.exitCode = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" }).status ?? 1;
}
