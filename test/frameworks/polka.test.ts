// The example for Polka, served with its own compressor in front of the sessions.

import { after, before, describe, test } from "node:test";
import { Example } from "./example.ts";
import type { RunningSite } from "./example.ts";
import { browserTests, walkTests } from "./walk.ts";

const example = new Example({ name: "polka", installed: "node_modules/polka", start: ["server.ts"] });

// A suite that is skipped is not counted, a test is.
test("the example for Polka is installed", { skip: example.missing }, () => {});

describe("the example for Polka", { skip: example.missing }, () => {
  let site: RunningSite;

  before(async () => {
    await example.build();
    site = await example.start();
  });

  after(async () => site.close());

  test("has the types it says", () => example.checkTypes());

  walkTests(() => site);
  browserTests(() => site);
});
