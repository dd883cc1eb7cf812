/** What the store binds to the parameters of a statement. */
export type SqliteValue = string | number | Uint8Array | null;

/** What the store uses of a prepared statement of a {@link SqliteDatabase}. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): { readonly changes: number | bigint };
  get(...values: SqliteValue[]): unknown;
  all(...values: SqliteValue[]): unknown[];
  setReturnArrays?(enabled: boolean): void;
}

/** An open database of `node:sqlite`, `better-sqlite3` or `bun:sqlite`: what the store uses of it. */
export interface SqliteDatabase {
  prepare(sql: string): SqliteStatement;
  exec(sql: string): unknown;
  /** Whether a transaction is open: in `node:sqlite`. */
  readonly isTransaction?: boolean;
  /** Whether a transaction is open: in `better-sqlite3` and `bun:sqlite`. */
  readonly inTransaction?: boolean;
}

/** A statement for a {@link LibsqlClient}. */
export interface LibsqlStatement {
  sql: string;
  args: SqliteValue[];
}

/** What the store uses of a result of a {@link LibsqlClient}. */
export interface LibsqlResult {
  readonly rows: readonly object[];
}

/** A client of `@libsql/client`: what the store uses of it. */
export interface LibsqlClient {
  executeMultiple(sql: string): Promise<void>;
  batch(statements: LibsqlStatement[], mode: "read" | "write"): Promise<LibsqlResult[]>;
}
