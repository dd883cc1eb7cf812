import { randomBytes } from "node:crypto";
import { after } from "node:test";
import type { Store } from "coatcheck";
import { ask, databaseUrl, withoutMysql } from "../stores/mysql-server.ts";
import { poolConfig, postgresTests, skip } from "./postgres.ts";
import { load, missing, recipe, recipeTests } from "./recipes.ts";

/** Has Knex make the table, and returns a way to open stores. */
async function opens(client: string, connection: object): Promise<() => Store> {
  const { default: knex } = await load("knex");
  const { down, knexStore, up } = await recipe("knex.ts");
  const db = knex({ client, connection, pool: { max: 5 } });
  after(async () => db.destroy());
  const migrationSource = {
    getMigrations: async () => ["session"],
    getMigrationName: (name: string) => name,
    getMigration: async () => ({ up, down }),
  };
  await db.migrate.latest({ migrationSource });
  return () => knexStore(db);
}

let openPostgres: () => Store;
if (skip === false) openPostgres = await opens("pg", poolConfig);

let openMysql: () => Store;
if (missing === false && withoutMysql === false) {
  const database = `coatcheck_test_${process.pid}_${randomBytes(4).toString("hex")}`;
  await ask(`CREATE DATABASE ${database}`);
  openMysql = await opens("mysql2", { uri: databaseUrl.replace(/[^/]*$/, database) });
  const { createPool } = await load("mysql2/promise");
  after(async () => {
    const pool = createPool(databaseUrl);
    await pool.query(`DROP DATABASE ${database}`);
    await pool.end();
  });
}

postgresTests("Knex on PostgreSQL", () => openPostgres());
recipeTests("Knex on MariaDB", missing || withoutMysql, () => openMysql());
