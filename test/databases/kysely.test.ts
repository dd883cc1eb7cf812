import { after } from "node:test";
import type { Store } from "coatcheck";
import { poolConfig, postgresTests, skip } from "./postgres.ts";
import { load, recipe } from "./recipes.ts";
import { schema } from "../stores/postgres-server.ts";

let open: () => Store;
if (skip === false) {
  const { Kysely, PostgresDialect } = await load("kysely");
  const { Migrator } = await load("kysely/migration");
  const { Pool } = await load("pg");
  const { createSessionTable, kyselyStore } = await recipe("kysely.ts");
  const db = new Kysely({ dialect: new PostgresDialect({ pool: new Pool(poolConfig) }) });
  after(async () => db.destroy());
  const provider = { getMigrations: async () => ({ "2026-01-01_session": createSessionTable }) };
  const { error } = await new Migrator({ db, provider, migrationTableSchema: schema }).migrateToLatest();
  if (error) throw error;
  open = () => kyselyStore(db);
}

postgresTests("Kysely", () => open());
