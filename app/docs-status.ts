import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** What scripts/docs/build.ts says about itself, in a file beside the site. */
export type DocsStatus =
  | { readonly state: "building"; readonly pid: number }
  | { readonly state: "failed"; readonly message: string };

/** Longer than any build takes. The number of a process that was killed may belong to another one by now. */
const LONGEST_BUILD_MS = 20 * 60_000;

/** The file with the status. */
export function docsStatusFile(folder: string): string {
  return join(folder, ".status.json");
}

/** Whether the documentation is being built, or could not be; `undefined` if neither. */
export function docsStatus(folder: string): DocsStatus | undefined {
  const file = docsStatusFile(folder);
  try {
    const age = Date.now() - statSync(file).mtimeMs;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own script wrote it
    const status = JSON.parse(readFileSync(file, "utf8")) as DocsStatus;
    if (status.state === "failed") return status;
    return age < LONGEST_BUILD_MS && isRunning(status.pid) ? status : undefined;
  } catch {
    // Not there, or not yet written to its end.
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
