// The built package in the test runners that people use: `npm run runtimes` installs them and runs this.
// Each runs test/runtimes/test-runners/visit.ts, with the settings that docs/testing.md gives for it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { layOut } from "../../scripts/pack.ts";
import { programOf, runtimes } from "./runtimes.ts";

const home = join(import.meta.dirname, "test-runners");
const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "testing.md"), "utf8");
const visit = readFileSync(join(home, "visit.ts"), "utf8");

/** One way to run the test. */
interface Way {
  readonly name: string;
  /** The file with the test. */
  readonly file: string;
  /** What the file imports `test` from; `undefined` if it is global. */
  readonly runner?: string;
  readonly config?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  /** What it prints if all three tests passed. */
  readonly passed: RegExp;
}

const jest = ["node_modules/jest/bin/jest.js", "--no-cache", "--no-watchman"];
const jestPassed = /Tests: +3 passed, 3 total/;
const experimental = { NODE_OPTIONS: "--experimental-vm-modules" };
const compiler = { module: "commonjs", moduleResolution: "node10", target: "es2022", esModuleInterop: true };
const strict = JSON.stringify({ compilerOptions: { ...compiler, strict: true, skipLibCheck: false } });
const allowJs = JSON.stringify({ compilerOptions: { ...compiler, strict: true, allowJs: true } });

/** A block of the page, by its first words: what a reader copies. */
function fromPage(start: string): string {
  const at = page.indexOf(start);
  assert.notEqual(at, -1, `docs/testing.md has no ${start}`);
  return page.slice(at, page.indexOf("\n```", at));
}

const ways: readonly Way[] = [
  {
    name: "Jest with babel-jest, in CommonJS",
    file: "visit.test.js",
    env: experimental,
    args: jest,
    passed: jestPassed,
  },
  {
    name: "Jest with babel-jest, which transforms the package",
    file: "visit.test.js",
    config: {
      "jest.config.js": fromPage("module.exports = { transformIgnorePatterns"),
      "babel.config.js": fromPage("module.exports = { presets"),
    },
    args: jest,
    passed: jestPassed,
  },
  {
    name: "Jest with ts-jest, which compiles to CommonJS",
    file: "visit.test.ts",
    config: { "jest.config.js": 'module.exports = { preset: "ts-jest" };', "tsconfig.json": strict },
    env: experimental,
    args: jest,
    passed: jestPassed,
  },
  {
    name: "Jest with ts-jest, which transforms the package",
    file: "visit.test.ts",
    config: {
      "jest.config.js": fromPage('module.exports = { preset: "ts-jest/presets/js-with-ts"'),
      "tsconfig.json": allowJs,
    },
    args: jest,
    passed: jestPassed,
  },
  {
    name: "Vitest",
    file: "visit.test.ts",
    runner: "vitest",
    args: ["node_modules/vitest/vitest.mjs", "run", "--root", "."],
    passed: /Tests +3 passed \(3\)/,
  },
  {
    name: "node:test",
    file: "visit.test.ts",
    runner: "node:test",
    args: ["--test"],
    passed: /pass 3\n[^]*fail 0/,
  },
  {
    name: "Bun's test runner",
    file: "visit.test.ts",
    runner: "bun:test",
    args: ["test"],
    passed: /3 pass\n *0 fail/,
  },
];

/** The test as a file of this kind. */
function written({ file, runner }: Way): string {
  const own = visit.replace(
    'import { test } from "node:test";\n',
    runner === undefined ? "" : `import { test } from "${runner}";\n`,
  );
  if (file.endsWith(".ts")) return own;
  return stripTypeScriptTypes(own).replaceAll(/^import (.+) from (".+");$/gm, "const $1 = require($2);");
}

describe("coatcheck/testing works in", () => {
  const folders: string[] = [];
  const isInstalled = existsSync(join(home, "node_modules", "jest"));
  let installed = "";

  before(async () => {
    if (!isInstalled) return;
    installed = join(home, "node_modules", "coatcheck");
    rmSync(installed, { recursive: true, force: true });
    await layOut(installed);
  });

  after(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  for (const way of ways) {
    test(way.name, (t) => {
      const bun = runtimes.find(({ name }) => name === "Bun");
      const own = way.runner === "bun:test" ? bun && programOf(bun) : process.execPath;
      if (!isInstalled || own === undefined) {
        const reason = "not installed here: `npm run runtimes` installs it";
        assert.ok(!process.env["CI"], reason);
        t.skip(reason);
        return;
      }
      const folder = mkdtempSync(join(home, "run-"));
      folders.push(folder);
      const type = way.file.endsWith(".js") || way.config !== undefined ? "commonjs" : "module";
      const files = {
        "package.json": JSON.stringify({ private: true, type }),
        [way.file]: written(way),
        ...way.config,
      };
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
      mkdirSync(join(folder, "tmp"));
      const args = way.args.map((arg) => arg.replace(/^node_modules/, join(home, "node_modules")));
      const done = spawnSync(own, args, {
        cwd: folder,
        env: {
          PATH: process.env["PATH"],
          HOME: folder,
          TMPDIR: join(folder, "tmp"),
          NO_COLOR: "1",
          ...way.env,
        },
        encoding: "utf8",
        timeout: 120_000,
      });
      const output = done.stdout + done.stderr;
      assert.match(output, way.passed, output);
      assert.equal(done.status, 0, output);
    });
  }
});
