// What npm runs before it packs: builds, and makes package.json what users get.
//
//   --undo   what npm runs afterwards, and you after a packing that was cut off

import { dirname } from "node:path";
import { build } from "./build.ts";
import { putManifest, takeManifestBack } from "./manifest.ts";

const root = dirname(import.meta.dirname);

if (process.argv.includes("--undo")) {
  takeManifestBack(root);
} else {
  await build();
  putManifest(root);
}
