import assert from "node:assert/strict";
import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { frameworks, frameworksTable, tableIn } from "./frameworks-table.ts";
import { pages, root } from "./workshop.ts";

describe("the table of frameworks", () => {
  test("says what the tests run", () => {
    assert.equal(
      tableIn(pages().get("docs/frameworks.md") ?? ""),
      frameworksTable(),
      "`node --conditions=coatcheck-source test/docs/frameworks-table.ts --write` mends it",
    );
  });

  test("names twenty frameworks, each with a page, a login, a handler that fails and a logout from elsewhere", () => {
    assert.ok(new Set(frameworks.map(({ name }) => name)).size >= 20);
    for (const { name, page } of frameworks) assert.ok(existsSync(join(root, page)), name);
    const rows = frameworksTable().split("\n").slice(2);
    for (const row of rows) {
      const [, , , login, failing, elsewhere] = row.split("|").map((cell) => cell.trim());
      assert.deepEqual([login, elsewhere], ["yes", "yes"], row);
      assert.match(failing ?? "", /^(?:yes|n\/a)$/, row);
    }
  });

  test("has every example that has packages of its own, and every page about a framework", () => {
    const told = new Set(frameworks.flatMap(({ installed, page }) => [installed?.[1], page]));
    const examples = globSync("examples/!(databases)/package.json", { cwd: root }).map((path) =>
      join(path, ".."),
    );
    const about = globSync("docs/frameworks/*.md", { cwd: root });
    const missing = [...examples, ...about].filter((path) => !told.has(path.replaceAll("\\", "/")));
    assert.deepEqual(missing, []);
  });
});
