import { test } from "node:test";
import { storeContract } from "coatcheck/testing";
import { stores, temporaryFolder } from "./stores.ts";

for (const { name, open, skip = false } of stores) {
  for (const clause of storeContract) {
    test(`the ${name} store ${clause.name}`, { skip }, async (t) => {
      await clause.check(open(temporaryFolder(t)));
    });
  }
}
