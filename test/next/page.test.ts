import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..", "..");

test("the page about Next.js shows the code that is tested", () => {
  const page = readFileSync(join(root, "docs", "next.md"), "utf8");
  const blocks = [...page.matchAll(/^```tsx\n\/\/ (\S+)\n([^]*?)^```$/gm)];
  assert.ok(blocks.length > 4, "the blocks are found");
  assert.equal(blocks.length, page.match(/^```\w/gm)?.length, "every block names its file");
  for (const [, path = "", code = ""] of blocks) {
    const source = readFileSync(join(root, "examples", "next", path), "utf8");
    assert.ok(source.includes(code), `docs/next.md shows something else than ${path}:\n${code}`);
  }
});
