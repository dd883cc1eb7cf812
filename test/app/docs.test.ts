import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { docsRoutes } from "../../app/routes/docs.ts";

test("an address of the documentation that is no text is a page that does not exist", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-docs-"));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, ".built"));
  const files = { "index.html": "1", "404.html": "2" };
  for (const name of Object.keys(files)) writeFileSync(join(folder, ".built", name), name);
  writeFileSync(join(folder, ".built", "built.json"), JSON.stringify({ hash: "", scripts: [], files }));
  const app = docsRoutes(folder);
  assert.equal((await app.request("/docs/")).status, 200);
  for (const path of ["/docs/%E0%A4%A", "/docs/%", "/docs/%2e%2e%2fpackage.json", "/docs/nothing"])
    assert.equal((await app.request(path)).status, 404, path);
});
