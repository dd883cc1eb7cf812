import { toMilliseconds } from "../runtime/duration.ts";
import type { Duration } from "../runtime/duration.ts";
import type { Store } from "../record/store.ts";
import { assertKnownOptions, assertOption } from "../runtime/check-options.ts";
import {
  assertFetchesNoTypes,
  isPgClient,
  isPgPool,
  isPostgresSql,
  rejectClient,
} from "./postgres/clients.ts";
import type { PgClient, PgConnection, PgPool, PostgresClient, PostgresSql } from "./postgres/clients.ts";
import { overClient, overPool, overSql } from "./postgres/connection.ts";
import type { Connection } from "./postgres/connection.ts";
import { schemaNames } from "./postgres/names.ts";
import { PgStore } from "./postgres/store.ts";

export type { PgClient, PgConnection, PgPool, PostgresClient, PostgresSql };

/** The options of {@link postgresStore}. */
export interface PostgresStoreOptions {
  /**
   * A `Pool` of `pg`, or what `postgres(url, { fetch_types: false })` of the package `postgres` returns. You end
   * it: `close` does not. A connected `Client` of `pg` also works, but not after its one connection is lost.
   */
  readonly client: PostgresClient;
  /** The schema of the table, created if missing. Default `"public"`. */
  readonly schema?: string;
  /** The table's name; the names of its indexes and functions begin with it. Default `"coatcheck_session"`. */
  readonly table?: string;
  /**
   * What an acknowledged write survives. `"normal"` (the default) uses the server's setting: everything that
   * its disk survives, unless `synchronous_commit` was turned off. `"full"` guarantees at least that, whatever
   * the server's setting.
   */
  readonly durability?: "normal" | "full";
  /**
   * How long a call may take, including waits for a connection and for locks. Should be a little less than
   * `storeTimeout`. A write that has not been executed by then never is. Default 1.8 seconds.
   */
  readonly timeout?: Duration;
}

/** What {@link postgresStore} returns. */
export interface PostgresStore extends Store {
  /**
   * Creates or updates the table and its functions. The store's first call does so itself; call this in a
   * deployment if the application's database user lacks the privileges.
   *
   * @throws StoreError if the database fails; ConfigError CONFIG_INVALID if it is unsuitable.
   */
  migrate(): Promise<void>;
}

/**
 * Keeps records in PostgreSQL (12 or newer), in one table, for any number of machines. Works through
 * PgBouncer in transaction mode.
 *
 * @throws ConfigError CONFIG_INVALID if an option is not valid.
 */
export function postgresStore(options: PostgresStoreOptions): PostgresStore {
  assertKnownOptions(options, ["client", "schema", "table", "durability", "timeout"], "postgresStore");
  const { client, schema = "public", table = "coatcheck_session", durability = "normal" } = options;
  assertOption(durability === "normal" || durability === "full", 'durability must be "normal" or "full".');
  const timeout = toMilliseconds(options.timeout ?? { milliseconds: 1800 }, "timeout");
  return new PgStore(connectionOf(client), schemaNames(schema, table), durability === "full", timeout);
}

function connectionOf(client: PostgresClient): Connection {
  if (isPgPool(client)) return overPool(client);
  if (isPgClient(client)) return overClient(client);
  if (isPostgresSql(client)) {
    assertFetchesNoTypes(client);
    return overSql(client);
  }
  return rejectClient(client);
}
