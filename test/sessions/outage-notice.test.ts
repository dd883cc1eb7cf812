import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { inspect } from "node:util";
import { Site, testEverywhere } from "../support/site.ts";
import { precededBy, untouched } from "../support/store-calls.ts";

function printedBy(t: TestContext): string[] {
  const lines: string[] = [];
  t.mock.method(console, "error", (...parts: unknown[]) =>
    lines.push(parts.map((part) => (typeof part === "string" ? part : inspect(part))).join(" ")),
  );
  return lines;
}

const down = (): never => {
  throw Object.assign(new Error("for leo:CANARY"), { code: "ECONNREFUSED" });
};

testEverywhere(
  "a store that fails is told on the console once a minute, and how often it failed meanwhile",
  async (site, t) => {
    const visitor = site.visitor();
    await visitor.login("leo");
    const lines = printedBy(t);
    const visit = async (): Promise<number> =>
      (await visitor.send(async (at) => new Response((await site.sessions.of(at)).subject))).status;
    site.probe.around = precededBy(down);
    for (let visits = 0; visits < 100; visits++) assert.equal(await visit(), 503);
    const { name } = site.store;
    assert.deepEqual(lines.splice(0), [
      `coatcheck: The ${name} store failed to read. (STORE_FAILED, from Error ECONNREFUSED)`,
    ]);
    site.clock.advance(59_999);
    await visit();
    assert.deepEqual(lines, []);
    site.clock.advance(1);
    await visit();
    assert.deepEqual(lines.splice(0), [
      `coatcheck: The ${name} store failed to read. (STORE_FAILED, from Error ECONNREFUSED; 100 more failed since the last line)`,
    ]);
    site.clock.advance(60_000);
    site.probe.around = untouched;
    assert.equal(await visit(), 200);
    assert.deepEqual(lines, []);
  },
);

test("two `sessions` objects of a process each report their own store", async (t) => {
  const [one, other] = [new Site(t), new Site(t)];
  const lines = printedBy(t);
  for (const site of [one, other, one]) {
    site.probe.around = precededBy(down);
    await assert.rejects(site.sessions.list("leo"), { code: "STORE_FAILED" });
  }
  assert.equal(lines.length, 2);
});
