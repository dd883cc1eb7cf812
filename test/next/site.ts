import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { layOut } from "../../scripts/pack.ts";

const root = join(import.meta.dirname, "..", "..");
/** The folder of the example. */
export const example = join(root, "examples", "next");
const program = join(example, "node_modules", "next", "dist", "bin", "next");

/** The example, built as for production and served on loopback. */
export interface NextSite {
  readonly url: string;
  /** Everything that the server printed so far. */
  readonly output: () => string;
  close(): Promise<void>;
}

/** Whether the example's packages are here: they are large, so `npm run next` installs them. */
export function isInstalled(): boolean {
  return existsSync(program);
}

/** Why what needs Next.js is skipped, or `false`; in CI it has to be here. */
export const missing = isInstalled()
  ? false
  : "the Next.js example is not installed here: `npm run next` installs it and runs these tests";
assert.ok(missing === false || !process.env["CI"], String(missing));

/** The route that the contract's requests go to, and where it lies while the site is built. */
const contractRoute = join(import.meta.dirname, "contract-route.ts");
const contractPlace = join(example, "app", "contract");

/**
 * Builds the package, puts it beside the example's packages as npm would, and builds the example, with one route more
 * for the contract.
 */
export async function buildSite(): Promise<void> {
  const installed = join(example, "node_modules", "coatcheck");
  rmSync(installed, { recursive: true, force: true });
  await layOut(installed);
  rmSync(join(example, ".next"), { recursive: true, force: true });
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-next-"));
  mkdirSync(join(contractPlace, "[path]"), { recursive: true });
  copyFileSync(contractRoute, join(contractPlace, "[path]", "route.ts"));
  // Where a site is built, as in a container, there is neither its key nor its folder.
  const { SESSION_SECRET: _, ...bare } = environment(folder);
  try {
    execFileSync(process.execPath, [program, "build"], {
      cwd: example,
      env: { ...bare, SESSION_FILE: "/proc/nowhere/sessions.db" },
      stdio: "pipe",
      encoding: "utf8",
    });
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`next build failed:\n${stdout}${stderr}`, { cause: error });
  } finally {
    rmSync(contractPlace, { recursive: true });
    rmSync(folder, { recursive: true });
  }
}

function environment(folder: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    HOME: folder,
    DENO_DIR: join(folder, ".deno"),
    NEXT_TELEMETRY_DISABLED: "1",
    NO_COLOR: "1",
    // Made for these tests, and known to everybody.
    SESSION_SECRET: "9f2JmQxW0cTq7LrYv5hNbKd8sGzE3uXpRa1oViMw4Ic",
    SESSION_FILE: join(folder, "sessions.db"),
  };
}

/** Starts the built site. @param runtime the program, and its own arguments. */
export async function startSite([command = "", ...flags]: readonly string[]): Promise<NextSite> {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-next-"));
  const start = [program, "start", "--port", "0", "--hostname", "127.0.0.1"];
  const server = spawn(command, [...flags, ...start], {
    cwd: example,
    env: environment(folder),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const collect = (line: string): void => {
    output += `${line}\n`;
  };
  createInterface(server.stderr).on("line", collect);
  const url = await addressOf(server, collect).catch((error: unknown) => {
    server.kill();
    throw new Error(`Next.js did not start: ${output}`, { cause: error });
  });
  return {
    url,
    output: () => output,
    async close() {
      const ended = once(server, "exit");
      server.kill();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function addressOf(server: ChildProcess, collect: (line: string) => void): Promise<string> {
  const lines = createInterface(server.stdout ?? process.stdin).on("line", collect);
  const ended = once(server, "exit").then(() => {
    throw new Error("it ended");
  });
  const found = new Promise<string>((resolve) => {
    lines.on("line", (line) => {
      const url = /Local:\s+(http:\/\/\S+)/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  return Promise.race([found, ended]);
}
