import { casStore } from "../record/compare-and-set.ts";
import type { Store } from "../record/store.ts";
import { assertKnownOptions, assertOption } from "../runtime/check-options.ts";
import { toMilliseconds } from "../runtime/duration.ts";
import type { Duration } from "../runtime/duration.ts";
import { connectionOf } from "./mysql/clients.ts";
import type {
  MariadbConnection,
  MariadbPool,
  MysqlCallbackClient,
  MysqlClient,
  MysqlConnection,
  MysqlPool,
} from "./mysql/clients.ts";
import type { MysqlQuery, MysqlQueryable } from "./mysql/connection.ts";
import { SessionTable } from "./mysql/table.ts";

export type {
  MariadbConnection,
  MariadbPool,
  MysqlCallbackClient,
  MysqlClient,
  MysqlConnection,
  MysqlPool,
  MysqlQuery,
  MysqlQueryable,
};

/** The options of {@link mysqlStore}. */
export interface MysqlStoreOptions {
  /**
   * What `createPool` of `mysql2`, `mysql2/promise` or `mariadb` returns. It must name a database. You end it: `close` does
   * not. A connection from `createConnection` also works, but not after it is lost.
   */
  readonly client: MysqlClient;
  /** The table's name. Default `"coatcheck_session"`. */
  readonly table?: string;
  /**
   * How long a call may take, including waits for a connection and for locks. Should be a little less than
   * `storeTimeout`. A write that has not been executed by then never is. Default 1.8 seconds.
   */
  readonly timeout?: Duration;
}

/** What {@link mysqlStore} returns. */
export interface MysqlStore extends Store {
  /**
   * Creates or updates the table. The store's first call does so itself; call this in a deployment if the
   * application's database user lacks the privileges.
   *
   * @throws StoreError if the database fails; ConfigError CONFIG_INVALID if it is unsuitable.
   */
  migrate(): Promise<void>;
}

/** MySQL allows 64 characters. */
const maxTableLength = 64;

/**
 * Keeps records in MySQL 8.0 or MariaDB 10.6, or newer, in one table, for any number of machines. A change is written if the
 * record's revision is still the one that was read, and tried again otherwise.
 *
 * @throws ConfigError CONFIG_INVALID if an option is not valid.
 */
export function mysqlStore(options: MysqlStoreOptions): MysqlStore {
  assertKnownOptions(options, ["client", "table", "timeout"], "mysqlStore");
  const { client, table = "coatcheck_session" } = options;
  assertOption(
    typeof table === "string" && /^[a-z_]\w*$/i.test(table) && table.length <= maxTableLength,
    `table must be a name of letters, digits and _, of at most ${maxTableLength} characters, such as "sessions".`,
  );
  const timeout = toMilliseconds(options.timeout ?? { milliseconds: 1800 }, "timeout");
  const sessions = new SessionTable(connectionOf(client), table, timeout);
  const store = casStore({ name: "mysql", ...sessions.functions });
  return {
    name: store.name,
    inProcess: store.inProcess,
    create: (record, remaining = timeout) => store.create(record, Math.min(remaining, timeout)),
    read: (id, now) => store.read(id, now),
    patch: (id, patch, now, remaining = timeout) => store.patch(id, patch, now, Math.min(remaining, timeout)),
    list: (subject, now) => store.list(subject, now),
    sweep: (now, limit) => store.sweep(now, limit),
    close() {},
    migrate: async () => sessions.migrate(),
  };
}
