// On every store; on every adapter in races-adapters.test.ts.

import { test } from "node:test";
import type { Store } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { postgresStore } from "coatcheck/postgres";
import { sqliteStore } from "coatcheck/sqlite";
import { casStore } from "coatcheck/store";
import { races } from "coatcheck/testing";
import { mapTable } from "../stores/cas-map.ts";
import { openMariadb, withoutMariadb } from "../stores/cas-mariadb.ts";
import { sqliteTable } from "../stores/cas-sqlite.ts";
import { emptyStore as emptyMysql, withoutMysql } from "../stores/mysql-server.ts";
import { ask, clients, schema, withoutPostgres } from "../stores/postgres-server.ts";
import { redisDoors, withoutRedis } from "../stores/redis-doors.ts";
import { databases } from "../stores/sqlite-databases.ts";
import { servers } from "./servers.ts";

/** A store for the races. Through the network they take longer, so there one adapter stands for all. */
interface RacedStore {
  readonly openStore: () => Store | Promise<Store>;
  readonly skip?: string | false;
  readonly adapters?: readonly string[];
  /** Left out here, where time is short; `npm run test:long` runs all. */
  readonly omit?: RegExp;
}

const stores: Readonly<Record<string, RacedStore>> = {
  memory: { openStore: () => memoryStore(), adapters: ["fetch", "hono"] },
  sqlite: { openStore: () => sqliteStore({ path: ":memory:" }), adapters: ["fetch", "hono"] },
  ...Object.fromEntries(
    databases.map(({ name, skip, open }) => [
      `sqlite (a database of ${name})`,
      {
        openStore: () => sqliteStore({ database: open(":memory:").database }),
        skip,
        adapters: ["fetch"],
      },
    ]),
  ),
  "redis (node-redis)": {
    openStore: () => redisDoors["node-redis"]()(),
    skip: withoutRedis,
    adapters: ["fetch"],
  },
  "redis (ioredis)": {
    openStore: () => redisDoors.ioredis()(),
    skip: withoutRedis,
    adapters: ["fetch"],
    omit: /^S[45]/,
  },
  "redis (HTTP)": {
    openStore: () => redisDoors.HTTP()(),
    skip: withoutRedis,
    adapters: ["fetch"],
    omit: /^S[45]/,
  },
  "postgres (pg)": {
    openStore: async () => emptyPostgres("pool"),
    skip: withoutPostgres,
    adapters: ["fetch"],
  },
  "postgres (postgres.js)": {
    openStore: async () => emptyPostgres("sql"),
    skip: withoutPostgres,
    adapters: ["fetch"],
    omit: /^S[45]/,
  },
  "mysql (mysql2)": {
    openStore: async () => emptyMysql("mysql2"),
    skip: withoutMysql,
    adapters: ["fetch"],
    omit: /^S[45]/,
  },
  "mysql (mariadb)": {
    openStore: async () => emptyMysql("mariadb"),
    skip: withoutMysql,
    adapters: ["fetch"],
    omit: /^S[45]/,
  },
  "casStore on a map": { openStore: () => casStore(mapTable()), adapters: ["fetch"] },
  "casStore on SQLite": { openStore: () => casStore(sqliteTable(":memory:")), adapters: ["fetch"] },
  "casStore on MariaDB": {
    openStore: () => openMariadb(),
    skip: withoutMariadb,
    adapters: ["fetch"],
    omit: /^S[45]/,
  },
};

async function emptyPostgres(kind: "pool" | "sql"): Promise<Store> {
  const store = postgresStore({ client: clients()[kind], schema });
  await store.migrate();
  await ask(`DELETE FROM ${schema}.coatcheck_session`);
  return store;
}

for (const [store, { openStore, skip = false, adapters, omit }] of Object.entries(stores)) {
  for (const [adapter, start] of Object.entries(servers)) {
    if (adapters !== undefined && !adapters.includes(adapter)) continue;
    for (const race of races) {
      if (omit?.test(race.name) === true && !process.env["TEST_LONG"]) continue;
      test(`${race.name} (${store}, ${adapter})`, { skip }, async (t) => {
        t.diagnostic(`${await race.check({ openStore, start })} orders`);
      });
    }
  }
}
