// Sessions in the database that Knex uses, MySQL, MariaDB or PostgreSQL: `npm install knex mysql2` or `npm install knex pg`.

import { casStore } from "coatcheck/store";
import type { Knex } from "knex";

/** The migration. Put it in a file of `knex migrate:make`. */
export async function up(knex: Knex): Promise<void> {
  const isPostgres = knex.client.config.client === "pg";
  await knex.schema.createTable("session", (table) => {
    // Ids and subjects are compared byte by byte. MySQL and MariaDB do not do that by default.
    if (!isPostgres) table.collate("utf8mb4_bin");
    table.string("id", 22).primary();
    table.bigInteger("revision").notNullable();
    table.string("subject", 255).index();
    table.bigInteger("expires_at").notNullable().index();
    table.specificType("bytes", isPostgres ? "bytea" : "mediumblob").notNullable();
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable("session");
}

export function knexStore(knex: Knex) {
  return casStore({
    name: "knex",

    async insert({ id, revision, subject, expiresAt, bytes }, timeout) {
      try {
        const row = { id, revision, subject, expires_at: expiresAt, bytes };
        await knex("session").insert(row).timeout(timeout, { cancel: true });
        return true;
      } catch (error) {
        // MySQL's and PostgreSQL's codes of a key that exists. `ignore` would not say whether it did.
        if (error instanceof Error && "code" in error && /^(?:ER_DUP_ENTRY|23505)$/.test(`${error.code}`))
          return false;
        throw error;
      }
    },

    get: async (id) => knex("session").where({ id }).first("bytes"),

    async replaceIf({ id, revision, subject, expiresAt, bytes }, expected, timeout) {
      const replaced = await knex("session")
        .where({ id, revision: expected })
        .update({ revision, subject, expires_at: expiresAt, bytes })
        .timeout(timeout, { cancel: true });
      return replaced === 1;
    },

    bySubject: async (subject, now) =>
      knex("session").where({ subject }).where("expires_at", ">", now).select("id", "bytes"),

    async sweep(now, limit) {
      // In two steps, because MySQL has no LIMIT in a subquery. The time again keeps a session that was prolonged meanwhile.
      const ids = await knex("session").where("expires_at", "<=", now).limit(limit).pluck("id");
      return knex("session").whereIn("id", ids).where("expires_at", "<=", now).delete();
    },
  });
}
