import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import type { Session } from "coatcheck";
import type { ProbedCall } from "coatcheck/testing";
import { testOnStores } from "../support/site.ts";
import { precededBy, untouched } from "../support/store-calls.ts";

/** Lets everything happen that waits for nothing but its turn. */
async function quiet(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await turn();
}

/** For `precededBy`: holds these calls back until `open`. */
function gate(...operations: readonly ProbedCall["operation"][]) {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    before: ({ operation }: ProbedCall) => (operations.includes(operation) ? promise : undefined),
    open: resolve,
  };
}

const plusOne = (n: unknown): number => Number(n ?? 0) + 1;
const count = (session: Session): Promise<unknown> => session.update("n", plusOne);

testOnStores("[108] all calls of one request have one deadline together", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  const { ticket } = visitor;
  const [slow, hung] = [gate("read"), gate("patch")];
  site.probe.around = precededBy(slow.before);
  const page = assert.rejects(
    visitor.with(count),
    ({ name, code, message }: { name: string; code: string; message: string }) =>
      name === "StoreError" && code === "STORE_TIMEOUT" && message.includes("together"),
  );
  await quiet();
  site.clock.advance(1500);
  site.probe.around = precededBy(hung.before);
  slow.open();
  await quiet();
  // The store is told, so that it does not do later what the visitor is told has failed.
  const last = site.probe.calls.at(-1);
  assert.equal(last?.operation === "patch" && last.timeout, 500);
  site.clock.advance(499);
  await quiet();
  assert.equal(visitor.last.headers.get("retry-after"), null);
  site.clock.advance(1);
  await page;
  assert.equal(visitor.last.status, 503);
  assert.equal(visitor.ticket, ticket);
  site.probe.around = untouched;
  assert.equal(await visitor.with(count), 1);
});

testOnStores("[108] what a handler does by itself takes nothing from its deadline", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  await visitor.with(async (session) => {
    site.clock.advance(60_000);
    assert.equal(await count(session), 1);
    site.clock.advance(60_000);
    session.set("x", 1);
  });
  assert.deepEqual(
    site.probe.calls.slice(-2).map((call) => [call.operation, call.operation === "patch" && call.timeout]),
    [
      ["patch", 2000],
      ["patch", 2000],
    ],
  );
});

testOnStores("[108] updates that wait for one that hangs fail with it, and are never done", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  const hung = gate("patch");
  site.probe.around = precededBy(hung.before);
  site.probe.calls.length = 0;
  const pages = [1, 2, 3].map(() => assert.rejects(visitor.with(count), { code: "STORE_TIMEOUT" }));
  await quiet();
  site.clock.advance(2000);
  await quiet();
  hung.open();
  await Promise.all(pages);
  assert.equal(site.probe.count("patch"), 1);
});

testOnStores("updates that wait for others which get through have their own time", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  await visitor.with(count);
  let slow = gate("patch");
  site.probe.around = precededBy((call) => slow.before(call));
  const pages = Promise.all([1, 2, 3].map(() => visitor.with(count)));
  // Each but the first finds first that another was faster.
  for (let patches = 0; patches < 5; patches++) {
    await quiet();
    site.clock.advance(900);
    const before = slow;
    slow = gate("patch");
    before.open();
  }
  assert.deepEqual(new Set(await pages), new Set([2, 3, 4]));
});

testOnStores("messages go back even when nobody waits for it any more", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  await visitor.with((session) => session.flash("hello"));
  const hung = gate("patch");
  const page = assert.rejects(
    visitor.with(async (session) => {
      assert.equal((await session.takeFlashes()).length, 1);
      site.probe.around = precededBy(hung.before);
      await count(session);
    }),
    { code: "STORE_TIMEOUT" },
  );
  await quiet();
  site.clock.advance(2000);
  await page;
  assert.equal(visitor.last.status, 503);
  site.probe.around = untouched;
  hung.open();
  await quiet();
  assert.deepEqual(
    (await visitor.with((session) => session.peekFlashes())).map(({ message }) => message),
    ["hello"],
  );
});
