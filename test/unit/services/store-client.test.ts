import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret, StoreError } from "coatcheck";
import type { SessionsOptions } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { testClock } from "coatcheck/testing";
import { createEvents } from "../../../src/services/events.ts";
import { StoreClient } from "../../../src/services/store-client.ts";
import { Site } from "../../support/site.ts";

function callsOver(list: () => unknown) {
  const clock = testClock();
  const store = Object.assign(memoryStore(), { list });
  return {
    clock,
    calls: new StoreClient(store, clock, 2000, createEvents("x")),
  };
}

test("an answer in time cancels its deadline, and one at the last millisecond counts", async () => {
  const gate = Promise.withResolvers<never[]>();
  const { clock, calls } = callsOver(() => gate.promise);
  const answer = calls.list("leo");
  clock.advance(1999);
  gate.resolve([]);
  assert.deepEqual(await answer, []);
  clock.advance(5000);
});

test("[108] no answer in time is a StoreError that says so, and may be tried again", async () => {
  const { clock, calls } = callsOver(() => new Promise(() => {}));
  const answer = Promise.resolve(calls.list("leo"));
  clock.advance(2000);
  await assert.rejects(answer, {
    name: "StoreError",
    code: "STORE_TIMEOUT",
    operation: "list",
    transient: true,
  });
});

test("[109] whatever a store throws, at once or later, becomes a StoreError with its cause", async () => {
  const cause = new TypeError("inner");
  const throwing = callsOver(() => {
    throw cause;
  });
  assert.throws(() => void throwing.calls.list("leo"), {
    name: "StoreError",
    code: "STORE_FAILED",
    operation: "list",
    cause,
  });
  const rejecting = callsOver(() => Promise.reject(cause));
  await assert.rejects(async () => rejecting.calls.list("leo"), {
    name: "StoreError",
    code: "STORE_FAILED",
    cause,
  });
  const own = new StoreError("STORE_FULL", "list", "full", { transient: true });
  const knowing = callsOver(() => Promise.reject(own));
  await assert.rejects(async () => knowing.calls.list("leo"), own);
});

test("options that are unknown, and stores that are none, are refused at the start", () => {
  const good = { secret: generateSecret(), store: memoryStore() };
  const bad: object[] = [
    { ...good, secrets: "x" },
    { ...good, ttl: 5 },
    { ...good, maxAge: 5 },
    { ...good, Secret: "x" },
    { secret: good.secret },
    { ...good, store: null },
    { ...good, store: new Map() },
    { ...good, store: { ...good.store } },
    { ...good, store: "memory" },
  ];
  for (const options of bad) {
    assert.throws(() => createSessions(options as SessionsOptions), {
      name: "ConfigError",
      code: "CONFIG_INVALID",
    });
  }
});

test("a sweep starts at the creation of a session when the last one is an interval ago, and not before", async (t) => {
  const site = new Site(t, { options: { sweepInterval: { minutes: 5 } } });
  await site.visitor().login("a");
  site.clock.advance(5 * 60_000 - 1);
  await site.visitor().login("b");
  assert.equal(site.store.count("sweep"), 0);
  site.clock.advance(1);
  await site.visitor().login("c");
  await site.visitor().login("d");
  assert.equal(site.store.count("sweep"), 1);
  const never = site.visitor(site.hub({ sweepInterval: false }));
  site.clock.advance(86_400_000);
  await never.login("e");
  assert.equal(site.store.count("sweep"), 1);
});
