import { assertKnownOptions, assertOption } from "../runtime/check-options.ts";
import type { OldStore } from "./old-store.ts";

/** The method of a client or pool of `pg` that is used here. */
export interface OldPgClient {
  query(text: string, values: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

/** The options of {@link connectPgSimple}. */
export interface ConnectPgSimpleOptions {
  /** The `pool` of connect-pg-simple, or another one. */
  readonly client: OldPgClient;
  /** Its `tableName`. Default `"session"`. */
  readonly table?: string;
  /** Its `schemaName`. Default: the first in the connection's search path that has the table. */
  readonly schema?: string;
}

/**
 * Reads the records that connect-pg-simple wrote (tested with 10.0).
 *
 * @throws ConfigError CONFIG_INVALID
 */
export function connectPgSimple(options: ConnectPgSimpleOptions): OldStore {
  assertKnownOptions(options, ["client", "table", "schema"], "connectPgSimple");
  const { client, table = "session", schema } = options;
  assertOption(typeof client?.query === "function", "connectPgSimple: client is missing.");
  const name = [...(schema === undefined ? [] : [schema]), table].map(quoted).join(".");
  return {
    // Its column has no time zone, so the time is converted as connect-pg-simple itself does.
    async read(id) {
      const text = `SELECT sess FROM ${name} WHERE sid = $1 AND expire >= to_timestamp($2)`;
      const { rows } = await client.query(text, [id, Date.now() / 1000]);
      const [row] = rows;
      return typeof row === "object" && row !== null ? Reflect.get(row, "sess") : undefined;
    },
    remove: async (id) => client.query(`DELETE FROM ${name} WHERE sid = $1`, [id]),
  };
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
