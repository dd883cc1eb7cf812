import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { guidesOf, readDeclarations, readGuides, referencePages } from "../../scripts/reference.ts";
import { pages, root } from "./workshop.ts";
import { entryPoints } from "../../scripts/build.ts";

/** What is wrong with the pages of the repository. */
function staleness(expected: ReadonlyMap<string, string>, actual: ReadonlyMap<string, string>): string[] {
  return [...new Set([...expected.keys(), ...actual.keys()])].flatMap((path) => {
    if (expected.get(path) === actual.get(path)) return [];
    return `${path} is ${actual.has(path) ? (expected.has(path) ? "stale" : "surplus") : "missing"}: npm run reference`;
  });
}

/** The names that an entry point's source exports, without the values, which an import tells. */
function typeNames(source: string): string[] {
  const lists = Array.from(
    source.matchAll(/^export type \{([^}]+)\}/gm),
    ([, list = ""]) => list.match(/\w+/g) ?? [],
  );
  const own = Array.from(source.matchAll(/^export (?:interface|type) (\w+)/gm), ([, name = ""]) => name);
  return [...lists.flat(), ...own];
}

/** What is wrong with the headings of a page. */
function headingFaults(page: string, names: Iterable<string>): string[] {
  const headings = Array.from(page.matchAll(/^## `(\w+)` \(\w+\)$/gm), ([, name = ""]) => name);
  const exported = new Set(names);
  return [
    ...[...exported].filter((name) => !headings.includes(name)).map((name) => `lacks ${name}`),
    ...headings.filter((name) => !exported.has(name)).map((name) => `has ${name}, which is not exported`),
  ];
}

describe("the reference", () => {
  const actual = new Map([...pages()].filter(([path]) => path.startsWith("docs/reference/")));

  test("is what the declarations and docstrings say now", () => {
    const expected = referencePages(entryPoints(), readDeclarations(), readGuides());
    assert.deepEqual(staleness(expected, actual), []);
  });

  test("has a page for each entry point, with each exported name and no other", async () => {
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { exports: object };
    const entries = entryPoints();
    assert.deepEqual(
      [...entries.keys(), "coatcheck/package.json"],
      Object.keys(manifest.exports).map((path) => path.replace(".", "coatcheck")),
    );
    for (const [entry, module] of entries) {
      const values = Object.keys((await import(entry)) as object);
      const types = typeNames(readFileSync(join(root, "src", `${module}.ts`), "utf8"));
      const page = actual.get(`docs/reference/${entry.split("/").at(-1)}.md`) ?? "";
      assert.deepEqual(headingFaults(page, [...values, ...types]), [], entry);
    }
  });

  test("gives every name an example, or a type that of what takes or returns it", () => {
    const without = Array.from(actual).flatMap(([path, page]) =>
      page
        .split(/^## /m)
        .slice(1)
        .filter((part) => !/^Examples/m.test(part))
        .map((part) => `${path}: ${/^`(\w+)`/.exec(part)?.[1]}`),
    );
    assert.deepEqual(without, []);
  });

  test("would be found stale, surplus or missing", () => {
    const expected = new Map([
      ["a.md", "new"],
      ["b.md", "same"],
      ["c.md", ""],
    ]);
    const old = new Map([
      ["a.md", "old"],
      ["b.md", "same"],
      ["d.md", ""],
    ]);
    assert.deepEqual(
      staleness(expected, old).map((fault) => fault.split(":")[0]),
      ["a.md is stale", "c.md is missing", "d.md is surplus"],
    );
  });

  test("would be found to lack a name, or to have one too many", () => {
    const names = typeNames(
      "export type { A, B } from './a.ts';\nexport interface C {}\nexport type D = 1;\n",
    );
    assert.deepEqual(names, ["A", "B", "C", "D"]);
    assert.deepEqual(headingFaults("## `A` (type)\n\n## `B` (type)\n\n## `E` (class)\n", names), [
      "lacks C",
      "lacks D",
      "has E, which is not exported",
    ]);
  });
});

describe("the maker of the reference", () => {
  const entries = new Map([["coatcheck/den", "den"]]);
  const made = (den: string, parts = "", guides: ReadonlyMap<string, string> = new Map()): string => {
    const modules = new Map([
      ["den", den],
      ["rooms/parts", parts],
    ]);
    return referencePages(entries, modules, guides).get("docs/reference/den.md") ?? "";
  };

  test("refuses an exported name without a docstring or a declaration, and a type that can not be imported", () => {
    assert.throws(
      () => made("export declare const bear: 1;\n"),
      /^Error: coatcheck\/den: bear has no docstring$/,
    );
    assert.throws(
      () =>
        made(
          "/** Sleeps. */\nexport declare function sleep(): void;\nexport declare function sleep(a: 1): void;\n",
        ),
      /sleep has no docstring/,
    );
    assert.throws(
      () =>
        made(
          '/** Not its own. */\nexport { bear } from "./rooms/parts.ts";\n',
          "export declare const bear: 1;\n",
        ),
      /bear has no docstring/,
    );
    assert.throws(() => made('export { bear } from "./rooms/parts.ts";\n'), /bear has no declaration/);
    assert.throws(
      () =>
        made(
          "/** A secret. */\ntype Hidden = 1;\n/** Sleeps. */\nexport declare function sleep(a: Hidden): void;\n",
        ),
      /^Error: coatcheck\/den: sleep mentions Hidden, which no entry point exports$/,
    );
  });

  test("tells of names that an entry point declares or passes on, with tags and members' comments", () => {
    const den = [
      'import type { Bear } from "./rooms/parts.ts";',
      "export type { Bear };",
      "/**",
      " * Wakes a {@link Bear}.",
      " *",
      " * @param bear the one that",
      " *   sleeps.",
      " * @returns `false` if it goes on sleeping. @throws Error if it is hungry.",
      " */",
      "export declare function wake<Bee extends string>(bear: Bear): boolean;",
      "",
    ].join("\n");
    const parts =
      "/** A bear. */\nexport declare class Bear {\n  #private;\n  /** See {@link wake}. */\n  name: string;\n}\n";
    const page = made(den, parts);
    assert.equal(
      page.slice(page.indexOf("## ")),
      [
        "## `Bear` (class)",
        "A bear.",
        "```typescript\nclass Bear {\n  /** See `wake`. */\n  name: string;\n}\n```",
        "## `wake` (function)",
        "Wakes a `Bear`.",
        "- `bear`: the one that\n  sleeps.\n- Returns `false` if it goes on sleeping.\n- Throws Error if it is hungry.",
        "```typescript\nfunction wake<Bee extends string>(bear: Bear): boolean;\n```",
        "Types: [`Bear`](den.md#bear-class)\n",
      ].join("\n\n"),
    );
  });

  test("links to guides and programs with an example, otherwise to guides that mention the name", () => {
    const code = 'import { wake } from "coatcheck/den";\n';
    const guides = new Map([
      ["README.md", `# Bears: how?\n\n\`\`\`ts\n${code}\`\`\`\n`],
      ["docs/b.md", "# B\n\n`await wake(bear)`\n"],
      ["docs/c.md", "# C\n\nTo wake, and `wakeful`\n"],
      ["docs/d.md", '# D\n\n```ts\nimport { wake } from "coatcheck/nest";\n```\n'],
      ["examples/den.ts", code],
    ]);
    assert.deepEqual(guidesOf("wake", "coatcheck/den", guides), {
      examples: ["[Bears](../../README.md)", "[examples/den.ts](../../examples/den.ts)"],
      mentions: ["[B](../b.md)"],
    });
  });
});
