import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { layOut } from "../../scripts/pack.ts";
import { freePort } from "../support/free-port.ts";

const root = join(import.meta.dirname, "..", "..");

/** An example with packages of its own, in `examples/<name>`. */
export interface ExampleSettings {
  /** The name of its folder. */
  readonly name: string;
  /** A file in its folder that is there once its packages are installed, such as the framework's program. */
  readonly installed: string;
  /** What `node` is given to build it. Without it there is nothing to build. */
  readonly build?: readonly string[];
  /** What `node` is given to serve it on `PORT`, on the address 127.0.0.1. */
  readonly start: readonly string[];
  /** What a build leaves in its folder. It is deleted before the next one. */
  readonly output?: readonly string[];
  /** Whether the build has to know the site's address, as `ORIGIN`. The first `start` after it serves the site there. */
  readonly hasOriginAtBuild?: boolean;
  /** Environment variables for the build and the server. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A site that runs in a process of its own. */
export interface RunningSite {
  readonly url: string;
  /** The id of its process. */
  readonly pid: number;
  /** Everything that the server printed so far. */
  output(): string;
  /** Sends SIGTERM and waits until the process ends. */
  close(): Promise<void>;
}

/** An example that may be built and served. */
export class Example {
  readonly folder: string;
  /** Why its tests are skipped, or `false`. In CI it has to be installed. */
  readonly missing: string | false;
  readonly #settings: ExampleSettings;
  /** The port that a build was told. */
  #port: number | undefined;

  constructor(settings: ExampleSettings) {
    const { name, installed } = settings;
    this.#settings = settings;
    this.folder = join(root, "examples", name);
    this.missing = existsSync(join(this.folder, installed))
      ? false
      : `examples/${name} is not installed here: \`npm run frameworks -- ${name}\` installs and tests it`;
    assert.ok(this.missing === false || !process.env["CI"], String(this.missing));
  }

  /**
   * Builds the package, puts it beside the example's packages as npm would, and builds the example. As in a container,
   * the build has neither the secret key nor a folder for the store.
   *
   * @param added files that are in the example only while it is built: their paths in it, and where they come from.
   */
  async build(added: Readonly<Record<string, string>> = {}): Promise<void> {
    const installed = join(this.folder, "node_modules", "coatcheck");
    rmSync(installed, { recursive: true, force: true });
    await layOut(installed);
    const { build, env, hasOriginAtBuild = false, name, output = [] } = this.#settings;
    for (const path of output) rmSync(join(this.folder, path), { recursive: true, force: true });
    if (build === undefined) return;
    const home = mkdtempSync(join(tmpdir(), `coatcheck-${name}-`));
    this.#port = hasOriginAtBuild ? await freePort() : undefined;
    const origin = this.#port === undefined ? {} : { ORIGIN: originAt(this.#port) };
    const places = Object.keys(added).map((path) => join(this.folder, path));
    try {
      for (const [path, from] of Object.entries(added)) {
        mkdirSync(dirname(join(this.folder, path)), { recursive: true });
        copyFileSync(from, join(this.folder, path));
      }
      execFileSync(process.execPath, build, {
        cwd: this.folder,
        env: { ...bare(home), ...env, ...origin, SESSION_FILE: "/proc/nowhere/sessions.db" },
        stdio: "pipe",
        encoding: "utf8",
      });
    } catch (error) {
      const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
      throw new Error(`examples/${name} was not built:\n${stdout}${stderr}`, { cause: error });
    } finally {
      for (const place of places) rmSync(place);
      rmSync(home, { recursive: true });
    }
  }

  /** Checks the example's types, with its own tsconfig.json. */
  checkTypes(): void {
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
    const done = spawnSync(process.execPath, [compiler, "--noEmit", "--pretty", "false", "-p", this.folder], {
      encoding: "utf8",
    });
    assert.equal(done.status, 0, done.stdout);
  }

