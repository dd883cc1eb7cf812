import { casStore } from "../record/compare-and-set.ts";
import type { Store } from "../record/store.ts";
import { assertOption } from "../runtime/check-options.ts";
import { d1Functions } from "./cloudflare/d1.ts";
import type { D1DatabaseLike, D1ResultLike, D1StatementLike } from "./cloudflare/d1.ts";
import { ShardedStore } from "./cloudflare/durable-objects.ts";
import type { DurableObjectNamespaceLike, DurableObjectStubLike } from "./cloudflare/durable-objects.ts";
import { SessionShard } from "./cloudflare/shard.ts";
import type { DurableObjectStateLike } from "./cloudflare/shard.ts";

export { SessionShard };
export type {
  D1DatabaseLike,
  D1ResultLike,
  D1StatementLike,
  DurableObjectNamespaceLike,
  DurableObjectStateLike,
  DurableObjectStubLike,
};

/** The options of {@link d1Store}. */
export interface D1StoreOptions {
  /**
   * The binding of the database: `env.DB`. It must be the database itself. What `env.DB.withSession()` returns may read from a
   * replica, on which a session that has ended is still open for a while.
   */
  readonly database: D1DatabaseLike;
  /** The table's name; the names of its indexes begin with it. Default `"coatcheck_session"`. */
  readonly table?: string;
}

/** What {@link d1Store} returns. */
export interface D1Store extends Store {
  /** Creates the table and its indexes if they are missing. The first call that misses them does so itself. @throws StoreError */
  migrate(): Promise<void>;
}

/**
 * Keeps records in a table of Cloudflare D1. All calls go to the primary database. Changes are written if the record's revision is still the one
 * that was read, and tried again otherwise.
 *
 * Does nothing until its first call, so it can be made at the top of a module.
 *
 * @throws ConfigError CONFIG_INVALID if an option is not valid.
 */
export function d1Store(options: D1StoreOptions): D1Store {
  const { database, table = "coatcheck_session" } = options;
  assertOption(
    isObject(database) && typeof database.prepare === "function" && typeof database.batch === "function",
    "database must be the binding of a D1 database, such as { database: env.DB }.",
  );
  assertOption(
    !("getBookmark" in database),
    "database must be the D1 database itself, env.DB, and not a session of it, which may read from a replica.",
  );
  assertOption(/^[A-Za-z_]\w{0,62}$/.test(table), "table must be letters, digits and underscores.");
  const { functions, migrate } = d1Functions(database, table);
  return Object.assign(casStore({ name: "d1", ...functions }), { migrate });
}

/** The options of {@link durableObjectStore}. */
export interface DurableObjectStoreOptions {
  /** The binding of the class {@link SessionShard}: `env.SESSIONS`. For one in the EU: `env.SESSIONS.jurisdiction("eu")`. */
  readonly namespace: DurableObjectNamespaceLike;
  /**
   * How many objects share the records; a whole number from 1 to 1,000. Default 8. One object handles about 1,000 calls a second. `list` and `sweep` ask all of
   * them. Another number logs everybody out, because records are then looked for in other objects.
   */
  readonly shards?: number;
  /**
   * Where objects are created that do not exist yet, such as `"weur"` for the west of Europe. Without it, each is created near the visitor
   * whose request needs it first. They never move.
   */
  readonly locationHint?: string;
}

/**
 * Keeps records in Cloudflare Durable Objects with SQLite storage. Each record is in one object, which applies patches one after the other.
 * Your Worker must export the class {@link SessionShard}.
 *
 * Does nothing until its first call, so it can be made at the top of a module.
 *
 * @throws ConfigError CONFIG_INVALID if an option is not valid.
 */
export function durableObjectStore(options: DurableObjectStoreOptions): Store {
  const { namespace, shards = 8, locationHint } = options;
  assertOption(
    isObject(namespace) && typeof namespace.idFromName === "function" && typeof namespace.get === "function",
    "namespace must be the binding of a Durable Object class, such as { namespace: env.SESSIONS }.",
  );
  assertOption(
    Number.isSafeInteger(shards) && shards >= 1 && shards <= 1000,
    "shards must be a whole number from 1 to 1,000.",
  );
  return new ShardedStore(namespace, shards, locationHint);
}

function isObject(value: unknown): value is object {
  // Bindings are functions in some runtimes.
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
