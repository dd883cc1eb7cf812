// Builds the site of the documentation, which the reference application serves under /docs: `npm run docs`.
//
// Does nothing if it is built from the same sources. VitePress has packages of its own, installed on the first build.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { hashOf, stage } from "./docs/stage.ts";
import type { Stage } from "./docs/stage.ts";
import { installPackages } from "./install.ts";

const folder = join(dirname(import.meta.dirname), "docs-site");
const built = join(folder, ".built");
const status = join(folder, ".status.json");

/** What the application reads: see app/docs-folder.ts. */
interface Status {
  readonly state: "building" | "failed";
  readonly pid: number;
  readonly message: string;
}

function say(state: Status["state"], message: string): void {
  writeFileSync(status, JSON.stringify({ state, pid: process.pid, message } satisfies Status));
}

/** Whether another process is building. */
function isBusy(): boolean {
  if (!existsSync(status)) return false;
  const { state, pid }: Partial<Status> = JSON.parse(readFileSync(status, "utf8")) ?? {};
  if (state !== "building" || pid === undefined) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The hash of the sources that the site was built from. */
function builtFrom(): string | undefined {
  const path = join(built, "built.json");
  if (!existsSync(path)) return undefined;
  const manifest: { hash?: string } = JSON.parse(readFileSync(path, "utf8")) ?? {};
  return manifest.hash;
}

/** Runs VitePress on the stage. @throws Error with what it printed. */
function vitepress(staged: Stage): void {
  const target = join(folder, ".stage");
  rmSync(target, { recursive: true, force: true });
  for (const [path, text] of staged) {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    // Pictures were read byte for byte.
    writeFileSync(join(target, path), text, path.startsWith("public/") ? "latin1" : "utf8");
  }
  const program = join(folder, "node_modules", "vitepress", "bin", "vitepress.js");
  const done = spawnSync(
    process.execPath,
    [program, "build", folder, "--outDir", join(folder, ".building")],
    {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, NODE_ENV: "production", NO_COLOR: "1" },
      maxBuffer: 2 ** 26,
    },
  );
  if (done.status !== 0) throw new Error(done.error?.message ?? `${done.stdout}${done.stderr}`.trim());
}

/** What the application needs to serve the site: each file with its hash, and the hashes of the scripts inside pages. */
function manifestOf(site: string, hash: string): string {
  const files: Record<string, string> = {};
  const scripts = new Set<string>();
  for (const name of globSync("**/*", { cwd: site }).toSorted()) {
    if (!statSync(join(site, name)).isFile()) continue;
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

function buildSite(): void {
  const staged = stage();
  const hash = hashOf(staged);
  if (builtFrom() === hash) return;
  if (installPackages(folder, ["--ignore-scripts"]) !== 0) {
    throw new Error("npm ci in docs-site failed; its lines are above.");
  }
  const building = join(folder, ".building");
  rmSync(building, { recursive: true, force: true });
  vitepress(staged);
  writeFileSync(join(building, "built.json"), manifestOf(building, hash));
  rmSync(built, { recursive: true, force: true });
  renameSync(building, built);
}

if (isBusy()) {
  console.log("Another process is building the documentation.");
} else {
  say("building", "");
  try {
    buildSite();
    rmSync(status, { force: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    say("failed", message);
    console.error(message);
    process.exitCode = 1;
  }
}
