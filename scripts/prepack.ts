// What npm runs before it packs: builds, and makes package.json what users get. npm runs it in the package's folder.
//
//   --undo   what npm runs afterwards, and you after a packing that was cut off

import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { build } from "./build.ts";
import { publishedManifest } from "./pack.ts";

const manifest = "package.json";
const kept = ".package.json.kept";

if (process.argv.includes("--undo")) {
  if (existsSync(kept)) renameSync(kept, manifest);
} else {
  await build("dist");
  if (!existsSync(kept)) copyFileSync(manifest, kept);
  writeFileSync(manifest, publishedManifest(readFileSync(kept, "utf8")));
}
