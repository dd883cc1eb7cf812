import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pages, root } from "./workshop.ts";

type Cells = Readonly<Record<string, string>>;

function cellsOf(row: string): string[] {
  return row
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** What the README says of each library, by the name of the row. */
function told(): Record<string, Cells> {
  const section = /^## Compared with others$[^]*?(?=^## )/m.exec(pages().get("README.md") ?? "")?.[0] ?? "";
  const [head = "", , ...rows] = section.match(/^\|.*\|$/gm) ?? [];
  const names = cellsOf(head).slice(1);
  return Object.fromEntries(
    rows.map((row) => {
      const [what = "", ...cells] = cellsOf(row);
      return [what, Object.fromEntries(names.map((name, at) => [name, cells[at] ?? ""]))];
    }),
  );
}

/** The same from docs/comparison.md, whose every cell has a source. */
function sourced(): Record<string, Cells> {
  const sections = (pages().get("docs/comparison.md") ?? "").split(/^## /m).slice(1);
  return Object.fromEntries(
    sections.map((section) => {
      const rows = (section.match(/^\|.*\|$/gm) ?? []).slice(2).map(cellsOf);
      for (const [name, , source] of rows) assert.ok(source, `${name} has no source`);
      const cells = rows.map(([name = "", cell = ""]) => [name, cell.replaceAll("](", "](docs/")]);
      return [section.split("\n")[0] ?? "", Object.fromEntries(cells)];
    }),
  );
}

interface Manifest {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const manifest = (...path: string[]): Manifest =>
  JSON.parse(readFileSync(join(root, ...path, "package.json"), "utf8")) as Manifest;

interface Lock {
  readonly packages: Readonly<Record<string, Manifest>>;
}

describe("README's comparison with other libraries", () => {
  test("says what the page of its sources says, cell by cell", () => {
    assert.ok(Object.keys(told()).length > 8);
    assert.deepEqual(sourced(), told());
  });

  test("has the versions and the numbers of dependencies that are installed here", () => {
    const { packages } = JSON.parse(
      readFileSync(join(root, "bench/peers/package-lock.json"), "utf8"),
    ) as Lock;
    const installed: Record<string, Manifest | undefined> = {
      Coatcheck: manifest(),
      "express-session": manifest("node_modules", "express-session"),
      "@fastify/session": packages["node_modules/@fastify/session"],
      "iron-session": packages["node_modules/iron-session"],
    };
    const table = told();
    for (const [name, found] of Object.entries(installed)) {
      assert.equal(table["Version compared"]?.[name], found?.version, name);
      assert.equal(
        table["Dependencies"]?.[name],
        String(Object.keys(found?.dependencies ?? {}).length),
        name,
      );
    }
  });
});
