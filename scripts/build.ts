import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { rollup } from "rollup";

const root = dirname(import.meta.dirname);

/**
 * Builds what the package holds: a JavaScript file for each entry point; `shared.js` for what they share, and
 * `shared-node.js` for what the adapters for Node's own responses share; and tsc's declarations of the modules that
 * the entry points' declarations lead to.
 *
 * @param folder where to; it is emptied first.
 */
export async function build(folder = join(root, "dist")): Promise<void> {
  const compiled = mkdtempSync(join(tmpdir(), "coatcheck-build-"));
  try {
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
    const project = join(root, "tsconfig.build.json");
    execFileSync(process.execPath, [compiler, "--project", project, "--outDir", compiled], {
      stdio: "inherit",
    });
    rmSync(folder, { recursive: true, force: true });
    await bundle(compiled, entryPoints(), folder);
    copyDeclarations(compiled, entryPoints(), folder);
  } finally {
    rmSync(compiled, { recursive: true, force: true });
  }
}

/** The entry points as package.json has them, named by their files: `adapters/koa`. */
function entryPoints(): string[] {
  const manifest = readFileSync(join(root, "package.json"), "utf8");
  return Array.from(manifest.matchAll(/"default": "\.\/dist\/([\w/-]+)\.js"/g), ([, name = ""]) => name);
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
      // Each store and adapter is apart with its parts, so that nobody loads those of others.
      return /^(?:stores|adapters|testing|adapter|store)\b/.test(path) ? undefined : "shared";
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
