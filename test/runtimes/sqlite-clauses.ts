import assert from "node:assert/strict";
import type { Store } from "coatcheck";
import { sqliteStore } from "coatcheck/sqlite";
import type { SqliteDatabase } from "coatcheck/sqlite";
import { recordOf } from "../support/records.ts";
import type { RuntimeClause } from "./clause.ts";

/** What the store does in a database that the app has opened, with a library that only this runtime may have. */
export function ownDatabaseClauses(
  library: string,
  open: (path: string) => SqliteDatabase & { close(): void },
  emptyPath: () => string,
): RuntimeClause[] {
  const { id } = recordOf();
  const patched = async (store: Store): Promise<string> =>
    (await store.patch(id, { epoch: 0, set: new Map([["d:a", Buffer.from("1")]]) }, Date.now())).kind;
  const busyTimeout = { milliseconds: 60 };
  return [
    {
      name: `a transaction on ${library} is waited for, and its rollback undoes nothing of the store's`,
      async check() {
        const database = open(":memory:");
        const store = sqliteStore({ database, busyTimeout });
        await store.create(recordOf());
        database.exec("BEGIN");
        const waiting = patched(store);
        database.exec("ROLLBACK");
        assert.equal(await waiting, "applied");
        assert.equal((await store.read(id, Date.now()))?.revision, recordOf().revision + 1);
        database.exec("BEGIN");
        await assert.rejects(patched(store), { code: "STORE_BUSY" });
        database.exec("COMMIT");
        database.close();
        await assert.rejects(patched(store), { code: "STORE_FAILED", message: /closed/ });
      },
    },
    {
      name: `a lock of another connection of ${library} is waited for, and then STORE_BUSY`,
      async check() {
        const path = emptyPath();
        const [database, other] = [open(path), open(path)];
        const store = sqliteStore({ database, busyTimeout });
        await store.create(recordOf());
        other.exec("BEGIN IMMEDIATE");
        await assert.rejects(patched(store), { code: "STORE_BUSY" });
        const waiting = patched(store);
        other.exec("COMMIT");
        assert.equal(await waiting, "applied");
        database.exec("PRAGMA query_only = on");
        await assert.rejects(patched(store), { code: "STORE_READ_ONLY" });
        database.close();
        other.close();
      },
    },
  ];
}
