// docs/coming-from-express-session.md says what was counted, and names every option.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..", "..");
const page = readFileSync(join(root, "docs/coming-from-express-session.md"), "utf8");

test("the table of express-session's own cases adds up", () => {
  const rows = [...page.matchAll(/^\| ([^|]+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|/gm)].map(
    ([, , ...numbers]) => numbers.map(Number),
  );
  const total = rows.pop();
  assert.equal(rows.length, 33);
  for (const [cases, ...parts] of rows)
    assert.equal(
      cases,
      parts.reduce((sum, part) => sum + part, 0),
    );
  assert.deepEqual(
    total,
    [0, 1, 2, 3].map((at) => rows.reduce((sum, row) => sum + (row[at] ?? 0), 0)),
  );
});

test("the table of options has every option that is refused", () => {
  const source = readFileSync(join(root, "src/adapters/express-session/options.ts"), "utf8");
  const refused = /const refused: [^]*?\n\};/.exec(source)?.[0] ?? "";
  const names = [...refused.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name);
  assert.ok(names.length >= 10);
  const [, table = ""] = /^## Where do the options go\?$([^]*?)^## /m.exec(page) ?? [];
  for (const name of names) assert.match(table, new RegExp(`\`${name}\``), name);
});
