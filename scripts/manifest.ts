import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The text of package.json as users get it: without the source condition, which would lead to files that
 * are not in the package, and without what serves this repository alone.
 */
export function publishedManifest(text: string): string {
  const manifest: unknown = JSON.parse(text, (key: string, value: unknown) =>
    ["coatcheck-source", "devDependencies", "allowScripts"].includes(key) ? undefined : value,
  );
  // npm reads this very file to know what to do after packing.
  const scripts = { postpack: property(property(manifest, "scripts"), "postpack") };
  return `${JSON.stringify({ ...Object(manifest), scripts }, null, 2)}\n`;
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** Puts what users get in the place of a folder's package.json, which is kept beside it. */
export function putManifest(folder: string): void {
  takeManifestBack(folder);
  copyFileSync(join(folder, "package.json"), keptIn(folder));
  writeFileSync(join(folder, "package.json"), publishedManifest(readFileSync(keptIn(folder), "utf8")));
}

/** Undoes {@link putManifest}, if it was done. */
export function takeManifestBack(folder: string): void {
  if (existsSync(keptIn(folder))) renameSync(keptIn(folder), join(folder, "package.json"));
}

function keptIn(folder: string): string {
  return join(folder, ".package.json.kept");
}
