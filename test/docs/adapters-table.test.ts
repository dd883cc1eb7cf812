import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import { apps } from "../contracts/apps.ts";
import { adaptersTable, sources, tableIn, toldEntries } from "./adapters-table.ts";
import { frameworks } from "./frameworks-table.ts";
import { pages, root } from "./workshop.ts";

const mend = "`node --conditions=coatcheck-source test/docs/adapters-table.ts --write` mends it";

describe("the table of adapters in every runtime", () => {
  test("says what the tests run", () => {
    assert.equal(tableIn(pages().get("docs/runtimes.md") ?? ""), adaptersTable(sources()), mend);
  });

  test("has a line for each app that is held to the contract, and every adapter there is", () => {
    const lines = adaptersTable(sources()).match(/^\| .*coatcheck\/.*$/gm) ?? [];
    assert.equal(lines.length, Object.keys(apps).length + 1, "the apps, and Next.js");
    const files = readdirSync(join(root, "src/adapters")).filter((name) => name.endsWith(".ts"));
    const others = new Set(frameworks.map(({ entry }) => entry));
    const untold = files
      .map((name) => basename(name, ".ts"))
      .filter((name) => !toldEntries.has(name) && !others.has(name))
      // The drop-in for express-session has exceptions of its own, which its own tests and page name.
      .filter((name) => name !== "express-session");
    assert.deepEqual(untold, [], "in this table, or in the one of frameworks");
  });

  test("follows what the runtimes' suite wrote", () => {
    const now = sources();
    const line = (row: RegExp, runtimesPage: string) =>
      adaptersTable({ ...now, runtimesPage })
        .split("\n")
        .find((text) => row.test(text)) ?? "";
    for (const [row, fall] of [
      [/^\| any `fetch` server/, /^(\| workerd \|.*)yes \|$/m],
      [/^\| Express 5/, /^(\| Deno \|(?: yes \|){4}) yes/m],
    ] as const) {
      const fallen = now.runtimesPage.replace(
        fall,
        fall.source.startsWith("^(\\| Deno") ? "$1 no" : "$1no |",
      );
      assert.notEqual(fallen, now.runtimesPage);
      assert.notEqual(line(row, fallen), line(row, now.runtimesPage));
    }
    assert.throws(() => adaptersTable({ ...now, runtimesPage: "" }), /no tables/);
  });
});
