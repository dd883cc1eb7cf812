// Tests stores in databases whose clients have packages of their own: `npm run databases`, or
// `npm run databases -- examples/databases` for these folders alone.
//
// First installs the packages from each folder's package-lock.json, if they are missing or it has changed.
//
//   --install   only installs

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { installPackages } from "./install.ts";

/** The folders, each with what the paths of its tests contain. */
const tests: Readonly<Record<string, string>> = {
  "examples/databases": "test/databases/",
  "test/stores/sqlite-clients": "test/stores/sqlite-",
};

const root = dirname(import.meta.dirname);
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { install: { type: "boolean" } },
});

const folders = positionals.length > 0 ? positionals : Object.keys(tests);
for (const folder of folders) {
  if (tests[folder] !== undefined) continue;
  console.error(`There is no folder "${folder}". There are: ${Object.keys(tests).join(", ")}.`);
  process.exit(2);
}
for (const folder of folders) {
  const status = installPackages(join(root, folder), ["--ignore-scripts"]);
  if (status !== 0) process.exit(status);
}
if (!values.install) {
  const args = ["--conditions=coatcheck-source", join(root, "scripts", "test.ts")];
  const paths = folders.flatMap((folder) => tests[folder] ?? []);
  process.exitCode =
    spawnSync(process.execPath, [...args, ...paths], { cwd: root, stdio: "inherit" }).status ?? 1;
}
