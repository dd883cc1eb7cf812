import type { MaybePromise } from "../runtime/maybe-promise.ts";
import { toMilliseconds } from "../runtime/duration.ts";
import type { Duration } from "../runtime/duration.ts";
import { expiresAt } from "../record/record.ts";
import type { SessionRecord } from "../record/record.ts";
import type { Patch, PatchOutcome } from "../record/patch.ts";
import type { Store } from "../record/store.ts";
import { StoreError, unreadableRecord } from "../errors.ts";
import { assertKnownOptions, assertOption } from "../runtime/check-options.ts";
import { RedisCalls } from "./redis/calls.ts";
import { connectionOf } from "./redis/connection.ts";
import type { IoRedisClient, NodeRedisClient, RedisConnection } from "./redis/connection.ts";
import { isForeign } from "./redis/errors.ts";
import { NearCache } from "./redis/near-cache.ts";
import type { InvalidationClient, NearCacheOptions } from "./redis/near-cache.ts";
import { fieldOf, fromHash, patchArguments, toHash } from "./redis/record-hash.ts";
import { ScriptCalls } from "./redis/script-calls.ts";
import type { Replication } from "./redis/script-calls.ts";
import { create, patch as patchScript } from "./redis/scripts.ts";
import type { RedisWarning } from "./redis/startup-check.ts";
import { SubjectIndex } from "./redis/subject-index.ts";

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
  /** Called at the first use, once for each way in which the server may lose sessions. Default: emits a process warning. */
  readonly onWarning?: (warning: RedisWarning) => void;
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
  const { prefix = "coatcheck:", timeout = { seconds: 2 }, durable, nearCache } = options;
  assertOption(
    typeof prefix === "string" && /^[\w.:/-]{1,64}$/.test(prefix),
    'prefix must be 1 to 64 letters, digits and . _ : / -, such as "shop:session:".',
  );
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

interface Parts {
  readonly connection: RedisConnection;
  readonly prefix: string;
  readonly timeout: number;
  readonly replication: Replication | undefined;
  readonly near: NearCache | undefined;
  readonly onWarning: (warning: RedisWarning) => void;
}

/** How often a patch is tried while other calls change the session's subject. */
const maxAttempts = 10;

class RedisStore implements Store {
  readonly name = "redis";
  readonly inProcess = false;
  readonly #parts: Parts;
  readonly #calls: RedisCalls;
  readonly #scripts: ScriptCalls;
  readonly #index: SubjectIndex;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { connection, prefix, onWarning } = parts;
    this.#calls = new RedisCalls(connection, onWarning);
    this.#scripts = new ScriptCalls(connection, parts.timeout);
    this.#index = new SubjectIndex(this.#scripts, (key) => connection.hash(key), prefix);
  }

  async create(record: SessionRecord, timeout?: number): Promise<boolean> {
    return this.#calls.run("create", async (start) => {
      const until = this.#scripts.until(start, timeout);
      const { id, subject, lastSeenAt, absoluteDeadline } = record;
      if (subject !== null) await this.#index.add(subject, id, absoluteDeadline - lastSeenAt, until);
      const life = Math.ceil(expiresAt(record) - lastSeenAt) - 1;
      const args = [String(life), ...toHash(record)];
      const [status] = await this.#scripts.run("create", create, this.#keyOf(id), args, until);
      return status === "created";
    });
  }

  read(id: string, now: number, authoritative = false): MaybePromise<SessionRecord | null> {
    const { near } = this.#parts;
    const cached = authoritative ? undefined : near?.recall(id);
    if (cached !== undefined) return expiresAt(cached) <= now ? null : cached;
    return this.#calls.run("read", async () => {
      const readDirectly = async (): Promise<SessionRecord | null> => {
        const record = await this.#find(id);
        if (record === undefined) throw unreadableRecord("read");
        return record;
      };
      const record = await (near === undefined || authoritative
        ? readDirectly()
        : near.read(id, readDirectly));
      return record === null || expiresAt(record) <= now ? null : record;
    });
  }

  async patch(id: string, patch: Patch, now: number, timeout?: number): Promise<PatchOutcome> {
    return this.#calls.run("patch", async (start) => {
      this.#parts.near?.forget(id);
      try {
        return await this.#patch(id, patch, now, this.#scripts.until(start, timeout));
      } finally {
        this.#parts.near?.forget(id);
      }
    });
  }

  async list(subject: string, now: number): Promise<SessionRecord[]> {
    return this.#calls.run("list", async () => {
      const records = await this.#index.list(subject, (id) => this.#find(id));
      return records.filter((record) => expiresAt(record) > now);
    });
  }

  /** Only cleans up indexes: Redis deletes expired keys itself. */
  async sweep(_now: number, limit: number): Promise<number> {
    return this.#calls.run("sweep", async () => {
      await this.#index.sweep(limit, (id) => this.#find(id));
      return 0;
    });
  }

  close(): void {
    this.#parts.near?.close();
    this.#parts.connection.release();
    this.#parts.replication?.connection.release();
  }

  async #patch(id: string, patch: Patch, now: number, until: number): Promise<PatchOutcome> {
    const { subject, absoluteDeadline, epoch, verifier } = patch.columns ?? {};
    const replication = epoch === undefined && verifier === undefined ? undefined : this.#parts.replication;
    let indexed: { readonly subject: string; readonly until: number } | undefined;
    if (typeof subject === "string" && absoluteDeadline !== undefined) {
      indexed = { subject, until: absoluteDeadline };
    }
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      if (indexed !== undefined) {
        await this.#index.add(indexed.subject, id, indexed.until - now, until, replication);
      }
      const args = patchArguments(patch, now, indexed);
      const key = this.#keyOf(id);
      const [status, ...rest] = await this.#scripts.run("patch", patchScript, key, args, until, replication);
      const outcome = await this.#outcome(id, status, rest);
      if (outcome !== undefined) return outcome;
      indexed = { subject: String(rest[0]), until: Number(rest[1]) };
    }
    throw new StoreError(
      "STORE_BUSY",
      "patch",
      "The redis store could not patch: other calls keep changing the session's subject.",
      { transient: true },
    );
  }

  /** Returns `undefined` if the id must be added to an index first. */
  async #outcome(id: string, status: string, rest: readonly unknown[]): Promise<PatchOutcome | undefined> {
    if (status === "index") return undefined;
    if (status === "gone") return { kind: "gone" };
    if (status === "applied") {
      const removed = Array.isArray(rest[1]) ? rest[1].map((name) => fieldOf(String(name))) : [];
      return { kind: "applied", revision: Number(rest[0]), removed };
    }
    if (status === "full") return { kind: "full", limit: String(rest[0]) === "bytes" ? "bytes" : "fields" };
    if (status !== "conflict") throw unreadableRecord("patch");
    // With a WAIT after the script, the reply may come as text, which damages bytes.
    const record = fromHash(id, rest[0]) ?? (await this.#find(id));
    if (record === undefined) throw unreadableRecord("patch");
    return record === null ? { kind: "gone" } : { kind: "conflict", record };
  }

  /** The record, expired or not; `undefined` if it can't be read. */
  async #find(id: string): Promise<SessionRecord | null | undefined> {
    try {
      return fromHash(id, await this.#parts.connection.hash(this.#keyOf(id)));
    } catch (error) {
      if (isForeign(error)) return undefined;
      throw error;
    }
  }

  #keyOf(id: string): string {
    return `${this.#parts.prefix}session:${id}`;
  }
}
