import { test } from "node:test";
import { memoryStore } from "coatcheck/memory";
import { sqliteStore } from "coatcheck/sqlite";
import { races } from "coatcheck/testing";
import { servers } from "./servers.ts";

const stores = { memory: () => memoryStore(), sqlite: () => sqliteStore({ path: ":memory:" }) };

for (const [store, openStore] of Object.entries(stores)) {
  for (const [adapter, start] of Object.entries(servers)) {
    for (const race of races) {
      test(`${race.name} (${store}, ${adapter})`, async (t) => {
        t.diagnostic(`${await race.check({ openStore, start })} orders`);
      });
    }
  }
}
