import type { MaybePromise } from "../runtime/maybe-promise.ts";
import { toMilliseconds } from "../runtime/duration.ts";
import type { Duration } from "../runtime/duration.ts";
import { expiresAt } from "../record/record.ts";
import type { SessionRecord } from "../record/record.ts";
import type { Patch, PatchOutcome } from "../record/patch.ts";
import type { Store } from "../record/store.ts";
import { ConfigError, StoreError, unreadableRecord } from "../errors.ts";
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

/** What `durable` asks for; a write that too few replicas have in time fails with STORE_NOT_REPLICATED. */
export interface RedisDurability {
  readonly replicas: number;
  /** How long a write waits for them. While it does, its connection does nothing else. */
  readonly timeout: Duration;
  /** A client for these writes alone, to the same servers: the store's own client must not wait with them. */
  readonly connection: NodeRedisClient | IoRedisClient;
}

/** The options of {@link redisStore}. */
export interface RedisStoreOptions {
  /** A connected client of node-redis 5 or ioredis 5, or newer; also a cluster, or one that asks Sentinels. You close it. */
  readonly client: NodeRedisClient | IoRedisClient;
  /** What all keys begin with: letters, digits and `. _ : / -`. Default `"coatcheck:"`. */
  readonly prefix?: string;
  /**
   * Until when after its call a write may be carried out, by Redis' own clock: one that has lain in a
   * queue longer is refused there. Default 2 seconds. Where the request waits less, that counts.
   */
  readonly timeout?: Duration;
  /** Acknowledges logins, logouts and new tickets only when replicas have them. Default: when the primary has them. */
  readonly durable?: RedisDurability;
  /** Keeps records that were read in this process, for as long as the server says nothing else. Default: off. */
  readonly nearCache?: NearCacheOptions;
  /** Told at the first use how the server may lose sessions. Default: a process warning for each. */
  readonly onWarning?: (warning: RedisWarning) => void;
}

/**
 * Keeps records in Redis or Valkey: for sites of several machines. Every write is one script, carried
 * out as a whole or not at all, and no key is ever without an end.
 *
 * @throws ConfigError CONFIG_INVALID for wrong options, and for a client that can't be trusted with writes.
 */
export function redisStore(options: RedisStoreOptions): Store {
  const { prefix = "coatcheck:", timeout = { seconds: 2 }, durable, nearCache } = options;
  if (typeof prefix !== "string" || !/^[\w.:/-]{1,64}$/.test(prefix)) {
    throw new ConfigError(
      "CONFIG_INVALID",
      "prefix must be 1 to 64 letters, digits and . _ : / -, such as shop:session:",
    );
  }
  const milliseconds = toMilliseconds(timeout, "timeout");
  const replication = durable && replicationOf(durable, options.client);
  const connection = connectionOf(options.client);
  if (nearCache !== undefined && connection.isCluster) {
    throw new ConfigError(
      "CONFIG_INVALID",
      "nearCache works with one server, or one behind Sentinels: in a cluster, every node would have to be listened to.",
    );
  }
  const near = nearCache && new NearCache(nearCache, (id) => `${prefix}session:${id}`);
  const { onWarning = warnProcess } = options;
  return new RedisStore({ connection, prefix, timeout: milliseconds, replication, near, onWarning });
}

function replicationOf(durable: RedisDurability, client: RedisStoreOptions["client"]): Replication {
  const { replicas, timeout, connection } = durable;
  if (!Number.isSafeInteger(replicas) || replicas < 1) {
    throw new ConfigError("CONFIG_INVALID", "durable.replicas must be a whole number above zero.");
  }
  if (!connection || connection === client) {
    throw new ConfigError(
      "CONFIG_INVALID",
      "durable.connection must be a client of its own, such as client.duplicate(): while a write waits for " +
        "replicas, nothing else goes through its connection.",
    );
  }
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

/** How often a patch is tried while others change whose session it is. */
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
    const here = authoritative ? undefined : near?.recall(id);
    if (here !== undefined) return expiresAt(here) <= now ? null : here;
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

  /** Redis deletes by itself what has expired. */
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
      "The redis store could not patch: others keep changing whose session it is.",
      { transient: true },
    );
  }

  /** `undefined` where the id has to be in the index first. */
  async #outcome(id: string, status: string, rest: readonly unknown[]): Promise<PatchOutcome | undefined> {
    if (status === "index") return undefined;
    if (status === "gone") return { kind: "gone" };
    if (status === "applied") {
      const removed = Array.isArray(rest[1]) ? rest[1].map((name) => fieldOf(String(name))) : [];
      return { kind: "applied", revision: Number(rest[0]), removed };
    }
    if (status === "full") return { kind: "full", limit: String(rest[0]) === "bytes" ? "bytes" : "fields" };
    if (status !== "conflict") throw unreadableRecord("patch");
    // With a WAIT behind it, the reply may come as text, which bytes do not survive.
    const record = fromHash(id, rest[0]) ?? (await this.#find(id));
    if (record === undefined) throw unreadableRecord("patch");
    return record === null ? { kind: "gone" } : { kind: "conflict", record };
  }

  /** The record, expired or not; `undefined` for one that can't be read. */
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
