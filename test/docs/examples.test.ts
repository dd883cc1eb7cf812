import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { races } from "coatcheck/testing";
import { openWorkshop, pages } from "./workshop.ts";

const workshop = openWorkshop(pages());
after(() => workshop.close());

describe("the examples in the documentation", { concurrency: 4 }, () => {
  test("type-check, all of them", async () => assert.equal(await workshop.compile(), ""));

  for (const example of workshop.examples) {
    test(`${example.where} runs, and does what it says`, async () => {
      assert.equal(await workshop.run(example), undefined);
    });
  }
});

describe("the README", () => {
  const readme = pages().get("README.md") ?? "";

  test("shows a first login in under 20 lines, for Hono and for Express", () => {
    const logins = Array.from(readme.matchAll(/^```ts\n([^]*?)^```$/gm), ([, code = ""]) => code).slice(0, 2);
    assert.ok(logins[0]?.includes("coatcheck/hono") && logins[1]?.includes("coatcheck/express"));
    for (const code of logins) {
      assert.ok(code.split("\n").filter((line) => line.trim() !== "").length < 20);
      assert.match(code, /session\.login\(/);
    }
  });

  test("tells of every race that is tested, and of no other", () => {
    const told = Array.from(readme.matchAll(/^\| (S\d) \|/gm), ([, number]) => number);
    const tested = races.map(({ name }) => name.split(" ")[0] ?? "").filter((word) => /^S\d$/.test(word));
    assert.deepEqual(told, [...new Set(tested)].toSorted());
  });
});
