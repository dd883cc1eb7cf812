// The archive that npm would publish, installed in an empty folder.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { packPackage } from "../../scripts/pack.ts";
import type { Packed } from "../../scripts/pack.ts";
import { examplesOf } from "../docs/blocks.ts";
import { faultOf, linksOf } from "../docs/links.ts";

const root = dirname(dirname(import.meta.dirname));

/** What Node printed when it ran a program of the folder; it must have ended well. */
function run(folder: string, args: readonly string[]): string {
  const env = {
    PATH: process.env["PATH"],
    PORT: "0",
    SESSION_SECRET: "9f2JmQxW0cTq7LrYv5hNbKd8sGzE3uXpRa1oViMw4Ic",
  };
  const done = spawnSync(process.execPath, args, { cwd: folder, env, encoding: "utf8", timeout: 60_000 });
  assert.equal(done.status, 0, `${done.stdout}${done.stderr}`);
  return done.stdout;
}

/** What the compiler has to say; empty when it is content. */
function compile(folder: string, file: string, options: readonly string[]): string {
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const types = ["--types", "node", "--typeRoots", join(root, "node_modules", "@types")];
  const args = [
    file,
    ...types,
    "--noEmit",
    "--strict",
    "--target",
    "es2024",
    "--allowImportingTsExtensions",
    ...options,
  ];
  return spawnSync(process.execPath, [compiler, "--pretty", "false", ...args], {
    cwd: folder,
    encoding: "utf8",
  }).stdout;
}

/** A program that prints the address of each module that is loaded. */
const loadedFiles = `import { registerHooks } from "node:module";
registerHooks({ load(url, context, next) { console.log(url); return next(url, context); } });`;

const ways = {
  nodenext: ["--module", "nodenext"],
  bundler: ["--module", "esnext", "--moduleResolution", "bundler"],
};

