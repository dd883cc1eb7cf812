// A response with sessions in front is the response without them, but for what the session adds: held to
// random programs of calls. Each test is a process of its own, since an error that nobody catches ends one.
//
// For an hour: node --conditions=coatcheck-source test/responses/hunt-process.ts --minutes 60 --seed 1000

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";

async function hunted(...args: string[]): Promise<{ code: unknown; output: string }> {
  const program = join(import.meta.dirname, "hunt-process.ts");
  const child = spawn(process.execPath, ["--no-warnings", ...process.execArgv, program, ...args], {
    // Frameworks put stacks into their error pages elsewhere, and two runs have two.
    env: { ...process.env, NODE_ENV: "production" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  return { code, output: `${output}${errors}` };
}

test("random programs answer with sessions in front as they do without", { timeout: 540_000 }, async () => {
  const long = process.env["TEST_LONG"]
    ? ["--minutes", "6", "--seed", String(Date.now())]
    : ["--runs", "200"];
  const { code, output } = await hunted(...long);
  assert.equal(code, 0, output);
});

test("programs that once answered otherwise with sessions in front", { timeout: 120_000 }, async () => {
  const { code, output } = await hunted("--known");
  assert.equal(code, 0, output);
});

test("mistakes that are planted in front of a response are found", { timeout: 120_000 }, async () => {
  const { code, output } = await hunted("--planted");
  assert.equal(code, 0, output);
});
