import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decoders } from "./decoders.ts";
import { hunt } from "./hunt.ts";

/** The same every time; run.ts goes on from other seeds, for as long as one likes. */
const seed = 1;

describe("whatever bytes it gets", { concurrency: 2 }, () => {
  for (const name of Object.keys(decoders)) {
    test(`the decoder of ${name} ends, throws nothing of its own, and allocates little`, async () => {
      const { count, found } = await hunt(name, seed, { milliseconds: 500 });
      assert.equal(found, undefined);
      assert.ok(count > 5, `only ${count} inputs`);
    });
  }
});

describe("a hunt finds a decoder that", () => {
  const module = "./bad-decoders.ts";
  const faults: Record<string, RegExp> = {
    "never ends": /did not come back/,
    throws: /on purpose/,
    "believes lengths": /it allocated \d+ bytes/,
    "keeps everything": /OUT_OF_MEMORY/,
    "does not exist": /no such decoder/,
  };
  for (const [name, wanted] of Object.entries(faults)) {
    test(name, async () => {
      const { found } = await hunt(name, seed, { module, milliseconds: 60_000, impatience: 2000 });
      assert.match(found?.what ?? "nothing", wanted);
    });
  }
});