  /**
   * Serves it until `close`, with a new store.
   *
   * @param runtime the program that runs it, with arguments of its own. Default: this Node.
   * @param start what to give the program instead of the example's own arguments, such as those of a development server.
   *   `$PORT` in them is replaced.
   * @param env environment variables beside the example's own.
   */
  async start(
    [command = process.execPath, ...flags]: readonly string[] = [],
    start: readonly string[] = this.#settings.start,
    env: Readonly<Record<string, string>> = {},
  ): Promise<RunningSite> {
    const home = mkdtempSync(join(tmpdir(), `coatcheck-${this.#settings.name}-`));
    const port = this.#port ?? (await freePort());
    this.#port = undefined;
    const url = originAt(port);
    const server = spawn(command, [...flags, ...start.map((part) => part.replace("$PORT", String(port)))], {
      cwd: this.folder,
      env: { ...bare(home), ...this.#settings.env, ...env, ...servedWith(home, port) },
      stdio: ["ignore", "pipe", "pipe"],
      // Development servers start processes of their own, which end with it only as a group.
      detached: process.platform !== "win32",
    });
    let output = "";
    for (const stream of [server.stdout, server.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    const close = async (): Promise<void> => {
      await ended(server);
      rmSync(home, { recursive: true, force: true });
    };
    try {
      await answers(server, url);
    } catch (error) {
      await close();
      throw new Error(`examples/${this.#settings.name} did not start:\n${output}`, { cause: error });
    }
    return { url, pid: server.pid ?? 0, output: () => output, close };
  }
}

/**
 * Saves a file of a development server's site five times, each time until the server has run the new one.
 *
 * @param visit visits a page that needs the file.
 */
export async function reloads(site: RunningSite, path: string, visit: () => Promise<void>): Promise<void> {
  const source = readFileSync(path, "utf8");
  try {
    for (let save = 0; save < 5; save++) {
      const deadline = AbortSignal.timeout(20_000);
      for (let visits = 0; !site.output().includes(`saved ${save}`); visits++) {
        assert.ok(!deadline.aborted, site.output());
        // Watchers miss a change that follows another one closely.
        if (visits % 50 === 0) writeFileSync(path, `${source}console.log("saved ${save}");\n`);
        await visit();
      }
      await visit();
    }
  } finally {
    writeFileSync(path, source);
  }
}

/** The open files of a site's process whose path contains `name`; none where the system does not tell. */
export function openFiles(site: RunningSite, name: string): string[] {
  const folder = `/proc/${site.pid}/fd`;
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((fd) => {
    try {
      const target = readlinkSync(join(folder, fd));
      return target.includes(name) ? [target] : [];
    } catch {
      // It was closed meanwhile.
      return [];
    }
  });
}

function bare(home: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    HOME: home,
    DENO_DIR: join(home, ".deno"),
    CI: "1",
    NO_COLOR: "1",
    NEXT_TELEMETRY_DISABLED: "1",
    ASTRO_TELEMETRY_DISABLED: "1",
    NUXT_TELEMETRY_DISABLED: "1",
  };
}

function servedWith(home: string, port: number): NodeJS.ProcessEnv {
  return {
    HOST: "127.0.0.1",
    PORT: String(port),
    // The server of SvelteKit 2 would otherwise take every request for one over https.
    ORIGIN: originAt(port),
    // Made for these tests, and known to everybody.
    SESSION_SECRET: "9f2JmQxW0cTq7LrYv5hNbKd8sGzE3uXpRa1oViMw4Ic",
    SESSION_FILE: join(home, "sessions.db"),
  };
}

function originAt(port: number): string {
  return `http://127.0.0.1:${port}`;
}

/** Resolves when the server has answered a request, whatever the response. */
async function answers(server: ChildProcess, url: string): Promise<void> {
  const deadline = AbortSignal.timeout(60_000);
  for (;;) {
    if (server.exitCode !== null || server.signalCode !== null) throw new Error("it ended");
    try {
      await (await fetch(url, { signal: deadline })).body?.cancel();
      return;
    } catch (error) {
      if (deadline.aborted) throw error;
      // Nothing says when a server of any framework listens, so it is asked again.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, "exit");
  killGroup(server, "SIGTERM");
  // A server that ignores SIGTERM must not keep the tests.
  const timer = setTimeout(() => killGroup(server, "SIGKILL"), 10_000);
  await exit;
  clearTimeout(timer);
}

function killGroup(server: ChildProcess, signal: NodeJS.Signals): void {
  if (process.platform === "win32" || server.pid === undefined) server.kill(signal);
  else process.kill(-server.pid, signal);
}
