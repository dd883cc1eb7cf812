import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";

/** Whether the machine can count instructions. */
export const canCount: boolean =
  process.platform === "linux" &&
  /\binstructions/.test(
    spawnSync("perf", ["stat", "-x,", "-e", "instructions", "true"], { encoding: "utf8" }).stderr ?? "",
  ) &&
  Number.isFinite(
    parse(spawnSync("perf", ["stat", "-x,", "-e", "instructions", "true"], { encoding: "utf8" }).stderr),
  );

/**
 * How many instructions a process executes, in user and kernel mode, while `work` runs. Unlike time, this does
 * not depend on the rest of the machine's load.
 */
export async function instructionsOf(pid: number, work: () => Promise<unknown>): Promise<number> {
  const perf = spawn("perf", ["stat", "-x,", "-e", "instructions", "-p", String(pid)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let printed = "";
  perf.stderr.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const ended = once(perf, "close");
  // It does not report when it has begun. The process is idle until then.
  await wait(250);
  await work();
  perf.kill("SIGINT");
  await ended;
  return parse(printed);
}

/** Returns NaN on a machine that does not count instructions. */
function parse(printed: string): number {
  const line = printed.split("\n").find((one) => one.includes("instructions"));
  return line === undefined ? Number.NaN : Number.parseFloat(line);
}
