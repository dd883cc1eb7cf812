import { assertOption } from "../../runtime/check-options.ts";

/** The names of the store's objects in the database. */
export interface SchemaNames {
  /** Unquoted: `public` and `coatcheck_session`. */
  readonly schema: string;
  readonly table: string;
  /** `"public"."coatcheck_session"`. */
  readonly qualified: string;
  /** The quoted name of the SQL function for an operation. */
  readonly call: (operation: "create" | "read" | "patch" | "list" | "sweep") => string;
}

/** PostgreSQL truncates names after 63 bytes. A table's leaves room for the names derived from it. */
const maxLengths = { schema: 63, table: 48 };

/** @throws ConfigError CONFIG_INVALID if a name has other characters than letters, digits and _ (requirement 49). */
export function schemaNames(schema: unknown, table: unknown): SchemaNames {
  const names = { schema: checked("schema", schema), table: checked("table", table) };
  return {
    ...names,
    qualified: `"${names.schema}"."${names.table}"`,
    // Ends in the schema version that introduced the signature, so that the functions of two releases can coexist.
    call: (operation) => `"${names.schema}"."${names.table}_${operation}_2"`,
  };
}

function checked(option: keyof typeof maxLengths, name: unknown): string {
  const maxLength = maxLengths[option];
  assertOption(
    typeof name === "string" && /^[a-z_]\w*$/i.test(name) && name.length <= maxLength,
    `${option} must be a name of letters, digits and _, of at most ${maxLength} characters, such as "sessions".`,
  );
  return name;
}

/** The server's clock, in whole milliseconds since 1970 UTC: the same in every time zone. */
export const serverClock = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
