import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { join as joined } from "node:path/posix";
import { build } from "./build.ts";
import { publishedManifest } from "./manifest.ts";

const root = dirname(import.meta.dirname);
const papers = ["package.json", "README.md", "LICENSE"];

/** What npm would publish. */
export interface Packed {
  /** The archive's path. */
  readonly archive: string;
  /** What {@link packFaults} found wrong. */
  readonly faults: readonly string[];
  readonly close: () => void;
}

/** Builds and packs apart from the repository, where others may be running its sources meanwhile. */
export async function packPackage(): Promise<Packed> {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-pack-"));
  const close = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const stage = join(folder, "package");
    mkdirSync(stage);
    for (const paper of papers.slice(1)) copyFileSync(join(root, paper), join(stage, paper));
    const manifest = publishedManifest(readFileSync(join(root, "package.json"), "utf8"));
    writeFileSync(join(stage, "package.json"), manifest);
    await build(join(stage, "dist"));
    const listing = execFileSync(
      "npm",
      ["pack", "--ignore-scripts", "--json", "--loglevel=error", "--pack-destination", ".."],
      { cwd: stage, encoding: "utf8", shell: process.platform === "win32" },
    );
    const [packed] = packagesOf(listing);
    const archive = join(folder, String(property(packed, "filename")));
    return { archive, faults: packFaults(listing, neededFiles(stage)), close };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * The files that users of a package come to: package.json's entry points, what these import, and the source
 * maps; and README.md and LICENSE.
 */
export function neededFiles(folder: string): string[] {
  const manifest = readFileSync(join(folder, "package.json"), "utf8");
  const found = new Set(papers);
  const follow = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    if (!/\.[jt]s$/.test(path) || !existsSync(join(folder, path))) return;
    const text = readFileSync(join(folder, path), "utf8");
    for (const [, target = ""] of text.matchAll(/\b(?:from|import) ?["'](\.[^"']+)["']/g)) {
      const file = joined(dirname(path), target);
      follow(path.endsWith(".d.ts") ? file.replace(/\.js$/, ".d.ts") : file);
    }
    const map = /\/\/# sourceMappingURL=(\S+)\s*$/.exec(text)?.[1];
    if (map !== undefined) follow(joined(dirname(path), map));
  };
  for (const [, path = ""] of manifest.matchAll(/"\.\/((?:dist|src)\/[^"]+)"/g)) follow(path);
  return [...found];
}

/**
 * What is wrong with the list of files that npm would publish.
 *
 * @param listing what `npm pack --json` printed.
 * @param needed every file that should be there, as `dist/core.js`.
 */
export function packFaults(listing: string, needed: readonly string[]): string[] {
  const packed = pathsOf(listing);
  return [
    ...needed.filter((path) => !packed.includes(path)).map((path) => `missing from the package: ${path}`),
    ...packed.filter((path) => !needed.includes(path)).map((path) => `should not be in the package: ${path}`),
  ];
}

function pathsOf(listing: string): string[] {
  const files: unknown = property(packagesOf(listing)[0], "files");
  if (!Array.isArray(files)) throw new TypeError("npm pack --json printed something unknown.");
  return files.map((file: unknown) => String(property(file, "path")));
}

/** npm 11 prints a list of packages, newer ones an object by name; there is one package either way. */
function packagesOf(listing: string): unknown[] {
  const packages: unknown = JSON.parse(listing);
  return typeof packages === "object" && packages !== null ? Object.values(packages) : [];
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
