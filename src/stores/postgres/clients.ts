import { ConfigError } from "../../errors.ts";
import { assertOption } from "../../runtime/check-options.ts";

/** The part of a pg connection that the store uses. */
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

/** What `postgres()` of the package `postgres` returns. */
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

/** The clients that the store accepts. */
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
 * postgres.js first asks the server for its array types on each connection. If the connection breaks
 * meanwhile, it throws an error that nothing can catch (as of 3.4.9), which ends the process.
 *
 * @throws ConfigError CONFIG_INVALID if the client asks for types.
 */
export function assertFetchesNoTypes({ options }: PostgresSql): void {
  assertOption(
    options?.fetch_types === false,
    "client must be made with postgres(url, { fetch_types: false }): otherwise a connection that breaks while it opens ends the process.",
  );
}

/** Throws the error for a value that is none of the accepted clients. */
export function rejectClient(client: unknown): never {
  const examples = 'new pg.Pool({ connectionString }) from "pg", or postgres(url) from "postgres"';
  assertOption(
    typeof client !== "string" && !(client instanceof URL),
    `client must be a client, not an address: ${examples}.`,
  );
  assertOption(
    typeof client !== "function" || !hasMethods(client, "unsafe"),
    "client must be what postgres(url) returned, not one of its transactions or reserved connections.",
  );
  throw new ConfigError("CONFIG_INVALID", `client must be a client of PostgreSQL: ${examples}.`);
}

function hasMethods(value: unknown, ...names: readonly string[]): value is object {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  return names.every((name) => name in value && typeof Reflect.get(value, name) === "function");
}
