import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "coatcheck/memory";
import { adapterContract } from "coatcheck/testing";
import type { StartServer } from "coatcheck/testing";
import type { Exceptions } from "./exceptions.ts";

/**
 * Declares a test for each clause of the adapter contract.
 *
 * @param who what the names of the tests begin with: "hapi".
 * @param exceptions the clauses that do not hold. One that holds must go.
 */
export function adapterClauseTests(
  who: string,
  start: StartServer,
  exceptions: Exceptions = {},
  timeout = 20_000,
): void {
  for (const clause of adapterContract) {
    const exception = Object.entries(exceptions).find(([first]) => clause.name.startsWith(first))?.[1];
    const name = `${who} ${clause.name}`;
    const check = async (): Promise<void> => clause.check({ openStore: () => memoryStore(), start });
    if (exception === undefined) test(name, { timeout }, check);
    else {
      test(`${name} (not so: ${exception})`, { timeout }, async (t) => {
        t.diagnostic(`exception: ${exception}`);
        await assert.rejects(check());
      });
    }
  }
}
