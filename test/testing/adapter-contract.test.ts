import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { test } from "node:test";
import { memoryStore } from "coatcheck/memory";
import { adapterContract } from "coatcheck/testing";
import { startInProcess } from "../runtimes/suite.ts";

test("the clause about costs holds on a slow machine, too: a cookie is not confirmed for the time that passes", async () => {
  const clause = adapterContract.find(({ name }) => name.startsWith("costs one read"));
  assert.ok(clause);
  await clause.check({
    openStore: () => memoryStore(),
    async start(sessions, routes) {
      const slow = Object.entries(routes).map(([path, route]): [string, typeof route] => [
        path,
        async (...args) => {
          const answer = await route(...args);
          // Longer than a cookie counts as confirmed.
          await wait(15);
          return answer;
        },
      ]);
      return startInProcess(sessions, Object.fromEntries(slow));
    },
  });
});
