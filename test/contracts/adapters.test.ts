import { test } from "node:test";
import { apps } from "./apps.ts";
import { exceptions, http2Exceptions } from "./exceptions.ts";
import type { AppName } from "./exceptions.ts";
import { overHttp, overHttp2 } from "./servers.ts";
import { adapterClauseTests } from "./clause-tests.ts";

const timeout = 10_000;

for (const [adapter, make] of Object.entries(apps)) {
  for (const [protocol, start] of Object.entries({ "HTTP/1": overHttp, "HTTP/2": overHttp2 })) {
    if (protocol === "HTTP/2" && adapter in http2Exceptions) continue;
    const who = `the ${adapter} adapter over ${protocol}`;
    adapterClauseTests(who, start(make), exceptions[adapter as AppName], timeout);
  }
}

for (const [adapter, reason] of Object.entries(http2Exceptions)) {
  test(`the ${adapter} adapter is not for HTTP/2`, (t) => t.diagnostic(`exception: ${reason}`));
}
