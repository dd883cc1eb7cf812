import { createSessions } from "coatcheck";
import type { Sessions, Store } from "coatcheck";
import { hearingRedisClient, pgPool, redisClient, redisPrefix } from "../clients.ts";
import { secret, setting, user } from "../site.ts";
import type { Actions } from "../site.ts";

/** The stores of our sites. */
export const storeKinds = ["memory", "sqlite", "redis", "redis-near", "postgres"] as const;
export type StoreKind = (typeof storeKinds)[number];

export interface Data {
  user: string;
  count: number;
}

// Loaded on demand: an unused store costs an app nothing, and a missing one does not affect the others.
const open: Readonly<Record<StoreKind, (name: string) => Promise<Store>>> = {
  memory: async () => (await import("coatcheck/memory")).memoryStore({ maxRecords: 1_000_000 }),
  sqlite: async () => (await import("coatcheck/sqlite")).sqliteStore({ path: setting("BENCH_SQLITE") }),
  async redis(name) {
    const { redisStore } = await import("coatcheck/redis");
    return redisStore({ client: await redisClient(), prefix: redisPrefix(name), onWarning: () => {} });
  },
  async "redis-near"(name) {
    const { redisStore } = await import("coatcheck/redis");
    const [client, connection] = [await redisClient(), await hearingRedisClient()];
    return redisStore({ client, prefix: redisPrefix(name), nearCache: { connection }, onWarning: () => {} });
  },
  async postgres(name) {
    const { postgresStore } = await import("coatcheck/postgres");
    const table = `t_${name.replaceAll(/\W/g, "_")}`;
    return postgresStore({ client: pgPool(), schema: setting("BENCH_SCHEMA"), table });
  },
};

/** @param name distinguishes the contenders that share a server. */
export async function openSessions(kind: StoreKind, name: string): Promise<Sessions<Data>> {
  return createSessions<Data>({ secret, store: await open[kind](name) });
}

export function actionsOf(sessions: Sessions<Data>): Actions<[object]> {
  let logins = 0;
  return {
    read: async (handle) => (await sessions.of(handle)).get("user") ?? "",
    async write(handle) {
      const session = await sessions.of(handle);
      return (await session.update("count", (count = 0) => count + 1)) ?? 0;
    },
    async login(handle) {
      const session = await sessions.of(handle);
      await session.login(String(logins++));
      session.set("user", user);
    },
  };
}
