import assert from "node:assert/strict";
import { cpSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Store } from "coatcheck";
import { sqliteStore } from "coatcheck/sqlite";
import { temporaryFolder } from "../contracts/stores.ts";
import { recordOf } from "../support/records.ts";

/** How many handles this process has on files of a database. */
function handlesOn(path: string): number {
  const targets = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return targets.filter((target) => target.startsWith(path)).length;
}

test("`sessions` objects that are made again on one file, as by a development server, share what is open", async (t) => {
  if (process.platform !== "linux") return t.skip("it counts what lies in /proc/self/fd");
  const folder = temporaryFolder(t);
  const path = join(folder, "sessions.db");
  const stores: Store[] = [];
  for (let edit = 0; edit < 4; edit++) {
    // A copy of the package, as when it is bundled with what is loaded anew.
    cpSync(join(import.meta.dirname, "..", "..", "src"), join(folder, `copy-${edit}`), { recursive: true });
    const url = pathToFileURL(join(folder, `copy-${edit}`, "stores", "sqlite.ts")).href;
    const { sqliteStore: loaded } = (await import(url)) as { sqliteStore: typeof sqliteStore };
    assert.notEqual(loaded, sqliteStore);
    const store = loaded({ path });
    const id = Buffer.alloc(16, edit).toString("base64url");
    assert.equal(await store.create(recordOf({ id, subject: "ana" })), true);
    stores.push(store);
    assert.equal(handlesOn(path), 3, `the database, its log and its index, after ${edit} edits`);
  }
  const [first, second, ...rest] = stores;
  await first?.close();
  await first?.close();
  assert.equal((await second?.list("ana", 0))?.length, 4, "the others go on");
  rmSync(path);
  const fresh = sqliteStore({ path });
  assert.equal(await fresh.read(recordOf().id, 0), null, "a file that was deleted and made again is another");
  for (const store of [second, ...rest, fresh]) await store?.close();
  assert.equal(handlesOn(path), 0);
  const vandal = new DatabaseSync(path);
  vandal.exec("ALTER TABLE coatcheck_session RENAME TO elsewhere");
  vandal.close();
  const broken = sqliteStore({ path });
  const read = async () => broken.read(recordOf().id, 0);
  for (let time = 1; time <= 2; time++) await assert.rejects(read, { name: "StoreError", operation: "open" });
  await broken.close();
  assert.equal(handlesOn(path), 0, "what could not be used is let go of, too");
  return undefined;
});
