// Builds the site of the documentation, which the reference application serves under /docs: `npm run docs`.
//
// Does nothing if it is built from the same sources. VitePress has packages of its own, installed on the first build.

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { buildSite } from "./docs/build.ts";
import { hashOf, stage } from "./docs/stage.ts";
import { installPackages } from "./install.ts";

const folder = join(dirname(import.meta.dirname), "docs-site");

/** Runs VitePress, whose configuration names the folder with the pages. */
function make(_from: string, to: string): void {
  if (installPackages(folder, ["--ignore-scripts"]) !== 0)
    throw new Error("npm could not install the packages of docs-site. `npm run docs` shows why.");
  const program = join(folder, "node_modules", "vitepress", "bin", "vitepress.js");
  const done = spawnSync(process.execPath, [program, "build", folder, "--outDir", to], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, NODE_ENV: "production", NO_COLOR: "1" },
    maxBuffer: 2 ** 26,
  });
  if (done.status !== 0) throw new Error(done.error?.message ?? `${done.stdout}${done.stderr}`.trim());
}

try {
  const done = buildSite({ folder, stage, hashOf, make });
  const words = {
    built: "is built",
    unchanged: "has not changed",
    busy: "is being built by another process",
  };
  console.log(`The documentation ${words[done]}.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
