// Sessions in the database that Prisma uses, here PostgreSQL: `npm install @prisma/client @prisma/adapter-pg`, and the model
// `Session` of schema.prisma beside your own.

import { casStore } from "coatcheck/store";
import type { CasRow } from "coatcheck/store";
import type { PrismaClient } from "./generated/client.ts";

/**
 * @param prisma on an adapter with a `statement_timeout` and a `connectionTimeoutMillis` below `storeTimeout`: Prisma can't
 * limit one statement, and what is written after that was already reported as failed.
 */
export function prismaStore(prisma: PrismaClient) {
  return casStore({
    name: "prisma",

    async insert(row) {
      // `create` would throw if the id exists.
      const { count } = await prisma.session.createMany({ data: columns(row), skipDuplicates: true });
      return count === 1;
    },

    get: async (id) => prisma.session.findUnique({ where: { id }, select: { bytes: true } }),

    async replaceIf(row, expected) {
      // `updateMany` is one statement, and says whether there was such a row. `upsert` would bring back a session that has ended.
      const { id } = row;
      const { count } = await prisma.session.updateMany({
        where: { id, revision: expected },
        data: columns(row),
      });
      return count === 1;
    },

    bySubject: async (subject, now) =>
      prisma.session.findMany({
        where: { subject, expiresAt: { gt: now } },
        select: { id: true, bytes: true },
      }),

    async sweep(now, limit) {
      const isExpired = { expiresAt: { lte: now } };
      const expired = await prisma.session.findMany({ where: isExpired, take: limit, select: { id: true } });
      const ids = expired.map(({ id }) => id);
      // `isExpired` again keeps a session that was prolonged meanwhile.
      const { count } = await prisma.session.deleteMany({ where: { id: { in: ids }, ...isExpired } });
      return count;
    },
  });
}

/** Prisma's types accept no `Uint8Array` that might be of shared memory. */
function columns(row: CasRow) {
  return { ...row, bytes: Uint8Array.from(row.bytes) };
}
