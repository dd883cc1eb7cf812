// docs/databases.md shows code that is tested: each of its blocks names a file of examples/databases, and is in it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..", "..");

test("docs/databases.md shows the code that is tested", () => {
  const page = readFileSync(join(root, "docs", "databases.md"), "utf8");
  const blocks = [...page.matchAll(/^```(?:typescript|prisma)\n\/\/ (\S+)\n([^]*?)^```$/gm)];
  assert.equal(
    blocks.length,
    page.match(/^```\w/gm)?.length,
    "a block does not name its file in its first line",
  );
  for (const [, file = "", code = ""] of blocks) {
    const source = readFileSync(join(root, "examples", "databases", file), "utf8");
    assert.ok(unindented(source).includes(unindented(code)), `${file} has no such code:\n${code}`);
  }
});

/** The text without its indentation, since the page shows parts of functions. */
function unindented(text: string): string {
  return text.replaceAll(/^ +/gm, "").trim();
}
