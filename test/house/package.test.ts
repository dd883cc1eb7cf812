import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { publishedManifest, putManifest, takeManifestBack } from "../../scripts/manifest.ts";
import { neededFiles, packFaults } from "../../scripts/pack.ts";

const root = dirname(dirname(import.meta.dirname));

interface Manifest {
  readonly devDependencies?: Record<string, string>;
  readonly exports: Record<string, string | Record<string, string>>;
  readonly main: string;
  readonly types: string;
  readonly typesVersions: Record<string, Record<string, string[]>>;
}

const manifest: Manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

describe("the package", () => {
  test("brings no package into a user's project, and stands in the way of none", () => {
    // npm holds a range of an optional peer against a project that has that package for other reasons.
    const fields = Object.keys(manifest).filter((field) => /dependencies/i.test(field));
    assert.deepEqual(fields, ["devDependencies"]);
  });

  test("is developed with exact versions", () => {
    for (const [name, version] of Object.entries(manifest.devDependencies ?? {})) {
      assert.match(version, /^(?:npm:[\w@/-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/, name);
    }
  });

  test("offers every entry point from source first, then as types, then built", () => {
    for (const [name, conditions] of Object.entries(manifest.exports)) {
      if (typeof conditions === "string") continue;
      assert.deepEqual(Object.keys(conditions), ["coatcheck-source", "types", "default"], name);
      const source = conditions["coatcheck-source"] ?? "";
      assert.ok(existsSync(join(root, source)), source);
      const built = source.replace("./src/", "./dist/").replace(/\.ts$/, "");
      assert.equal(conditions["types"], `${built}.d.ts`);
      assert.equal(conditions["default"], `${built}.js`);
    }
  });

  test("tells resolvers that read no exports the same", () => {
    const told: Record<string, string[]> = {};
    for (const [name, conditions] of Object.entries(manifest.exports)) {
      if (typeof conditions === "string") continue;
      if (name === ".")
        assert.deepEqual([manifest.types, manifest.main], [conditions["types"], conditions["default"]]);
      else told[name.slice(2)] = [conditions["types"] ?? ""];
    }
    assert.deepEqual(manifest.typesVersions, { "*": told });
  });

  test("is locked to contents, not to a registry", () => {
    const lock = readFileSync(join(root, "package-lock.json"), "utf8");
    assert.doesNotMatch(lock, /"resolved"/);
    assert.match(lock, /"integrity": "sha512-/);
  });
});

describe("what would be published", () => {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-needed-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const write = (files: Readonly<Record<string, string>>): void => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
  };
  write({
    "package.json": '{"exports": {"./koa": {"types": "./dist/koa/a.d.ts", "default": "./dist/koa/a.js"}}}',
    "dist/koa/a.js": 'import{x}from"../core.js"\nexport{x}\n//# sourceMappingURL=a.js.map\n',
    "dist/koa/a.d.ts": 'import { X } from "../types.js";\nimport "node:http";\nexport { X };\n',
    "dist/core.js": "export const x=1\n",
    "dist/types.d.ts": "export {};\n",
  });
  const right = [
    "package.json",
    "README.md",
    "LICENSE",
    "dist/koa/a.d.ts",
    "dist/types.d.ts",
    "dist/koa/a.js",
    "dist/core.js",
    "dist/koa/a.js.map",
  ];
  const faults = (paths: readonly string[]): string[] =>
    packFaults(JSON.stringify([{ files: paths.map((path) => ({ path })) }]), neededFiles(folder));

  test("is right with what entry points lead to, and the three papers", () => {
    assert.deepEqual(neededFiles(folder), right);
    assert.deepEqual(faults(right), []);
  });

  test("is wrong with anything missing", () => {
    const less = right.filter((path) => path !== "dist/types.d.ts" && path !== "README.md");
    assert.deepEqual(faults(less), [
      "missing from the package: README.md",
      "missing from the package: dist/types.d.ts",
    ]);
  });

  test("is wrong with anything else in it", () => {
    assert.deepEqual(faults([...right, "data/secret.key", "dist/old.js"]), [
      "should not be in the package: data/secret.key",
      "should not be in the package: dist/old.js",
    ]);
  });

  test("says nothing of the repository's own condition and packages", () => {
    const published: Manifest = JSON.parse(
      publishedManifest(readFileSync(join(root, "package.json"), "utf8")),
    );
    assert.equal(published.devDependencies, undefined);
    assert.deepEqual(Object.keys(published.exports), Object.keys(manifest.exports));
    for (const [name, conditions] of Object.entries(published.exports)) {
      if (typeof conditions !== "string")
        assert.deepEqual(Object.keys(conditions), ["types", "default"], name);
    }
  });

  test("has its own package.json only while npm packs", () => {
    const before =
      '{\n  "name": "coatcheck", "devDependencies": {},\n  "scripts": {"test": "a", "postpack": "b"}}\n';
    write({ "package.json": before });
    const now = (): string => readFileSync(join(folder, "package.json"), "utf8");
    putManifest(folder);
    assert.deepEqual(JSON.parse(now()), { name: "coatcheck", scripts: { postpack: "b" } });
    // Somebody stopped npm, and packs again.
    putManifest(folder);
    takeManifestBack(folder);
    assert.equal(now(), before);
    takeManifestBack(folder);
    assert.equal(now(), before);
  });
});
