import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import type { Report } from "./clause.ts";

/** A runtime that the package says it runs in. */
export interface Runtime {
  readonly name: string;
  /** Its program in the packages of the folder `programs`, by platform and processor as Node names them. */
  readonly programs: Readonly<Record<string, string>>;
  /** Looked for on the PATH where there is no such package. */
  readonly command?: string;
  /** How it runs a suite; the staging's folder is where it is started. */
  args(suite: Suite): readonly string[];
}

/** What is run: everything that is not an adapter, and all the adapters. */
export type Suite = "main" | "adapters-main";

/** The oldest day whose behaviour of workerd will do for frameworks of `node:http`: it has node:tty. */
export const workerdAdaptersDate = "2026-03-17";

function node(major: number): Runtime {
  return {
    name: `Node ${major}`,
    programs: {
      "linux-x64": `node${major}-linux-x64/bin/node`,
      "linux-arm64": `node${major}-linux-arm64/bin/node`,
    },
    args: (suite) => [`${suite}.js`],
  };
}

/** Everything that the table in docs/runtimes.md lists. */
export const runtimes: readonly Runtime[] = [
  node(22),
  node(24),
  node(26),
  {
    name: "Bun",
    programs: {
      "linux-x64": "@oven/bun-linux-x64/bin/bun",
      "linux-arm64": "@oven/bun-linux-aarch64/bin/bun",
    },
    command: "bun",
    args: (suite) => [`${suite}.js`],
  },
  {
    name: "Deno",
    programs: { "linux-x64": "@deno/linux-x64-glibc/deno" },
    command: "deno",
    // What the suites need and no more: the packages as they lie here, loopback, their own folder. Frameworks
    // look at the environment.
    args: (suite) => [
      "run",
      "--no-remote",
      "--no-prompt",
      "--no-lock",
      "--node-modules-dir=manual",
      suite === "main" ? "--allow-read=." : `--allow-read=.,${join(root, "node_modules")}`,
      "--allow-write=.",
      "--allow-net=127.0.0.1",
      ...(suite === "main" ? [] : ["--allow-env"]),
      `${suite}.js`,
    ],
  },
  {
    name: "workerd",
    programs: {
      "linux-x64": "@cloudflare/workerd-linux-64/bin/workerd",
      "linux-arm64": "@cloudflare/workerd-linux-arm64/bin/workerd",
    },
    command: "workerd",
    args: (suite) => ["test", `${suite}.capnp`],
  },
];

const root = dirname(dirname(import.meta.dirname));

/** Longer than any runtime takes; one that hangs ends here. */
const patience = 180_000;

/** The runtime's program; `undefined` where it can't be had. */
export function programOf({ programs, command }: Runtime): string | undefined {
  const packed = programs[`${process.platform}-${process.arch}`];
  const file =
    packed === undefined ? undefined : join(import.meta.dirname, "programs", "node_modules", packed);
  if (file !== undefined && existsSync(file)) return file;
  if (command === undefined) return undefined;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path));
}

/** Runs the suite in a folder that `openStaging` made. @throws when it printed no report. */
export function runIn(program: string, runtime: Runtime, suite: Suite, folder: string): Promise<Report> {
  const env = { PATH: process.env["PATH"], HOME: folder, DENO_DIR: join(folder, ".deno"), NO_COLOR: "1" };
  return new Promise((resolve, reject) => {
    const options = { cwd: folder, env, timeout: patience, maxBuffer: 1 << 28 };
    execFile(program, runtime.args(suite), options, (error, stdout, stderr) => {
      const report = stdout.split("\n").findLast((line) => line.startsWith('{"version"'));
      if (report === undefined)
        reject(new Error(`No report: ${error?.message ?? ""}\n${stdout}${stderr}`.slice(0, 20_000)));
      else resolve(JSON.parse(report) as Report);
    });
  });
}
