import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { packFaults } from "../../scripts/pack.ts";

const root = dirname(dirname(import.meta.dirname));

interface Manifest {
  readonly dependencies?: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
  readonly peerDependenciesMeta: Record<string, { optional?: boolean }>;
  readonly devDependencies: Record<string, string>;
  readonly exports: Record<string, string | Record<string, string>>;
}

const manifest: Manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

describe("the package", () => {
  test("brings no package into a user's project", () => {
    assert.equal(manifest.dependencies, undefined);
    for (const name of Object.keys(manifest.peerDependencies)) {
      assert.equal(manifest.peerDependenciesMeta[name]?.optional, true, name);
    }
  });

  test("is developed with exact versions", () => {
    for (const [name, version] of Object.entries(manifest.devDependencies)) {
      assert.match(version, /^(?:npm:[\w@/-]+@)?\d+\.\d+\.\d+$/, name);
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

  test("is locked to contents, not to a registry", () => {
    const lock = readFileSync(join(root, "package-lock.json"), "utf8");
    assert.doesNotMatch(lock, /"resolved"/);
    assert.match(lock, /"integrity": "sha512-/);
  });
});

describe("what would be published", () => {
  const sources = ["src/index.ts", "src/core/ticket.ts"];
  const right = [
    "package.json",
    "README.md",
    "LICENSE",
    ...sources,
    ...[".js", ".js.map", ".d.ts", ".d.ts.map"].flatMap((end) => [
      `dist/index${end}`,
      `dist/core/ticket${end}`,
    ]),
  ];
  const listing = (paths: string[]) => JSON.stringify([{ files: paths.map((path) => ({ path })) }]);

  test("is right when sources, their builds and the three papers are there", () => {
    assert.deepEqual(packFaults(listing(right), sources), []);
  });

  test("is wrong with anything missing", () => {
    const less = right.filter((path) => path !== "dist/core/ticket.d.ts" && path !== "README.md");
    assert.deepEqual(packFaults(listing(less), sources), [
      "missing from the package: README.md",
      "missing from the package: dist/core/ticket.d.ts",
    ]);
  });

  test("is wrong with anything else in it", () => {
    assert.deepEqual(packFaults(listing([...right, "data/secret.key"]), sources), [
      "should not be in the package: data/secret.key",
    ]);
  });
});
