import { Pool } from "pg";
import { createClient } from "redis";
import { setting } from "./site.ts";

/** The default URLs of Redis and PostgreSQL. */
export const defaultUrls = {
  redis: process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379",
  postgres: process.env["DATABASE_URL"] ?? "postgres://postgres@127.0.0.1:5432/test",
} as const;

/** The prefix of all keys and schemas of the benchmarks. */
export const mark = "coatcheck_bench";

export function newRedis(url: string) {
  return createClient({ url });
}

/** A connected client of node-redis. */
export async function redisClient(): Promise<ReturnType<typeof newRedis>> {
  return newRedis(setting("BENCH_REDIS")).connect();
}

/** A connected client of node-redis that receives invalidations. */
export async function hearingRedisClient() {
  return createClient({ url: setting("BENCH_REDIS"), RESP: 3, emitInvalidate: true }).connect();
}

/** A pool of pg. @param options for the server, in the form of PGOPTIONS. */
export function pgPool(options?: string): Pool {
  const own = options === undefined ? {} : { options };
  return new Pool({ connectionString: setting("BENCH_POSTGRES"), max: 10, ...own });
}

/** The prefix of a contender's Redis keys. */
export function redisPrefix(contender: string): string {
  return `${setting("BENCH_SCHEMA")}:${contender}:`;
}
