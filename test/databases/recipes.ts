// What the tests of the stores in examples/databases have in common.

import assert from "node:assert/strict";
import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Store } from "coatcheck";
import { races, storeContract } from "coatcheck/testing";
import { servers } from "../contracts/servers.ts";

const root = join(import.meta.dirname, "..", "..");

/** The folder of the recipes, with packages of its own. */
export const folder: string = join(root, "examples", "databases");

const modules = join(folder, "node_modules");

/** Why the recipes' tests are skipped, or `false`. In CI their packages have to be installed. */
export const missing: string | false = existsSync(join(modules, ".coatcheck-installed"))
  ? false
  : "the packages of examples/databases are not installed here: `npm run databases` installs them and tests";
assert.ok(missing === false || !process.env["CI"], String(missing));

if (missing === false) {
  // npm would put the package beside those that a recipe needs.
  try {
    symlinkSync(root, join(modules, "coatcheck"), "junction");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  writeFileSync(join(modules, "load.mjs"), "export const load = (name) => import(name);\n");
}

/** A package as the recipes get it. Nothing is known of its types here. */
// oxlint-disable-next-line typescript/no-explicit-any -- as above
export async function load(name: string): Promise<any> {
  const { load: loadThere } = await import(pathToFileURL(join(modules, "load.mjs")).href);
  return loadThere(name);
}

/** What a recipe exports. */
// oxlint-disable-next-line typescript/no-explicit-any -- as above
export async function recipe(file: string): Promise<any> {
  return import(pathToFileURL(join(folder, file)).href);
}

/**
 * Declares a test for each clause of the store contract, and for each race.
 *
 * @param open opens another store on the same table.
 */
export function recipeTests(name: string, skip: string | false, open: () => Store): void {
  for (const clause of storeContract) {
    test(`the store over ${name} ${clause.name}`, { skip }, async () => clause.check(open));
  }
  for (const race of races) {
    // Through the network these take long; `npm run test:long` runs all.
    if (/^S[45]/.test(race.name) && !process.env["TEST_LONG"]) continue;
    test(`${race.name} (${name})`, { skip }, async (t) => {
      const { fetch: start } = servers;
      assert.ok(start);
      t.diagnostic(`${await race.check({ openStore: open, start })} orders`);
    });
  }
}
