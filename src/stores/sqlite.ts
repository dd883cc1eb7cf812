import type { Store } from "../record/store.ts";
import { assertKnownOptions, assertOption } from "../runtime/check-options.ts";
import { toMilliseconds } from "../runtime/duration.ts";
import type { Duration } from "../runtime/duration.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type {
  LibsqlClient,
  LibsqlResult,
  LibsqlStatement,
  SqliteDatabase,
  SqliteStatement,
  SqliteValue,
} from "./sqlite/clients.ts";
import { sqliteMigrations } from "./sqlite/migrations.ts";
import { holdDatabase } from "./sqlite/shared.ts";
import { SessionTable } from "./sqlite/store.ts";

export { sqliteMigrations };
export type { LibsqlClient, LibsqlResult, LibsqlStatement, SqliteDatabase, SqliteStatement, SqliteValue };

/** The options of {@link sqliteStore} for a file that the store opens. */
export interface SqliteFileOptions {
  /** The database file. It and missing parent folders are created, readable only by their owner. */
  readonly path: string;
  /**
   * What an acknowledged write survives. `"normal"` (the default): a crash of the process, but a power failure
   * may undo the last writes, including logouts. `"full"`: a power failure as well, at the cost of one fsync
   * per write.
   */
  readonly durability?: "normal" | "full";
  /** How long a write waits for other processes' writes, without blocking this process. Default 1.5 seconds. */
  readonly busyTimeout?: Duration;
}

/** The options of {@link sqliteStore} for a database of yours. */
export interface SqliteDatabaseOptions {
  /**
   * An open database of `node:sqlite`, `better-sqlite3` or `bun:sqlite`, or a client of `@libsql/client`. It keeps the settings that you
   * gave it, and you close it: `close` does not.
   */
  readonly database: SqliteDatabase | LibsqlClient;
  /** Whether the first use creates missing tables. If `false`, it throws instead; see {@link sqliteMigrations}. Default `true`. */
  readonly autoMigrate?: boolean;
  /**
   * How long a call waits for other writes and for a transaction of yours on the same connection, without blocking this process. A
   * `busy_timeout` of your database blocks it, and counts. Default 1.5 seconds.
   */
  readonly busyTimeout?: Duration;
}

/** The options of {@link sqliteStore}. */
export type SqliteStoreOptions = SqliteFileOptions | SqliteDatabaseOptions;

/** What {@link sqliteStore} returns. */
export interface SqliteStore extends Store {
  /**
   * Creates or updates the tables. The store's first call does so itself, unless `autoMigrate` is `false`.
   *
   * @throws StoreError if the database fails; ConfigError CONFIG_INVALID if it has a table of the same name that is not ours.
   */
  migrate(): Promise<void>;
}

/**
 * Keeps records in SQLite: in a file, through the SQLite built into Node, Bun and Deno, for one machine with one or more processes; or in
 * a database of yours. It creates its tables beside any others.
 *
 * The first use or `sessions.check()` opens the file, and throws StoreError if that fails, or ConfigError
 * CONFIG_INVALID if the runtime has no SQLite. Stores in one process on the same file share one open database.
 *
 * @throws ConfigError CONFIG_INVALID if an option is not valid.
 */
export function sqliteStore(options: SqliteStoreOptions): SqliteStore {
  const timeout = toMilliseconds(options.busyTimeout ?? { milliseconds: 1500 }, "busyTimeout");
  if ("database" in options) {
    assertKnownOptions(options, ["database", "autoMigrate", "busyTimeout"], "sqliteStore");
    const { database, autoMigrate = true } = options;
    const given: unknown = database;
    // Those of sqlite3 and sql.js do not say whether a transaction is open.
    assertOption(
      typeof given === "object" &&
        given !== null &&
        ["executeMultiple", "isTransaction", "inTransaction"].some((name) => name in given),
      "database must be one of node:sqlite, better-sqlite3 or bun:sqlite, or a client of @libsql/client. For a file name, use { path }.",
    );
    return loadedLater(async () =>
      "executeMultiple" in database
        ? (await import("./sqlite/libsql.ts")).libsqlStore(database, autoMigrate, timeout)
        : (await import("./sqlite/own-database.ts")).storeIn(database, autoMigrate, timeout),
    );
  }
  assertKnownOptions(options, ["path", "durability", "busyTimeout"], "sqliteStore");
  const { path, durability = "normal" } = options;
  assertOption(
    typeof path === "string" && path !== "",
    'path must be the path of a file, such as { path: "data/sessions.db" }.',
  );
  assertOption(durability === "normal" || durability === "full", 'durability must be "normal" or "full".');
  return new SessionTable(() => holdDatabase(path, durability), timeout);
}

/** A store whose code is loaded at the first use. */
function loadedLater(load: () => Promise<SqliteStore>): SqliteStore {
  let store: SqliteStore | undefined;
  let loading: Promise<SqliteStore> | undefined;
  const use = <T>(call: (it: SqliteStore) => MaybePromise<T>): MaybePromise<T> =>
    store === undefined ? (loading ??= load()).then((it) => call((store = it))) : call(store);
  return {
    name: "sqlite",
    inProcess: false,
    create: (...args) => use((it) => it.create(...args)),
    read: (...args) => use((it) => it.read(...args)),
    patch: (...args) => use((it) => it.patch(...args)),
    list: (...args) => use((it) => it.list(...args)),
    sweep: (...args) => use((it) => it.sweep(...args)),
    close: () => use((it) => it.close()),
    migrate: async () => use((it) => it.migrate()),
  };
}
