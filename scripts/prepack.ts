// What npm runs before it packs: builds, and makes package.json what users get.
//
//   --undo   what npm runs afterwards, and you after a packing that was cut off

import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "./build.ts";
import { publishedManifest } from "./pack.ts";

const root = dirname(import.meta.dirname);
const manifest = join(root, "package.json");
const kept = join(root, ".package.json.kept");

if (process.argv.includes("--undo")) {
  if (existsSync(kept)) renameSync(kept, manifest);
} else {
  await build();
  if (!existsSync(kept)) copyFileSync(manifest, kept);
  writeFileSync(manifest, publishedManifest(readFileSync(kept, "utf8")));
}