describe("the packed package", () => {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-installed-"));
  let packed: Packed | undefined;
  let entries: string[] = [];

  before(async () => {
    packed = await packPackage();
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
    const args = ["install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    execFileSync("npm", [...args, packed.archive], { cwd: folder, shell: process.platform === "win32" });
    const manifest = JSON.parse(
      readFileSync(join(folder, "node_modules/coatcheck/package.json"), "utf8"),
    ) as {
      exports: Record<string, unknown>;
    };
    entries = Object.keys(manifest.exports)
      .filter((name) => name !== "./package.json")
      .map((name) => `coatcheck${name.slice(1)}`);
  });

  after(() => {
    packed?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const installed = join(folder, "node_modules", "coatcheck");

  /** What does not belong in the package: all but papers, declarations, entry points and what they share. */
  function strangers(paths: readonly string[]): string[] {
    const own = new Set([
      "LICENSE",
      "README.md",
      "CHANGELOG.md",
      "SECURITY.md",
      "package.json",
      "docs/races.svg",
      "docs/benchmarks.svg",
      "dist/shared.js",
      "dist/shared-node.js",
      "dist/shared-redis.js",
      "dist/shared-compare-and-set.js",
      "dist/shared-database.js",
      "dist/shared-sqlite.js",
      // Loaded by the SQLite store for a database of the app.
      "dist/own-database.js",
      "dist/own-schema.js",
      "dist/libsql.js",
    ]);
    const manifest = readFileSync(join(installed, "package.json"), "utf8");
    for (const [, path = ""] of manifest.matchAll(/"default": "\.\/([^"]+)"/g)) own.add(path);
    const isDeclaration = (path: string): boolean =>
      /^dist\/.*\.d\.ts$/.test(path) &&
      existsSync(join(root, path.replace(/^dist/, "src").replace(/\.d\.ts$/, ".ts")));
    const isGuide = (path: string): boolean =>
      /^docs\/(?:(?:frameworks|reference)\/)?[\w-]+\.md$/.test(path) && existsSync(join(root, path));
    return paths.filter((path) => !own.has(path) && !isDeclaration(path) && !isGuide(path));
  }

  test("holds its entry points, what they share, declarations, guides and papers, and nothing else", () => {
    const files = globSync("**/*.*", { cwd: installed }).map((path) => path.replaceAll("\\", "/"));
    assert.deepEqual(strangers([...files, "LICENSE"]), []);
    assert.ok(existsSync(join(installed, "LICENSE")) && existsSync(join(installed, "README.md")));
  });

  test("would not hold anything else unnoticed", () => {
    const wrong = ["data/secret.key", "src/index.ts", "dist/old.js", "dist/old.d.ts", "dist/index.js.map"];
    wrong.push("docs/notes.md", "docs/decisions/003-epoch.md");
    assert.deepEqual(strangers(["dist/index.js", "dist/index.d.ts", "docs/stores.md", ...wrong]), wrong);
  });

  /** The documents of the package, by path. */
  function guides(): ReadonlyMap<string, string> {
    const paths = globSync(["*.md", "docs/**/*.md"], { cwd: installed }).map((path) =>
      path.replaceAll("\\", "/"),
    );
    return new Map(paths.map((path) => [path, readFileSync(join(installed, path), "utf8")]));
  }

  test("carries its guides, and every link and picture in them leads to something in the package", () => {
    const texts = guides();
    const pages = globSync("docs/{*,{frameworks,reference}/*}.md", { cwd: root });
    for (const page of pages) assert.ok(texts.has(page.replaceAll("\\", "/")), page);
    const links = Array.from(texts, ([page, text]) => linksOf(page, text)).flat();
    assert.ok(links.some(({ target }) => target === "docs/races.svg"));
    assert.ok(links.length > 500, `${links.length} links`);
    assert.deepEqual(
      links.map((link) => faultOf(link, texts, installed)).filter((fault) => fault !== undefined),
      [],
    );
    assert.match(texts.get("README.md") ?? "", /The folder `examples` in the repository has a/);
  });

  test("carries its guides without what is there for the tests", () => {
    for (const [page, text] of guides()) {
      const prose = text.replaceAll(/^\s*(`{3,})[^]*?^\s*\1$/gm, "");
      assert.doesNotMatch(prose, /^\s*<!--/m, page);
      assert.doesNotMatch(text, /^\s*```\w+ \w/m, page);
    }
  });

  test("is at most 270 kB packed without its guides, which are at most 225 kB; of the code, an app with Express and SQLite loads at most 308 kB unpacked", () => {
    const code = join(folder, "code");
    cpSync(installed, code, { recursive: true });
    for (const name of ["docs", "CHANGELOG.md", "SECURITY.md"]) rmSync(join(code, name), { recursive: true });
    const args = ["pack", "--ignore-scripts", "--silent", "--pack-destination", ".."];
    execFileSync("npm", args, { cwd: code, shell: process.platform === "win32" });
    const codeSize = statSync(join(folder, globSync("*.tgz", { cwd: folder })[0] ?? "")).size;
    const guidesSize = statSync(packed?.archive ?? "").size - codeSize;
    assert.ok(codeSize <= 270_000, `the code: ${codeSize} bytes`);
    assert.ok(guidesSize > 0 && guidesSize <= 225_000, `the guides: ${guidesSize} bytes`);
    const program = 'import "coatcheck"; import "coatcheck/express"; import "coatcheck/sqlite";';
    writeFileSync(join(folder, "express.js"), program);
    const trace = ["--import", `data:text/javascript,${encodeURIComponent(loadedFiles)}`, "express.js"];
    const loaded = run(folder, trace)
      .split("\n")
      .filter((path) => path.includes("/coatcheck/dist/"));
    assert.ok(loaded.length >= 5, "it loads the entry points and what they share");
    const bytes = loaded.reduce((sum, url) => sum + statSync(new URL(url)).size, 0);
    assert.ok(bytes <= 308_000, `${bytes} bytes: ${loaded.join(" ")}`);
  });

  test("loads every entry point, also for somebody who names the repository's own condition", () => {
    assert.equal(entries.length, 28);
    const program = entries.map((name) => `import ${JSON.stringify(name)};`).join("\n");
    writeFileSync(join(folder, "all.js"), program);
    run(folder, ["--conditions=coatcheck-source", "all.js"]);
  });

  test("shows real names in a stack trace, and lines that can be read", () => {
    writeFileSync(
      join(folder, "wrong.js"),
      'import { createSessions } from "coatcheck";\ntry { createSessions({}); } catch (error) { console.log(error.stack); }\n',
    );
    const stack = run(folder, ["wrong.js"]);
    assert.match(stack, /at new Sessions .*[^]*at createSessions /);
    const line = Number(/at createSessions .*shared\.js:(\d+)/.exec(stack)?.[1]);
    const code = readFileSync(join(installed, "dist", "shared.js"), "utf8").split("\n");
    assert.equal(code[line - 1]?.trim(), "return new Sessions(options);");
    assert.match(code.slice(0, line).join("\n"), /@throws ConfigError [^]*\*\/\nfunction createSessions\(/);
  });

  for (const [way, options] of Object.entries(ways)) {
    test(`has whole declarations, found with ${way}`, () => {
      const uses = entries.map((name, at) => `export * as e${at} from ${JSON.stringify(name)};`);
      writeFileSync(join(folder, "types.ts"), uses.join("\n"));
      assert.equal(compile(folder, "types.ts", options), "");
    });

    test(`refuses wrong calls with ${way}`, () => {
      const program = `
        import { createSessions, type Session } from "coatcheck";
        import { memoryStore } from "coatcheck/memory";
        const secret = "x", store = memoryStore();
        export const sessions = createSessions<{ cart: string[] }>({ secret, store });
        export function use(session: Session<{ cart: string[] }>): string[] | undefined {
          session.set("cart", "tea");
          session.get("basket");
          createSessions({ secret, store, idle: 1 });
          return session.get("cart");
        }`;
      writeFileSync(join(folder, "wrong.ts"), program);
      const lines = compile(folder, "wrong.ts", options).match(/^wrong\.ts\(\d+/gm);
      assert.deepEqual(lines, ["wrong.ts(7", "wrong.ts(8", "wrong.ts(9"]);
    });

    test(`compiles and runs the README's first program, with ${way}`, () => {
      for (const name of ["hono", "@hono/node-server"]) {
        const link = join(folder, "node_modules", name);
        mkdirSync(dirname(link), { recursive: true });
        rmSync(link, { force: true });
        symlinkSync(join(root, "node_modules", name), link, "junction");
      }
      copyFileSync(join(root, "test", "docs", "given.ts"), join(folder, "given.ts"));
      const [first] = examplesOf("README.md", readFileSync(join(root, "README.md"), "utf8"), "./given.ts");
      // It ends although its server listens.
      writeFileSync(join(folder, "server.ts"), `${first?.code}\nconsole.log("done"); process.exit();\n`);
      assert.equal(compile(folder, "server.ts", [...options, "--skipLibCheck"]), "");
      assert.equal(run(folder, ["server.ts"]), "done\n");
    });
  }
});
