import { assertKnownOptions, assertOption } from "../runtime/check-options.ts";
import type { OldStore } from "./old-store.ts";

/** The methods of a Redis client that are used here. The clients of `redis` and `ioredis` have them. */
export interface OldRedisClient {
  get(key: string): Promise<unknown>;
  del(key: string): Promise<unknown>;
}

/** The options of {@link connectRedis}. */
export interface ConnectRedisOptions {
  /** The client of connect-redis, connected. */
  readonly client: OldRedisClient;
  /** The `prefix` of connect-redis. Default `"sess:"`. */
  readonly prefix?: string;
}

/**
 * Reads the records that connect-redis wrote (tested with 10.0), with its default serializer.
 *
 * @throws ConfigError CONFIG_INVALID
 */
export function connectRedis(options: ConnectRedisOptions): OldStore {
  assertKnownOptions(options, ["client", "prefix"], "connectRedis");
  const { client, prefix = "sess:" } = options;
  assertOption(typeof client?.get === "function", "connectRedis: client is missing.");
  return {
    read: async (id) => client.get(prefix + id),
    remove: async (id) => client.del(prefix + id),
  };
}
