import { Pool } from "pg";
import { createClient } from "redis";
import { setting } from "./site.ts";

/** Where the benchmarks find Redis and PostgreSQL, unless told otherwise. */
export const defaultUrls = {
  redis: process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379",
  postgres: process.env["DATABASE_URL"] ?? "postgres://postgres@127.0.0.1:5432/test",
} as const;

/** What all keys and schemas of the benchmarks begin with. */
export const mark = "coatcheck_bench";

export function newRedis(url: string) {
  return createClient({ url });
}

/** A connected client of node-redis. */
export async function redisClient(): Promise<ReturnType<typeof newRedis>> {
  return newRedis(setting("BENCH_REDIS")).connect();
}

/** A connected client of node-redis that hears invalidations. */
export async function hearingRedisClient() {
  return createClient({ url: setting("BENCH_REDIS"), RESP: 3, emitInvalidate: true }).connect();
}

/** A pool of pg. @param options for the server, as psql takes them in PGOPTIONS. */
export function pgPool(options?: string): Pool {
  const own = options === undefined ? {} : { options };
  return new Pool({ connectionString: setting("BENCH_POSTGRES"), max: 10, ...own });
}

/** A prefix of Redis keys that is this contender's alone. */
export function redisPrefix(contender: string): string {
  return `${setting("BENCH_SCHEMA")}:${contender}:`;
}
