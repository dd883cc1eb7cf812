import { toMilliseconds } from "../runtime/duration.ts";
import type { Duration } from "../runtime/duration.ts";
import type { Store } from "../record/store.ts";
import { ConfigError } from "../errors.ts";
import { assertAsksNoTypes, isPgClient, isPgPool, isPostgresSql, noClient } from "./postgres/clients.ts";
import type { PgClient, PgPool, PostgresClient, PostgresSql } from "./postgres/clients.ts";
import { overClient, overPool, overSql } from "./postgres/connection.ts";
import type { Connection } from "./postgres/connection.ts";
import { schemaNames } from "./postgres/names.ts";
import { PgStore } from "./postgres/store.ts";

export type { PgClient, PgPool, PostgresClient, PostgresSql };

/** The options of {@link postgresStore}. */
export interface PostgresStoreOptions {
  /**
   * A `Pool` of `pg`, or what `postgres(url, { fetch_types: false })` of the package `postgres` makes. It
   * stays yours: `close` does not end it. A connected `Client` of `pg` works too, but when its one connection is lost, it is.
   */
  readonly client: PostgresClient;
  /** The schema of the table, made when missing. Default `"public"`. */
  readonly schema?: string;
  /** The table's name; the names of its indexes and functions begin with it. Default `"coatcheck_session"`. */
  readonly table?: string;
  /**
   * What an acknowledged write survives. `"normal"` (the default): what the server is set to, which is
   * everything that its disk survives unless somebody turned `synchronous_commit` off. `"full"`: that at
   * least, whatever the server is set to.
   */
  readonly durability?: "normal" | "full";
  /**
   * How long a call may take, waiting for a connection and for locks included; a little less than the
   * core's `storeTimeout`. What was not carried out by then never is. Default 1.8 seconds.
   */
  readonly timeout?: Duration;
}

/** What {@link postgresStore} makes. */
export interface PostgresStore extends Store {
  /**
   * Makes or updates the table and its functions. The first call of the store does so by itself; a
   * deployment calls this where the application's own user may not.
   *
   * @throws StoreError when the database could not; ConfigError CONFIG_INVALID when it is unsuitable.
   */
  migrate(): Promise<void>;
}

/**
 * Keeps records in PostgreSQL (12 or newer), in one table, for any number of machines. Works through
 * PgBouncer in transaction mode.
 *
 * @throws ConfigError CONFIG_INVALID for wrong options.
 */
export function postgresStore(options: PostgresStoreOptions): PostgresStore {
  const { client, schema = "public", table = "coatcheck_session", durability = "normal" } = options;
  if (durability !== "normal" && durability !== "full") {
    throw new ConfigError("CONFIG_INVALID", 'durability must be "normal" or "full".');
  }
  const timeout = toMilliseconds(options.timeout ?? { milliseconds: 1800 }, "timeout");
  return new PgStore(connectionOf(client), schemaNames(schema, table), durability === "full", timeout);
}

function connectionOf(client: PostgresClient): Connection {
  if (isPgPool(client)) return overPool(client);
  if (isPgClient(client)) return overClient(client);
  if (isPostgresSql(client)) {
    assertAsksNoTypes(client);
    return overSql(client);
  }
  throw noClient(client);
}
