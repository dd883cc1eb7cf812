// Sessions in the database that Drizzle uses, here PostgreSQL: `npm install drizzle-orm pg @types/pg`. `npx drizzle-kit generate` makes
// the migration of the table.

import { casStore } from "coatcheck/store";
import { and, eq, gt, inArray, lte } from "drizzle-orm";
import type { NodePgDatabase } from "drizzle-orm/node-postgres";
import { bigint, customType, index, pgTable, text } from "drizzle-orm/pg-core";

const bytea = customType<{ data: Uint8Array }>({ dataType: () => "bytea" });

export const session = pgTable(
  "session",
  {
    id: text().primaryKey(),
    revision: bigint({ mode: "number" }).notNull(),
    subject: text(),
    expiresAt: bigint("expires_at", { mode: "number" }).notNull(),
    bytes: bytea().notNull(),
  },
  (table) => [index().on(table.subject), index().on(table.expiresAt)],
);

/**
 * @param db on a pool of `pg` with a `statement_timeout` and a `connectionTimeoutMillis` below `storeTimeout`: Drizzle can't
 * limit one statement, and what is written after that was already reported as failed.
 */
export function drizzleStore<Schema extends Record<string, unknown>>(db: NodePgDatabase<Schema>) {
  return casStore({
    name: "drizzle",

    async insert(row) {
      const added = await db.insert(session).values(row).onConflictDoNothing().returning({ id: session.id });
      return added.length === 1;
    },

    async get(id) {
      const [row] = await db.select({ bytes: session.bytes }).from(session).where(eq(session.id, id));
      return row;
    },

    async replaceIf(row, expected) {
      const isCurrent = and(eq(session.id, row.id), eq(session.revision, expected));
      const replaced = await db.update(session).set(row).where(isCurrent).returning({ id: session.id });
      return replaced.length === 1;
    },

    async bySubject(subject, now) {
      const isTheirs = and(eq(session.subject, subject), gt(session.expiresAt, now));
      return db.select({ id: session.id, bytes: session.bytes }).from(session).where(isTheirs);
    },

    async sweep(now, limit) {
      const isExpired = lte(session.expiresAt, now);
      const expired = db.select({ id: session.id }).from(session).where(isExpired).limit(limit);
      // `isExpired` again keeps a session that was prolonged meanwhile: the list of ids is not made again.
      const swept = db.delete(session).where(and(inArray(session.id, expired), isExpired));
      return (await swept.returning({ id: session.id })).length;
    },
  });
}
