import { ConfigError } from "../../errors.ts";

/** The names of everything that the store has in a database, quoted for SQL. */
export interface SchemaNames {
  /** As given: `public` and `coatcheck_session`. */
  readonly schema: string;
  readonly table: string;
  /** `"public"."coatcheck_session"`. */
  readonly qualified: string;
  /** The function that does one of the store's calls. */
  readonly call: (operation: "create" | "read" | "patch" | "list" | "sweep") => string;
}

/** PostgreSQL cuts names off after 63 bytes; a table's leaves room for the names that begin with it. */
const longest = { schema: 63, table: 48 };

/** @throws ConfigError CONFIG_INVALID for names that are no plain words (requirement 49). */
export function schemaNames(schema: unknown, table: unknown): SchemaNames {
  const names = { schema: checked("schema", schema), table: checked("table", table) };
  return {
    ...names,
    qualified: `"${names.schema}"."${names.table}"`,
    // With the version of the schema that they are called as since, so that those of two releases can stand side by side.
    call: (operation) => `"${names.schema}"."${names.table}_${operation}_2"`,
  };
}

function checked(option: keyof typeof longest, name: unknown): string {
  if (typeof name === "string" && /^[a-z_]\w*$/i.test(name) && name.length <= longest[option]) return name;
  throw new ConfigError(
    "CONFIG_INVALID",
    `${option} must be a name of letters, digits and _, of at most ${longest[option]} characters, such as "sessions".`,
  );
}

/** The server's clock, in whole milliseconds since 1970 UTC: the same in every time zone. */
export const serverClock = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
