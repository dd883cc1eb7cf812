import { createHash } from "node:crypto";
import {
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { docsStatus, docsStatusFile } from "../../app/docs-status.ts";
import type { DocsStatus } from "../../app/docs-status.ts";
import type { Stage } from "./stage.ts";

/** What a build needs. */
export interface Build {
  /** Where the site is built: docs-site. */
  readonly folder: string;
  /** Lays out the pages. @throws Error that says which link leads nowhere. */
  readonly stage: () => Stage;
  /** A hash that changes whenever the built site would. */
  readonly hashOf: (staged: Stage) => string;
  /** Makes the site of the pages in `from`. @throws Error with what the program printed. */
  readonly make: (from: string, to: string) => void;
}

/**
 * Builds the site if its sources have changed. The old one is served until the new one is complete.
 *
 * @returns what was done, or why nothing was.
 * @throws Error of a step; it is also the status that the application shows.
 */
export function buildSite({ folder, stage, hashOf, make }: Build): "built" | "unchanged" | "busy" {
  if (!begin(folder)) return "busy";
  try {
    const staged = stage();
    const hash = hashOf(staged);
    const built = join(folder, ".built");
    const isChanged = builtFrom(built) !== hash;
    if (isChanged) {
      const [from, to] = [join(folder, ".stage"), join(folder, ".building")];
      for (const old of [from, to]) rmSync(old, { recursive: true, force: true });
      write(staged, from);
      make(from, to);
      writeFileSync(join(to, "built.json"), manifestOf(to, hash));
      rmSync(built, { recursive: true, force: true });
      renameSync(to, built);
    }
    rmSync(docsStatusFile(folder), { force: true });
    return isChanged ? "built" : "unchanged";
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    writeFileSync(docsStatusFile(folder), JSON.stringify({ state: "failed", message } satisfies DocsStatus));
    throw error;
  }
}

/** Whether the build is ours now: only one process creates the file with the status. */
function begin(folder: string): boolean {
  if (docsStatus(folder)?.state === "building") return false;
  // What a failed or a killed build has left.
  rmSync(docsStatusFile(folder), { force: true });
  const status: DocsStatus = { state: "building", pid: process.pid };
  try {
    writeFileSync(docsStatusFile(folder), JSON.stringify(status), { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** The hash of the sources that the site was built from. */
function builtFrom(built: string): string | undefined {
  const path = join(built, "built.json");
  if (!existsSync(path)) return undefined;
  const manifest: { hash?: string } = JSON.parse(readFileSync(path, "utf8")) ?? {};
  return manifest.hash;
}

function write(staged: Stage, folder: string): void {
  for (const [path, text] of staged) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    // Pictures were read byte for byte.
    writeFileSync(join(folder, path), text, path.startsWith("public/") ? "latin1" : "utf8");
  }
}

/** What the application needs to serve the site: each file with its hash, and the hashes of the scripts inside pages. */
function manifestOf(site: string, hash: string): string {
  const files: Record<string, string> = {};
  const scripts = new Set<string>();
  for (const name of globSync("**/*", { cwd: site }).toSorted()) {
    if (!lstatSync(join(site, name)).isFile()) continue;
    const bytes = readFileSync(join(site, name));
    files[name.replaceAll("\\", "/")] = createHash("sha256").update(bytes).digest("base64url").slice(0, 16);
    if (!name.endsWith(".html")) continue;
    for (const [, attributes = "", script = ""] of bytes
      .toString()
      .matchAll(/<script([^>]*)>([^]*?)<\/script>/g)) {
      if (attributes.includes("src=")) continue;
      scripts.add(`'sha256-${createHash("sha256").update(script).digest("base64")}'`);
    }
  }
  return JSON.stringify({ hash, scripts: [...scripts], files });
}
