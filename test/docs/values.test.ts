import assert from "node:assert/strict";
import { test } from "node:test";
import { runInThisContext } from "node:vm";
import type { TestContext } from "node:test";
import { Site } from "../support/site.ts";
import { pages } from "./workshop.ts";

const page = pages().get("docs/values.md") ?? "";

/** The rows of the table under a heading: what kind, and the two other cells. */
function rowsUnder(heading: string): [kind: string, given: string, back: string][] {
  const [, rest = ""] = page.split(`## ${heading}\n`);
  const [section = ""] = rest.split("\n## ");
  return Array.from(
    section.matchAll(/^\| (.+?) \| `(.+?)` \| (.+) \|$/gm),
    ([, kind = "", given = "", back = ""]) => [kind, given, back],
  );
}

function valueOf(code: string): unknown {
  Object.assign(globalThis, { Buffer, URL });
  return runInThisContext(`(${code})`);
}

async function kept(t: TestContext, value: unknown): Promise<unknown> {
  const visitor = new Site(t, { store: "sqlite" }).visitor();
  await visitor.with((session) => session.set("x", value));
  return visitor.with((session) => session.get("x"));
}

for (const heading of ["Comes back as it went in", "Comes back as what it stands for"]) {
  const rows = rowsUnder(heading);
  test(`docs/values.md, "${heading}": there are rows`, () => assert.ok(rows.length > 9));
  for (const [kind, given, back] of rows) {
    test(`docs/values.md: ${kind}`, async (t) => {
      const code = /^`(.+)`$/.exec(back)?.[1] ?? "";
      if (heading === "Comes back as it went in") assert.equal(code, given);
      assert.deepStrictEqual(await kept(t, valueOf(given)), valueOf(code));
    });
  }
}

test('docs/values.md, "Refused": there are rows', () => assert.ok(rowsUnder("Refused").length > 7));
for (const [kind, given] of rowsUnder("Refused")) {
  test(`docs/values.md refuses ${kind}`, async (t) => {
    await assert.rejects(kept(t, valueOf(given)), { code: "VALUE_NOT_STORABLE" });
  });
}
