import { execFileSync } from "node:child_process";
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "./build.ts";
import { papers } from "./docs/papers.ts";

const root = dirname(import.meta.dirname);

/**
 * The text of package.json as users get it: without the source condition, which would lead to files that
 * are not in the package, and without what serves this repository alone.
 */
export function publishedManifest(text: string): string {
  const own = new Set(["coatcheck-source", "devDependencies", "allowScripts"]);
  const manifest: unknown = JSON.parse(text, (key, value: unknown) => (own.has(key) ? undefined : value));
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** Builds the package in a folder, as npm would install it there. */
export async function layOut(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  writePapers(root, folder);
  const manifest = readFileSync(join(root, "package.json"), "utf8");
  writeFileSync(join(folder, "package.json"), publishedManifest(manifest));
  await build(join(folder, "dist"));
}

/** Writes what the package holds for readers. */
export function writePapers(repository: string, folder: string): void {
  for (const [path, text] of papers(repository)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** What npm would publish: the path of the archive. */
export interface Packed {
  readonly archive: string;
  readonly close: () => void;
}

/** Builds and packs apart from the repository, where others may be running its sources meanwhile. */
export async function packPackage(): Promise<Packed> {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-pack-"));
  const close = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    await layOut(join(folder, "package"));
    const args = ["pack", "--ignore-scripts", "--silent", "--pack-destination", ".."];
    execFileSync("npm", args, { cwd: join(folder, "package"), shell: process.platform === "win32" });
    return { archive: join(folder, globSync("*.tgz", { cwd: folder })[0] ?? ""), close };
  } catch (error) {
    close();
    throw error;
  }
}
