// Builds the Next.js example and tests it in a browser: `npm run next`.
//
// First installs Next.js from examples/next/package-lock.json, if it is missing or the lock file has changed.
//
//   --install   only installs

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { installPackages } from "./install.ts";

const root = dirname(import.meta.dirname);
const { values } = parseArgs({ options: { install: { type: "boolean" } } });

process.exitCode = installPackages(join(root, "examples", "next"), ["--ignore-scripts"]);
if (process.exitCode === 0 && !values.install) {
  const args = ["--conditions=coatcheck-source", join(root, "scripts", "test.ts"), "test/next/"];
  process.exitCode = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" }).status ?? 1;
}
