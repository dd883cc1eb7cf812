// The tests' own test: each guard of the library is taken out of a copy of the sources, and the test
// that stands for it must fail there. A test that does not notice proves nothing.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { attackMutants } from "./attack-mutants.ts";
import { Copy, root } from "./copy.ts";
import { mutants } from "./mutants.ts";
import { Sources } from "./sources.ts";

test("the text of every mutant stands in src exactly once, and its test exists", () => {
  const sources = Sources.in(root);
  const all = [...mutants, ...attackMutants];
  const counted = all.map(({ name, find }) => ({
    name,
    files: sources.places(find).map(({ file }) => file),
  }));
  assert.deepEqual(
    counted.filter(({ files }) => files.length !== 1),
    [],
  );
  assert.deepEqual(
    all.filter((mutant) => !existsSync(join(root, mutant.test))),
    [],
  );
});

test("texts are found however they are formatted, and in code alone", () => {
  const code =
    "if (a) // why\n  call(\n    b,\n    /* c */ 1,\n  );\n// call(d)\nvar url = 'https://x/call(d)';";
  const sources = new Sources(new Map([["src/a.ts", code]]));
  const found = (text: string): string[] =>
    sources.places(text).map(({ start, end }) => code.slice(start, end));
  assert.deepEqual(found("if (a) call(b, 1);"), [code.slice(0, code.indexOf("\n// call"))]);
  assert.deepEqual(found("call ( b , 1 , )"), found("call(b, 1)"));
  assert.deepEqual(found("call(d)"), ["call(d)"], "not in a comment");
  assert.deepEqual(found("all(b"), [], "words are whole");
  assert.deepEqual(found("call(b)"), []);
  assert.deepEqual(found("(").length, 3, "each of them");
});

suite("the tests notice when", { concurrency: 2 }, () => {
  for (const mutant of mutants) {
    test(mutant.name, async () => {
      const copy = new Copy();
      try {
        const { failed, output } = await copy.with(mutant, async () => copy.run(mutant));
        assert.ok(failed, output);
        // Failed for what it asserts, not because the copy would not load.
        assert.match(output, /AssertionError|ERR_ASSERTION/, output);
      } finally {
        copy.remove();
      }
    });
  }
});
