// The pages about frameworks show code that is tested: every block that names a file of an example is in that file.

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..", "..");
const pages = globSync("docs/frameworks/*.md", { cwd: root }).map((path) => path.replaceAll("\\", "/"));

/** A block of code whose first line names its file: in the page's own example, or in another (`nest/src/main.ts`). */
const block = /^```(?:tsx?|vue|svelte|astro|jsonc?|js|html)\n(?:\/\/|<!--|#) (\S+)(?: -->)?\n([^]*?)^```$/gm;

for (const path of pages) {
  test(`${path} shows the code that is tested`, () => {
    const page = readFileSync(join(root, path), "utf8");
    const blocks = [...page.matchAll(block)];
    const fences = page.match(/^```(?:tsx?|vue|svelte|astro)$/gm)?.length ?? 0;
    assert.ok(blocks.length >= fences, `a block of ${path} does not name its file in its first line`);
    for (const [, file = "", code = ""] of blocks) {
      const own = join(root, "examples", basename(path, ".md"), file);
      const source = readFileSync(globSync(own).length > 0 ? own : join(root, "examples", file), "utf8");
      assert.ok(source.includes(code.trim()), `${path} shows something else than ${file}:\n${code}`);
    }
  });
}
