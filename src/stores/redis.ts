import { toMilliseconds } from "../runtime/duration.ts";
import type { Duration } from "../runtime/duration.ts";
import type { Store } from "../record/store.ts";
import { assertKnownOptions, assertOption } from "../runtime/check-options.ts";
import { connectionOf } from "./redis/connection.ts";
import type { IoRedisClient, NodeRedisClient } from "./redis/connection.ts";
import { NearCache } from "./redis/near-cache.ts";
import type { InvalidationClient, NearCacheOptions } from "./redis/near-cache.ts";
import type { Replication } from "./redis/script-calls.ts";
import type { RedisWarning } from "./redis/startup-check.ts";
import { checkedPrefix, RedisStore } from "./redis/store.ts";

export type { InvalidationClient, IoRedisClient, NearCacheOptions, NodeRedisClient, RedisWarning };

/** The `durable` option. A write that too few replicas have in time fails with STORE_NOT_REPLICATED. */
export interface RedisDurability {
  /** How many replicas must have a write: 1 or more. */
  readonly replicas: number;
  /** How long a write waits for them. Meanwhile its connection does nothing else. */
  readonly timeout: Duration;
  /** A separate client to the same servers, used only for these writes, so that other calls need not wait with them. */
  readonly connection: NodeRedisClient | IoRedisClient;
}

/** The options of {@link redisStore}. */
export interface RedisStoreOptions {
  /** A connected client of node-redis 5 or ioredis 5, or newer; also a cluster or a Sentinel client. You close it. */
  readonly client: NodeRedisClient | IoRedisClient;
  /** The prefix of all keys: 1 to 64 letters, digits and `. _ : / -`. Default `"coatcheck:"`. */
  readonly prefix?: string;
  /**
   * How long after its call a write may still take effect, by Redis' own clock: Redis refuses one that
   * waited in a queue for longer. If the request itself waits less, that applies. Default 2 seconds.
   */
  readonly timeout?: Duration;
  /** Acknowledges logins, logouts and new tickets only once replicas have them. Default: once the primary has them. */
  readonly durable?: RedisDurability;
  /** Caches records in this process until the server reports a change. Default: off. */
  readonly nearCache?: NearCacheOptions;
  /**
   * Called at the first use, once for each way in which the server may lose sessions. Default: emits a process warning.
   * `false`: the server is not asked, for a store that lives only for one request.
   */
  readonly onWarning?: ((warning: RedisWarning) => void) | false;
}

/**
 * Keeps records in Redis or Valkey: for sites on several machines. Every write is one atomic script, and
 * every key has an expiry.
 *
 * @throws ConfigError CONFIG_INVALID if an option is not valid, or if the client may repeat writes or read from replicas.
 */
export function redisStore(options: RedisStoreOptions): Store {
  assertKnownOptions(
    options,
    ["client", "prefix", "timeout", "durable", "nearCache", "onWarning"],
    "redisStore",
  );
  const { timeout = { seconds: 2 }, durable, nearCache } = options;
  const prefix = checkedPrefix(options.prefix);
  const milliseconds = toMilliseconds(timeout, "timeout");
  const replication = durable && replicationOf(durable, options.client);
  const connection = connectionOf(options.client);
  assertOption(
    nearCache === undefined || !connection.isCluster,
    "nearCache works with one server or with Sentinels, not with a cluster: it would have to listen to every server.",
  );
  const near = nearCache && new NearCache(nearCache, (id) => `${prefix}session:${id}`);
  const { onWarning = warnProcess } = options;
  return new RedisStore({ connection, prefix, timeout: milliseconds, replication, near, onWarning });
}

function replicationOf(durable: RedisDurability, client: RedisStoreOptions["client"]): Replication {
  assertKnownOptions(durable, ["replicas", "timeout", "connection"], "durable");
  const { replicas, timeout, connection } = durable;
  assertOption(
    Number.isSafeInteger(replicas) && replicas > 0,
    "durable.replicas must be a whole number above zero.",
  );
  assertOption(
    Boolean(connection) && connection !== client,
    "durable.connection must be a separate client, such as client.duplicate(): while a write waits for " +
      "replicas, its connection can do nothing else.",
  );
  return {
    replicas,
    timeout: toMilliseconds(timeout, "durable.timeout"),
    connection: connectionOf(connection),
  };
}

function warnProcess({ code, message }: RedisWarning): void {
  process.emitWarning(message, { type: "CoatcheckWarning", code });
}
