import { randomBytes } from "node:crypto";
import { after } from "node:test";
import type { Store } from "coatcheck";
import { createPool } from "mysql2/promise";
import type { Pool } from "mysql2/promise";
import { createSessionTable, mariadbStore } from "../../examples/mariadb-store.ts";

/** Where the tests find a MariaDB that they may make a table of their own in. */
const databaseUrl: string = process.env["MARIADB_URL"] ?? "mysql://root@127.0.0.1:3306/test";

/** A table that no other run uses; gone when this process's tests have ended. */
export const mariadbTable: string = `coatcheck_test_${process.pid}_${randomBytes(4).toString("hex")}`;

let shared: Pool | undefined;

/** Why the tests that need MariaDB can't run here; `false` when they can. In CI they always do. */
export const withoutMariadb: string | false = await (async () => {
  const pool = createPool({ uri: databaseUrl, connectionLimit: 10, connectTimeout: 5000 });
  try {
    await createSessionTable(pool, mariadbTable);
    shared = pool;
    return false;
  } catch (error) {
    await pool.end();
    if (process.env["CI"]) throw error;
    const reason =
      error instanceof Error ? error.message || String(Reflect.get(error, "code")) : String(error);
    return `there is no MariaDB at ${databaseUrl} (${reason}); start one, or set MARIADB_URL`;
  }
})();

after(async () => {
  await shared?.query(`DROP TABLE IF EXISTS ${mariadbTable}`);
  await shared?.end();
});

/** The pool of all tests of this process. */
export function mariadbPool(): Pool {
  if (shared === undefined) throw new Error(String(withoutMariadb));
  return shared;
}

/** A store of the example on the tests' table. Each has a cache of its own, like one of another process. */
export function openMariadb(): Store {
  return mariadbStore(mariadbPool(), mariadbTable);
}
