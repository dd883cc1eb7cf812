// Counts a field of a record up to 20, on a database that it opens as sqlite-own-database.test.ts does.

import { sqliteStore } from "coatcheck/sqlite";
import { databases } from "./sqlite-databases.ts";

const [name, path = "", id = "", field = ""] = process.argv.slice(2);
const app = databases.find((each) => each.name === name)?.open(path);
if (app === undefined) throw new Error(`no database of ${name}`);
const store = sqliteStore({ database: app.database, busyTimeout: { seconds: 30 } });
for (let count = 1; count <= 20; count++) {
  const set = new Map([[`d:${field}`, Buffer.from(String(count))]]);
  const { kind } = await store.patch(id, { epoch: 0, set }, Date.now(), 30_000);
  if (kind !== "applied") throw new Error(kind);
}
app.close();
