import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { layOut } from "../../scripts/pack.ts";
import { workerdAdaptersDate } from "./runtimes.ts";

const root = dirname(dirname(import.meta.dirname));

/** The files of the suite itself; the rest of this folder is about starting the runtimes. */
const suite = ["clause", "core-clauses", "fetch-clauses", "suite", "main", "worker"];

/** What only processes need: workerd has no SQLite. */
const inProcesses = ["sqlite-clauses", "../support/records"];

/** The files of the adapters' suite, with those of other folders of tests. */
const adapters = [
  "adapters",
  "adapters-main",
  "adapters-worker",
  "../contracts/apps",
  "../contracts/exceptions",
  "../contracts/servers",
  "../express-session/contract-apps",
];

/** What test/contracts/apps.ts imports, as it lies in the repository's `node_modules`. */
const frameworks = ["express", "express4", "fastify", "h3", "hono", "@hono/node-server", "koa"];

/** A folder that holds the suite as plain JavaScript, and the package as npm would install it beside it. */
export interface Staging {
  readonly folder: string;
  close(): void;
}

/**
 * Builds the package and lays everything out, outside of the repository's own `node_modules`.
 *
 * @param bun the program of Bun, which makes one module for workerd of the adapters and their frameworks.
 */
export async function openStaging(bun: string | undefined): Promise<Staging> {
  const cache = join(import.meta.dirname, "programs", "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "run-"));
  const installed = join(folder, "node_modules", "coatcheck");
  await layOut(installed);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  for (const name of [...suite, ...inProcesses, ...adapters]) {
    const code = stripTypeScriptTypes(readFileSync(join(import.meta.dirname, `${name}.ts`), "utf8"));
    writeFileSync(
      join(folder, `${basename(name)}.js`),
      code.replaceAll(
        /from "\.\.?\/(?:(?:contracts|express-session|support)\/)?([\w-]+)\.ts"/g,
        'from "./$1.js"',
      ),
    );
  }
  mkdirSync(join(folder, "node_modules", "@hono"));
  for (const name of frameworks)
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  writeFileSync(join(folder, "main.capnp"), workerConfiguration(folder, installed));
  if (bun !== undefined) bundleForWorkerd(bun, folder);
  return { folder, close: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The oldest day whose behaviour of workerd will do: it has node:fs, which the SQLite store imports. */
const compatibilityDate = "2025-09-15";

/** The package's entries that the suite uses, with their files. */
const entries = {
  coatcheck: "index",
  "coatcheck/fetch": "adapters/fetch",
  "coatcheck/memory": "stores/memory",
  "coatcheck/sqlite": "stores/sqlite",
  "coatcheck/testing": "testing",
};

/**
 * Workerd gets its modules by name, in its configuration; the first is the one it starts. It looks for
 * no package, so each entry of the package gets a module of its name, which leads to the file.
 */
function workerConfiguration(folder: string, installed: string): string {
  const files = globSync("dist/**/*.js", { cwd: installed });
  const modules = [
    { name: "entry.js", code: 'export { worker as default } from "./worker.js";' },
    ...suite.filter((name) => name !== "main").map((name) => ({ name: `${name}.js`, path: `${name}.js` })),
    ...files.map((file) => ({ name: `package/${file}`, path: relative(folder, join(installed, file)) })),
    ...Object.entries(entries).map(([name, file]) => ({
      name,
      code: `export * from "${name.includes("/") ? ".." : "."}/package/dist/${file}.js";`,
    })),
  ].map((module) => {
    const source = "code" in module ? JSON.stringify(module.code) : `embed ${JSON.stringify(module.path)}`;
    return `(name = ${JSON.stringify(module.name)}, esModule = ${source})`;
  });
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .main)]);
const main :Workerd.Worker = (
  compatibilityDate = "${compatibilityDate}",
  compatibilityFlags = ["nodejs_compat"],
  bindings = [(name = "self", service = "main")],
  modules = [
    ${modules.join(",\n    ")}
  ],
);
`;
}

/** Frameworks come as CommonJS in many files, which workerd can't look for; so this is one module, as deployed workers are. */
function bundleForWorkerd(bun: string, folder: string): void {
  const bundle = join(folder, "adapters.bundle.js");
  const options = ["--target=node", "--conditions=workerd", "--format=esm", "--external=cloudflare:node"];
  options.push("--external=@hono/node-server");
  const entry = join(folder, "adapters-entry.js");
  writeFileSync(entry, 'export { worker as default } from "./adapters-worker.js";');
  execFileSync(bun, ["build", entry, ...options, `--outfile=${bundle}`], {
    cwd: folder,
    stdio: "pipe",
  });
  const code = readFileSync(bundle, "utf8");
  // Workerd's modules do not know where they lie, and what is asked for here are Node's own.
  writeFileSync(
    bundle,
    code.replaceAll("createRequire(import.meta.url)", 'createRequire("file:///entry.js")'),
  );
  // Hono's server for Node puts a Response of its own in the place of the runtime's; here the runtime serves.
  const stub = "export const getRequestListener = () => undefined;";
  writeFileSync(
    join(folder, "adapters-main.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .main)]);
const main :Workerd.Worker = (
  compatibilityDate = "${workerdAdaptersDate}",
  compatibilityFlags = ["nodejs_compat"],
  bindings = [(name = "self", service = "main")],
  modules = [
    (name = "entry.js", esModule = embed "adapters.bundle.js"),
    (name = "@hono/node-server", esModule = ${JSON.stringify(stub)}),
  ],
);
`,
  );
}
