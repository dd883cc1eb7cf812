// The contract and the races of every adapter, through `coatcheck/express-session` in Express 5, and the contract in
// Express 4, with plain handlers on HTTP/1 and HTTP/2, and on each store. Its routes speak to `req.session` where it can say the same, and to `sessions.of(req)` in a second run.

import { test } from "node:test";
import { memoryStore } from "coatcheck/memory";
import { adapterContract, races } from "coatcheck/testing";
// @ts-expect-error -- Express 4 comes without types; for what is used here those of 5 fit
import express4 from "express4";
import { inProcess, overHttp, overHttp2 } from "../contracts/servers.ts";
import { appWith, connectWith, exceptions } from "./contract-apps.ts";
import { stores, temporaryFolder } from "../contracts/stores.ts";
import { adapterClauseTests } from "../contracts/clause-tests.ts";

const timeout = 30_000;

const runs = [
  ["core", "Express 5", overHttp(appWith("core"))],
  ["properties", "Express 5", overHttp(appWith("properties"))],
  ["properties", "Express 4", overHttp(appWith("properties", express4))],
  ["properties", "plain handlers", overHttp(connectWith("properties"))],
  ["core", "plain handlers over HTTP/2", overHttp2(connectWith("core"))],
  ["properties", "plain handlers over HTTP/2", overHttp2(connectWith("properties"))],
] as const;

for (const [speak, framework, start] of runs) {
  adapterClauseTests(`express-session (${framework}, ${speak})`, start, exceptions[speak], timeout);
}

for (const { name, open, skip = false } of stores.filter((store) => store.name !== "memory")) {
  test(`express-session (Express 5, properties) keeps the contract on ${name}`, { skip }, async (t) => {
    const openStore = open(temporaryFolder(t));
    const start = overHttp(appWith("properties"));
    for (const clause of adapterContract) {
      if (Object.keys(exceptions.properties).some((first) => clause.name.startsWith(first))) continue;
      await t.test(clause.name, { timeout }, async () => clause.check({ openStore, start }));
    }
  });
}

for (const speak of ["core", "properties"] as const) {
  for (const race of races) {
    test(`${race.name} (express-session, ${speak})`, async (t) => {
      t.diagnostic(
        `${await race.check({ openStore: () => memoryStore(), start: inProcess(appWith(speak)) })} orders`,
      );
    });
  }
}
