// Sessions in the database that Kysely uses, here PostgreSQL: `npm install kysely pg @types/pg`.

import { casStore } from "coatcheck/store";
import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** What Kysely knows about the table. Add it to the tables of your own. */
export interface Database {
  session: {
    id: string;
    revision: number;
    subject: string | null;
    expires_at: number;
    bytes: Uint8Array;
  };
}

/** For Kysely's `Migrator`. In MySQL, ids and subjects need a binary collation, and the bytes a `mediumblob`. */
export const createSessionTable: Migration = {
  async up(db) {
    await db.schema
      .createTable("session")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("revision", "bigint", (column) => column.notNull())
      .addColumn("subject", "text")
      .addColumn("expires_at", "bigint", (column) => column.notNull())
      .addColumn("bytes", "bytea", (column) => column.notNull())
      .execute();
    await db.schema.createIndex("session_subject").on("session").column("subject").execute();
    await db.schema.createIndex("session_expires_at").on("session").column("expires_at").execute();
  },
};

export function kyselyStore(db: Kysely<Database>) {
  return casStore({
    name: "kysely",

    async insert({ id, revision, subject, expiresAt, bytes }, timeout) {
      const row = { id, revision, subject, expires_at: expiresAt, bytes };
      const added = db
        .insertInto("session")
        .values(row)
        .onConflict((conflict) => conflict.doNothing());
      const { numInsertedOrUpdatedRows } = await added.executeTakeFirstOrThrow(within(timeout));
      return numInsertedOrUpdatedRows === 1n;
    },

    get: async (id) => db.selectFrom("session").select("bytes").where("id", "=", id).executeTakeFirst(),

    async replaceIf({ id, revision, subject, expiresAt, bytes }, expected, timeout) {
      const { numUpdatedRows } = await db
        .updateTable("session")
        .set({ revision, subject, expires_at: expiresAt, bytes })
        .where("id", "=", id)
        .where("revision", "=", expected)
        .executeTakeFirstOrThrow(within(timeout));
      return numUpdatedRows === 1n;
    },

    async bySubject(subject, now) {
      const rows = db.selectFrom("session").select(["id", "bytes"]);
      return rows.where("subject", "=", subject).where("expires_at", ">", now).execute();
    },

    async sweep(now, limit) {
      const expired = db.selectFrom("session").select("id").where("expires_at", "<=", now).limit(limit);
      // The second condition keeps a session that was prolonged meanwhile: the first is not looked at again.
      const swept = db.deleteFrom("session").where("id", "in", expired).where("expires_at", "<=", now);
      return Number((await swept.executeTakeFirstOrThrow()).numDeletedRows);
    },
  });
}

/** Has the database give up a write, for example one that waits for a lock, once the visitor has been told that it failed. */
function within(timeout: number) {
  return { signal: AbortSignal.timeout(timeout), inflightQueryAbortStrategy: "cancel query" } as const;
}
