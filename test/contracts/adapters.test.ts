import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "coatcheck/memory";
import { adapterContract } from "coatcheck/testing";
import { apps } from "./apps.ts";
import { exceptions, http2Exceptions } from "./exceptions.ts";
import type { AppName } from "./exceptions.ts";
import { overHttp, overHttp2 } from "./servers.ts";

const timeout = 10_000;

for (const [adapter, make] of Object.entries(apps)) {
  const own = Object.entries(exceptions[adapter as AppName] ?? {});
  for (const clause of adapterContract) {
    const exception = own.find(([start]) => clause.name.startsWith(start))?.[1];
    const check = async (start: typeof overHttp): Promise<void> =>
      clause.check({ openStore: () => memoryStore(), start: start(make) });

    for (const [protocol, start] of Object.entries({ "HTTP/1": overHttp, "HTTP/2": overHttp2 })) {
      if (protocol === "HTTP/2" && adapter in http2Exceptions) continue;
      const name = `the ${adapter} adapter over ${protocol} ${clause.name}`;
      if (exception === undefined) test(name, { timeout }, async () => check(start));
      else {
        // An exception that holds no longer must go.
        test(`${name} (not so: ${exception})`, { timeout }, async (t) => {
          t.diagnostic(`exception: ${exception}`);
          await assert.rejects(check(start));
        });
      }
    }
  }
}

for (const [adapter, reason] of Object.entries(http2Exceptions)) {
  test(`the ${adapter} adapter is not for HTTP/2`, (t) => t.diagnostic(`exception: ${reason}`));
}
