import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { publishedManifest } from "../../scripts/pack.ts";

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
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-published-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

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

  test("has its own package.json and documents only while npm packs", () => {
    const before = '{\n  "name": "coatcheck", "devDependencies": {},\n  "scripts": {"postpack": "b"}}\n';
    const file = join(folder, "package.json");
    writeFileSync(file, before);
    const readme = "See [a test](test/a.ts) and [a guide](docs/a.md).\n\n<!--\nFor tests.\n-->\n";
    mkdirSync(join(folder, "docs", "decisions"), { recursive: true });
    const documents = { "README.md": readme, "docs/a.md": "# A\n", "docs/decisions/b.md": "# B\n" };
    for (const [path, text] of Object.entries(documents)) writeFileSync(join(folder, path), text);
    const areAsBefore = (): void => {
      assert.equal(readFileSync(file, "utf8"), before);
      for (const [path, text] of Object.entries(documents))
        assert.equal(readFileSync(join(folder, path), "utf8"), text);
      assert.deepEqual(readdirSync(folder).toSorted(), ["README.md", "dist", "docs", "package.json"]);
    };
    const script = join(root, "scripts", "prepack.ts");
    const prepack = (...args: string[]): void =>
      void execFileSync(process.execPath, [script, ...args], { cwd: folder });
    prepack();
    assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), {
      name: "coatcheck",
      scripts: { postpack: "b" },
    });
    assert.ok(existsSync(join(folder, "dist", "index.js")));
    assert.equal(
      readFileSync(join(folder, "README.md"), "utf8").trim(),
      "See a test (`test/a.ts` in the repository) and [a guide](docs/a.md).",
    );
    assert.ok(!existsSync(join(folder, "docs", "decisions")));
    // Somebody stopped npm, and packs again.
    prepack();
    prepack("--undo");
    areAsBefore();
    prepack("--undo");
    areAsBefore();
  });
});
