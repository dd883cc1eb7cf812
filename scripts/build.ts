import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { rollup } from "rollup";

const root = dirname(import.meta.dirname);

/**
 * Builds what the package holds: a JavaScript file for each entry point; `shared.js` for what they share,
 * `shared-node.js` for what the adapters for Node's own responses share, `shared-redis.js` for both stores in Redis; and tsc's declarations of the modules that
 * the entry points' declarations lead to.
 *
 * @param folder where to; it is emptied first.
 */
export async function build(folder = join(root, "dist")): Promise<void> {
  const compiled = mkdtempSync(join(tmpdir(), "coatcheck-build-"));
  try {
    const entries = [...entryPoints().values()];
    compile(compiled);
    rmSync(folder, { recursive: true, force: true });
    await bundle(compiled, entries, folder);
    copyDeclarations(compiled, entries, folder);
  } finally {
    rmSync(compiled, { recursive: true, force: true });
  }
}

/** The entry points in package.json: the module of src, such as `adapters/koa`, by the name that users import from. */
export function entryPoints(): Map<string, string> {
  const manifest = readFileSync(join(root, "package.json"), "utf8");
  const found = manifest.matchAll(/"\.(\/[\w-]+)?": \{\s*"coatcheck-source": "\.\/src\/([\w/-]+)\.ts"/g);
  return new Map(Array.from(found, ([, name = "", module = ""]) => [`coatcheck${name}`, module]));
}

/** Has tsc compile src into a folder. */
export function compile(folder: string, ...options: readonly string[]): void {
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const project = join(root, "tsconfig.build.json");
  execFileSync(process.execPath, [compiler, "--project", project, "--outDir", folder, ...options], {
    stdio: "inherit",
  });
}

/** Joins modules into few files, since Node loads few files faster. The code stays as tsc wrote it. */
export async function bundle(from: string, entries: readonly string[], to: string): Promise<void> {
  const joined = await rollup({
    input: Object.fromEntries(entries.map((name) => [name, join(from, `${name}.js`)])),
    external: /^node:/,
    // rollup would drop calls whose result is unused, such as `new Marked(object)` and `decodeURI(text)`.
    treeshake: false,
    onwarn: ({ message }) => {
      throw new Error(message);
    },
  });
  await joined.write({
    dir: to,
    chunkFileNames: "[name].js",
    minifyInternalExports: false,
    hoistTransitiveImports: false,
    manualChunks: (file) => {
      const path = relative(from, file);
      // It imports node:http, which takes longer to load than all the rest.
      if (/^(?:node|adapters.node)\b/.test(path)) return "shared-node";
      // For authors of stores, and the stores that are built on it.
      if (/^record.compare-and-set\b/.test(path)) return "shared-compare-and-set";
      // What the SQLite stores on a file and on a database of the app have in common.
      if (/^stores.sqlite.(?!js|libsql|own)/.test(path)) return "shared-sqlite";
      // What the stores in PostgreSQL and in MySQL have in common.
      if (/^runtime.(?:deadline|retry)\b/.test(path)) return "shared-database";
      // What the stores over a connection and over HTTP have in common.
      if (/^stores.redis.(?!connection|http|near-cache)/.test(path)) return "shared-redis";
      // Each store and adapter, and adoption, is apart with its parts, so that nobody loads those of others.
      return /^(?:stores|adapters|adopt|testing|adapter|store|session.(?:direct|rebind))\b/.test(path)
        ? undefined
        : "shared";
    },
  });
}

/** Copies what users' compilers read. tsc keeps `.ts` in the specifiers of declarations, so this changes it. */
export function copyDeclarations(from: string, entries: readonly string[], to: string): void {
  const modules = new Set(entries);
  // The loop also visits what is added on the way.
  for (const module of modules) {
    const text = readFileSync(join(from, `${module}.d.ts`), "utf8");
    const copy = text.replace(/(?<= from ")(\.[^"]+)\.ts(?=";$)/gm, (_, path: string) => {
      modules.add(join(dirname(module), path));
      return `${path}.js`;
    });
    mkdirSync(dirname(join(to, module)), { recursive: true });
    writeFileSync(join(to, `${module}.d.ts`), copy);
  }
}
