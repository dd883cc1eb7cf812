import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Installs the packages of a folder with its own lock file, if they are not installed yet.
 *
 * @returns npm's exit code; 0 if there was nothing to do.
 */
export function installPackages(folder: string, options: readonly string[] = []): number {
  const stamp = join(folder, "node_modules", ".coatcheck-installed");
  const hash = createHash("sha256").update(readFileSync(join(folder, "package-lock.json")));
  const wanted = hash.update(`${process.platform} ${process.arch}`).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return 0;
  console.log(
    `Installing the packages that ${join(folder, "package-lock.json")} names; this is needed once.`,
  );
  const done = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error", ...options], {
    cwd: folder,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (done.status === 0) writeFileSync(stamp, wanted);
  return done.status ?? 1;
}
