import { ConfigError } from "../../errors.ts";

/** The part of pg's connections that the store uses. */
export interface PgConnection {
  query(config: {
    text: string;
    values?: (string | number | null)[];
    rowMode: "array";
    query_timeout: number;
  }): Promise<{ rows: unknown[] }>;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** A `Pool` of the package `pg`. */
export interface PgPool {
  connect(): Promise<PgConnection & { release(destroy?: boolean): void }>;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "connect", listener: (client: PgConnection) => void): unknown;
  readonly totalCount: number;
  readonly waitingCount: number;
}

/** A connected `Client` of the package `pg`. */
export interface PgClient extends PgConnection {
  connect(): Promise<unknown>;
}

/** What the package `postgres` makes. */
export interface PostgresSql {
  unsafe(
    text: string,
    values: (string | number | null)[],
    options: { prepare: boolean },
  ): {
    values(): PromiseLike<unknown> & { readonly state?: unknown };
  };
  end(): Promise<unknown>;
  readonly options: { readonly max: number; readonly fetch_types?: boolean | undefined };
}

/** The clients that the store works with. */
export type PostgresClient = PgPool | PgClient | PostgresSql;

export function isPgPool(client: PostgresClient): client is PgPool {
  return hasMethods(client, "connect", "query", "on") && "totalCount" in client;
}

export function isPgClient(client: PostgresClient): client is PgClient {
  return hasMethods(client, "connect", "query", "on") && !("totalCount" in client);
}

export function isPostgresSql(client: PostgresClient): client is PostgresSql {
  return typeof client === "function" && hasMethods(client, "unsafe", "end");
}

/**
 * Nobody catches what postgres.js (as of 3.4.9) throws where a connection breaks while it asks for the
 * server's array types, as it does first on each: that ends the process.
 *
 * @throws ConfigError CONFIG_INVALID for a client that asks.
 *
 * @internal
 */
export function assertAsksNoTypes({ options }: PostgresSql): void {
  if (options?.fetch_types === false) return;
  throw new ConfigError(
    "CONFIG_INVALID",
    "Say postgres(url, { fetch_types: false }) for the client of sessions: otherwise a connection that breaks at its beginning ends the process.",
  );
}

/** The error for everything else, with the way out. */
export function noClient(client: unknown): ConfigError {
  const ways = 'new pg.Pool({ connectionString }) of "pg", or postgres(url) of "postgres"';
  if (typeof client === "string" || client instanceof URL) {
    return new ConfigError("CONFIG_INVALID", `client is an address; make a client of it: ${ways}.`);
  }
  if (typeof client === "function" && hasMethods(client, "unsafe")) {
    return new ConfigError(
      "CONFIG_INVALID",
      "client belongs to one transaction or one reserved connection; pass what postgres(url) made.",
    );
  }
  return new ConfigError("CONFIG_INVALID", `postgresStore needs a client: ${ways}.`);
}

function hasMethods(value: unknown, ...names: readonly string[]): value is object {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  return names.every((name) => name in value && typeof Reflect.get(value, name) === "function");
}
