import { ConfigError } from "../../errors.ts";
import { assertOption } from "../../runtime/check-options.ts";
import { overConnection, overPool } from "./connection.ts";
import type { Connection, MysqlQuery, MysqlQueryable, ConnectionPool } from "./connection.ts";

/** A connection of `mysql2/promise`. */
export interface MysqlConnection extends MysqlQueryable {
  execute(query: MysqlQuery): Promise<unknown>;
  readonly threadId: number;
}

/** A pool of `mysql2/promise`. */
export interface MysqlPool {
  getConnection(): Promise<MysqlQueryable & { release(): unknown }>;
  execute(query: MysqlQuery): Promise<unknown>;
  readonly pool: object;
}

/** A pool or connection of `mysql2`, whose methods take callbacks. */
export interface MysqlCallbackClient {
  promise(): MysqlPool | MysqlConnection;
}

/** A connection of `mariadb`. */
export interface MariadbConnection extends MysqlQueryable {
  batch(query: MysqlQuery): Promise<unknown>;
  isValid(): boolean;
}

/** A pool of `mariadb`. */
export interface MariadbPool {
  getConnection(): Promise<MysqlQueryable & { release(): unknown }>;
  batch(query: MysqlQuery): Promise<unknown>;
  taskQueueSize(): number;
}

/** The clients that the store accepts. */
export type MysqlClient = MysqlPool | MysqlConnection | MysqlCallbackClient | MariadbPool | MariadbConnection;

/** @throws ConfigError CONFIG_INVALID if the client is none of those that the store accepts. */
export function connectionOf(client: MysqlClient): Connection {
  const given: unknown = hasMethods(client, "promise") ? client.promise() : client;
  if (hasMethods(given, "getConnection", "execute") && "pool" in given) {
    return overPool(given, given.pool, "mysql2");
  }
  if (hasMethods(given, "query", "execute") && "connection" in given) {
    return overConnection(given, given.connection, "mysql2");
  }
  if (hasMethods(given, "query", "batch")) {
    // The flavor with callbacks has the same methods, with one more parameter.
    const query: unknown = Reflect.get(given, "query");
    assertOption(
      typeof query === "function" && query.length <= 2,
      'client must be made with createPool from "mariadb", and not from "mariadb/callback".',
    );
    if (hasMethods(given, "getConnection", "taskQueueSize")) return overPool(given, given, "mariadb");
    if (hasMethods(given, "isValid")) return overConnection(given, given, "mariadb");
  }
  return rejectClient(client);
}

/** Throws the error for a value that is none of the accepted clients. */
function rejectClient(client: unknown): never {
  const examples = 'createPool(url) from "mysql2/promise", or createPool(options) from "mariadb"';
  assertOption(
    typeof client !== "string" && !(client instanceof URL),
    `client must be a client, not an address: ${examples}.`,
  );
  assertOption(
    !(client instanceof Promise),
    `client must be what the promise of createConnection resolves to. Better, use a pool: ${examples}.`,
  );
  assertOption(
    !hasMethods(client, "getConnection", "of", "add") && !hasMethods(client, "getConnection", "where"),
    `client must be a pool, not a PoolCluster, which may read from a replica: ${examples}.`,
  );
  throw new ConfigError("CONFIG_INVALID", `client must be a client of MySQL or MariaDB: ${examples}.`);
}

function hasMethods<Name extends string>(
  value: unknown,
  ...names: readonly Name[]
): value is { readonly [Method in Name]: (...args: never[]) => unknown } & MysqlQueryable & ConnectionPool {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  return names.every((name) => name in value && typeof Reflect.get(value, name) === "function");
}
