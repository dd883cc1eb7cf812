import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants, getPriority } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { dataFolder } from "./program.ts";

/** Waits for what other processes do; the test's own timeout ends it. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await setTimeout(10);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test(
  "what builds the documentation has a low priority, and ends with the site, with all its programs",
  { timeout: 60_000 },
  async (t) => {
    const folder = dataFolder(t);
    const path = (name: string) => join(folder, name);
    const buildDocs = import.meta.resolve("../../app/docs-build.ts");
    // A build that has started a program, as VitePress would be: it runs for ever.
    writeFileSync(
      path("program.mjs"),
      `import { renameSync, writeFileSync } from "node:fs";
     writeFileSync("draft", String(process.pid));
     renameSync("draft", "pid");
     setInterval(() => {}, 1_000);`,
    );
    writeFileSync(
      path("build.mjs"),
      `import { spawnSync } from "node:child_process";
     spawnSync(process.execPath, ["program.mjs"]);`,
    );
    writeFileSync(
      path("site.mjs"),
      `import { buildDocs } from ${JSON.stringify(buildDocs)};
     process.on("SIGTERM", () => process.exit(0));
     setInterval(() => {}, 1_000);
     buildDocs("build.mjs");`,
    );
    const site = spawn(process.execPath, ["site.mjs"], { cwd: folder });
    t.after(() => site.kill("SIGKILL"));
    await until(() => existsSync(path("pid")));
    const pid = Number(readFileSync(path("pid"), "utf8"));
    t.after(() => isRunning(pid) && process.kill(pid, "SIGKILL"));
    assert.equal(getPriority(pid), constants.priority.PRIORITY_LOW);
    site.kill("SIGTERM");
    assert.deepEqual(await once(site, "exit"), [0, null]);
    await until(() => !isRunning(pid));
  },
);
