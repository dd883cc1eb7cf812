import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createSessions } from "coatcheck";
import type { SessionsOptions } from "coatcheck";
import { pages, root } from "./workshop.ts";

/** The first column of a page's tables, where it is code. */
function firstColumn(page: string): string[] {
  return Array.from((pages().get(page) ?? "").matchAll(/^\| `([^`]+)` \|/gm), ([, cell = ""]) => cell);
}

test("docs/errors.md tells of every code, and of no other", () => {
  const source = readFileSync(join(root, "src/errors.ts"), "utf8");
  const unions = source.matchAll(/^export type \w+ErrorCode =([^;]+);/gm);
  const codes = Array.from(unions, ([, union = ""]) => union.match(/"[A-Z_]+"/g) ?? []).flat();
  assert.ok(codes.length > 20, "the codes were not found");
  assert.deepEqual(
    firstColumn("docs/errors.md").toSorted(),
    codes.map((code) => code.slice(1, -1)).toSorted(),
  );
});

test("docs/words.md tells of every reason for a rejection, and of no other", () => {
  const source = readFileSync(join(root, "src/services/rejection.ts"), "utf8");
  const union = /^export type RejectionReason =([^;]+);/m.exec(source)?.[1] ?? "";
  const reasons = Array.from(union.matchAll(/"([a-z-]+)"/g), ([, reason = ""]) => reason);
  assert.ok(reasons.length > 5, "the reasons were not found");
  const [, ...told] = firstColumn("docs/words.md"); // without the head
  assert.deepEqual(told.toSorted(), reasons.toSorted());
});

test("docs/options.md tells of every option, and of no other", () => {
  const misspelt = { optoin: 1 } as unknown as SessionsOptions;
  assert.throws(
    () => createSessions(misspelt),
    (error: Error) => {
      const known = /Known options: (.+)\.$/.exec(error.message)?.[1]?.split(", ");
      const told = firstColumn("docs/options.md").filter((option) => !option.includes("."));
      assert.deepEqual(told.toSorted(), known?.toSorted());
      return true;
    },
  );
});
