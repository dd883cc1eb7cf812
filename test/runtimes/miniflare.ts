import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { generateSecret } from "coatcheck";
import { layOut } from "../../scripts/pack.ts";

const programs = join(import.meta.dirname, "programs", "node_modules");

/** Where `npm run runtimes -- --install` puts Miniflare, which runs workerd with D1 and Durable Objects. */
const miniflare = join(programs, "miniflare", "dist", "src", "index.js");

/** Why the stores of Cloudflare can't be tested here; `false` when they can. */
export const withoutMiniflare: string | false =
  !existsSync(miniflare) && "Miniflare is not installed here: `npm run runtimes -- --install` does that";

/** A worker in Miniflare. */
export interface RunningWorker {
  fetch(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  close(): Promise<void>;
}

/** What is used of Miniflare, which is not among this repository's own packages. */
interface Miniflare {
  dispatchFetch(url: string, init: object): Promise<Response>;
  dispose(): Promise<void>;
}

/** The files of the worker, and of the suite that it uses. */
const files = ["clause", "core-clauses", "fetch-clauses", "suite", "cloudflare-clauses", "cloudflare-worker"];

/** The package's entries that they import, with their files. */
const entries = {
  coatcheck: "index",
  "coatcheck/cloudflare": "stores/cloudflare",
  "coatcheck/fetch": "adapters/fetch",
  "coatcheck/memory": "stores/memory",
  "coatcheck/store": "store",
  "coatcheck/testing": "testing",
};

/** Starts the built package with test/runtimes/cloudflare-worker.ts in workerd. Modules are found by name, as in test/runtimes/staging.ts. */
export async function startWorker(): Promise<RunningWorker> {
  const cache = join(programs, ".cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "cloudflare-"));
  await layOut(folder);
  const module = (path: string, contents: string) => ({
    type: "ESModule",
    path: join(folder, path),
    contents,
  });
  const { Miniflare } = (await import(miniflare)) as { Miniflare: new (options: object) => Miniflare };
  const worker = new Miniflare({
    modulesRoot: folder,
    modules: [
      module(
        "entry.js",
        'export { worker as default, RestartingShard, PlainShard } from "./cloudflare-worker.js";',
      ),
      ...files.map((name) => {
        const code = stripTypeScriptTypes(readFileSync(join(import.meta.dirname, `${name}.ts`), "utf8"));
        return module(`${name}.js`, code.replaceAll(/from "\.\/([\w-]+)\.ts"/g, 'from "./$1.js"'));
      }),
      ...globSync("dist/**/*.js", { cwd: folder }).map((path) =>
        module(path, readFileSync(join(folder, path), "utf8")),
      ),
      ...Object.entries(entries).map(([name, file]) =>
        module(name, `export * from "${name.includes("/") ? ".." : "."}/dist/${file}.js";`),
      ),
    ],
    compatibilityDate: "2026-03-17",
    compatibilityFlags: ["nodejs_compat"],
    bindings: { SESSION_SECRET: generateSecret() },
    d1Databases: ["DB", "EMPTY"],
    durableObjects: {
      SHARDS: { className: "RestartingShard", useSQLite: true },
      PLAIN: { className: "PlainShard" },
    },
  });
  return {
    fetch: async (path, headers = {}) => worker.dispatchFetch(`https://example.com${path}`, { headers }),
    async close() {
      await worker.dispose();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
