// On every adapter that races.test.ts, which has every store, leaves out.

import { test } from "node:test";
import { memoryStore } from "coatcheck/memory";
import { races } from "coatcheck/testing";
import { servers } from "./servers.ts";

/**
 * These hold a response back with the same code as node, so where time is short the two races with the
 * most orders are left to it. CI and `npm run test:long` run all.
 */
const likeNode = new Set(["connect", "express", "express4", "koa", "fastify"]);
const isThorough = process.env["CI"] === "true" || process.env["TEST_LONG"] !== undefined;

for (const [adapter, start] of Object.entries(servers)) {
  if (adapter === "fetch" || adapter === "hono") continue;
  for (const race of races) {
    if (!isThorough && likeNode.has(adapter) && /^S[45]/.test(race.name)) continue;
    test(`${race.name} (memory, ${adapter})`, async (t) => {
      t.diagnostic(`${await race.check({ openStore: () => memoryStore(), start })} orders`);
    });
  }
}
