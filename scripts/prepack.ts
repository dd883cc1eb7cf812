// What npm runs before it packs: builds, and makes package.json and the documents what users get. npm runs it in the
// package's folder.
//
//   --undo   what npm runs afterwards, and you after a packing that was cut off

import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "./build.ts";
import { publishedManifest, writePapers } from "./pack.ts";

const changed = ["package.json", "README.md", "CHANGELOG.md", "SECURITY.md", "docs"];
const kept = ".packing";

if (process.argv.includes("--undo")) undo();
else {
  await build("dist");
  // Somebody stopped npm the last time.
  undo();
  keep();
  writeFileSync("package.json", publishedManifest(readFileSync(join(kept, "package.json"), "utf8")));
  writePapers(kept, ".");
}

/** Copies all before anything is changed, so that the copies are never half of it. */
function keep(): void {
  const unfinished = `${kept}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished);
  for (const name of changed.filter((path) => existsSync(path)))
    cpSync(name, join(unfinished, name), { recursive: true, preserveTimestamps: true });
  renameSync(unfinished, kept);
  rmSync("docs", { recursive: true, force: true });
}

function undo(): void {
  for (const name of changed.filter((path) => existsSync(join(kept, path)))) {
    rmSync(name, { recursive: true, force: true });
    renameSync(join(kept, name), name);
  }
  rmSync(kept, { recursive: true, force: true });
}
