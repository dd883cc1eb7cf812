import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, sep } from "node:path";
import { rollup } from "rollup";
import { minify } from "terser";
import type { MinifyOptions, SimpleIdentifierMangler } from "terser";
import { declarations } from "./declarations.ts";

const root = dirname(import.meta.dirname);

/**
 * Builds what the package holds: a file for each entry point, and `core.js` for what they share; to each its
 * source map, in which the sources are, and its declarations.
 *
 * @param folder where to; it is emptied first.
 */
export async function build(folder = join(root, "dist")): Promise<void> {
  const compiled = mkdtempSync(join(tmpdir(), "coatcheck-build-"));
  try {
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
    const project = join(root, "tsconfig.build.json");
    compile([compiler, "--project", project, "--outDir", compiled]);
    const files = {
      ...(await scripts(compiled, entryPoints())),
      ...declarations(compiled, entryPoints()),
    };
    rmSync(folder, { recursive: true, force: true });
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
  } finally {
    rmSync(compiled, { recursive: true, force: true });
  }
}

function compile(args: readonly string[]): void {
  try {
    execFileSync(process.execPath, args, { cwd: root, encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    const output = error instanceof Error && "stdout" in error ? String(error.stdout) : "";
    throw new Error(`tsc failed:\n${output}`, { cause: error });
  }
}

/** The entry points as package.json has them, named by their files: `adapters/koa`. */
function entryPoints(): string[] {
  const manifest: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const found = JSON.stringify(manifest).matchAll(/"default":"\.\/dist\/([\w/-]+)\.js"/g);
  return Array.from(found, ([, name = ""]) => name);
}

/**
 * Bundles the files that tsc wrote, and leaves out what only readers of the sources need.
 *
 * @param folder tsc's files, with their source maps.
 * @param entries the entry points: `adapters/koa`.
 * @returns the text of each file.
 */
export async function scripts(folder: string, entries: readonly string[]): Promise<Record<string, string>> {
  const bundle = await rollup({
    input: Object.fromEntries(entries.map((name) => [name, join(folder, `${name}.js`)])),
    external: /^node:/,
    // Nothing that somebody wrote is found useless and left out.
    treeshake: false,
    plugins: [
      {
        name: "tsc's source maps",
        load: (file) => ({ code: readFileSync(file, "utf8"), map: readFileSync(`${file}.map`, "utf8") }),
      },
    ],
    onwarn: ({ message }) => {
      throw new Error(message);
    },
  });
  const { output } = await bundle.generate({
    dir: folder,
    sourcemap: true,
    // From where the file will lie.
    sourcemapPathTransform: (path, map) => {
      const up = "../".repeat(relative(folder, map).split(sep).length);
      return path.replaceAll("\\", "/").replace(/^.*?\/src\//, `${up}src/`);
    },
    chunkFileNames: "[name].js",
    hoistTransitiveImports: false,
    manualChunks: (file) => (/^(?:core[/\\]|errors\.)/.test(relative(folder, file)) ? "core" : undefined),
  });
  await bundle.close();
  const files: Record<string, string> = {};
  for (const chunk of output) {
    if (chunk.type !== "chunk" || chunk.map === null) continue;
    const url = `${basename(chunk.fileName)}.map`;
    const sourceMap = { content: chunk.map.toString(), includeSources: true, url };
    const { code = "", map } = await minify(chunk.code, { ...shorter, sourceMap });
    files[chunk.fileName] = `${code}\n`;
    files[`${chunk.fileName}.map`] = typeof map === "string" ? map : JSON.stringify(map);
  }
  return files;
}

/** The same short names in the same order in every file and function: gzip finds more that repeats. */
const shortNames: SimpleIdentifierMangler = {
  get(nth) {
    const letters = "etnsiraocudhflpgwmybvkxjqz";
    const before = nth < letters.length ? "" : shortNames.get(Math.floor(nth / letters.length) - 1);
    return before + letters.charAt(nth % letters.length);
  },
};

/**
 * Comments, spaces and the names of variables become less; of what compressing can do, only what writes the same
 * statements shorter. Nothing is found useless, put in another place, or made elsewhere than it was.
 */
const shorter: MinifyOptions = {
  module: true,
  compress: { defaults: false, evaluate: true, join_vars: true },
  mangle: { nth_identifier: shortNames },
  // Stack traces and `inspect` show them.
  keep_classnames: true,
  keep_fnames: true,
  // A line for each statement, so that a line's number says something.
  format: { semicolons: false, comments: false },
};
