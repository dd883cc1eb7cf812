import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { layOut } from "../../scripts/pack.ts";

const programs = join(import.meta.dirname, "programs", "node_modules");

/** Where `npm run runtimes -- --install` puts Miniflare, which runs workerd with D1 and Durable Objects. */
const miniflare = join(programs, "miniflare", "dist", "src", "index.js");

/** Why the stores of Cloudflare can't be tested here; `false` when they can. */
export const withoutMiniflare: string | false =
  !existsSync(miniflare) && "Miniflare is not installed here: `npm run runtimes -- --install` does that";

/** A request to a worker. */
export interface WorkerRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A worker in Miniflare. */
export interface RunningWorker {
  fetch(path: string, init?: WorkerRequest): Promise<Response>;
  /** Does what a Cron Trigger does. */
  runCron(): Promise<void>;
  close(): Promise<void>;
}

/** What is used of Miniflare, which is not among this repository's own packages. */
interface Miniflare {
  dispatchFetch(url: string, init: object): Promise<Response>;
  getWorker(): Promise<{ scheduled(options: object): Promise<unknown> }>;
  dispose(): Promise<void>;
}

/** The package's entries that they import, with their files. */
const entries = {
  coatcheck: "index",
  "coatcheck/cloudflare": "stores/cloudflare",
  "coatcheck/fetch": "adapters/fetch",
  "coatcheck/memory": "stores/memory",
  "coatcheck/store": "store",
  "coatcheck/testing": "testing",
};

/** A module of a worker, as plain JavaScript. */
export interface WorkerModule {
  readonly path: string;
  readonly code: string;
}

/**
 * Starts the built package in workerd, with a worker that imports it by name. Modules are found by name, as in
 * test/runtimes/staging.ts.
 *
 * @param modules the first is the one that workerd starts.
 * @param options what else Miniflare is told: bindings, the compatibility date.
 */
export async function startWorker(modules: readonly WorkerModule[], options: object): Promise<RunningWorker> {
  const cache = join(programs, ".cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "cloudflare-"));
  await layOut(folder);
  const module = (path: string, contents: string): object => ({
    type: "ESModule",
    path: join(folder, path),
    contents,
  });
  const { Miniflare } = (await import(miniflare)) as { Miniflare: new (given: object) => Miniflare };
  const worker = new Miniflare({
    modulesRoot: folder,
    modules: [
      ...modules.map(({ path, code }) => module(path, code)),
      ...globSync("dist/**/*.js", { cwd: folder }).map((path) =>
        module(path, readFileSync(join(folder, path), "utf8")),
      ),
      ...Object.entries(entries).map(([name, file]) =>
        module(name, `export * from "${name.includes("/") ? ".." : "."}/dist/${file}.js";`),
      ),
    ],
    ...options,
  });
  return {
    fetch: async (path, init = {}) =>
      worker.dispatchFetch(`https://example.com${path}`, { redirect: "manual", ...init }),
    async runCron() {
      await (await worker.getWorker()).scheduled({});
    },
    async close() {
      await worker.dispose();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A TypeScript file of this folder as a module of a worker. */
export function moduleOf(name: string): WorkerModule {
  const code = stripTypeScriptTypes(readFileSync(join(import.meta.dirname, `${name}.ts`), "utf8"));
  return {
    path: `${name}.js`,
    code: code.replaceAll(/from "\.\/([\w-]+)\.ts"/g, 'from "./$1.js"'),
  };
}
