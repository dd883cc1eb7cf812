import { spawn } from "node:child_process";
import { constants, setPriority } from "node:os";
import { join } from "node:path";

const program = join(import.meta.dirname, "..", "scripts", "docs.ts");

/** Builds the documentation in a process of its own, which ends with this one. It leaves the machine to the visitors. */
export function buildDocs(script: string = program): void {
  const isWindows = process.platform === "win32";
  const child = spawn(process.execPath, [...process.execArgv, script], {
    stdio: "ignore",
    // A process group of its own, so that npm and VitePress can be ended with it.
    detached: !isWindows,
    windowsHide: true,
  });
  const { pid } = child;
  if (pid !== undefined) lower(pid);
  child.on("error", () => console.error("The documentation was not built: its process did not start."));
  child.on("exit", (code) => {
    process.off("exit", end);
    if (code !== 0) console.error("The documentation was not built. The page /docs/ says why.");
  });
  child.unref();
  function end(): void {
    if (isWindows || pid === undefined) child.kill();
    else endGroup(pid);
  }
  process.on("exit", end);
}

function lower(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    // It has ended already, or the system does not allow it.
  }
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGTERM");
  } catch {
    // It has ended already.
  }
}
