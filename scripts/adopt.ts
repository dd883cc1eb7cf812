// Tests adoption with the systems that visitors come from: `npm run adopt`.
//
// First installs them from test/adopt/systems/package-lock.json, if they are missing or it has changed.
//
//   --install   only installs

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { installPackages } from "./install.ts";

const root = dirname(import.meta.dirname);
const { values } = parseArgs({ options: { install: { type: "boolean" } } });

process.exitCode = installPackages(join(root, "test", "adopt", "systems"), ["--ignore-scripts"]);
if (process.exitCode === 0 && !values.install) {
  const args = ["--conditions=coatcheck-source", join(root, "scripts", "test.ts"), "test/adopt/"];
  process.exitCode = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" }).status ?? 1;
}
