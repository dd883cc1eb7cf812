import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
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
