import process from "node:process";
import type * as sqliteModule from "node:sqlite";
import { ConfigError } from "../../errors.ts";

/**
 * The SQLite that Node, Bun and Deno bring along. Looked up when it is needed, since a missing module
 * that is imported ends the program in the runtime's words, which don't say what to use instead.
 *
 * @throws ConfigError CONFIG_INVALID where the runtime has none, as workerd.
 */
export function builtInSqlite(): typeof sqliteModule {
  // Undefined where it is missing, whatever its type says.
  const sqlite: typeof sqliteModule | undefined = process.getBuiltinModule("node:sqlite");
  if (sqlite !== undefined) return sqlite;
  throw new ConfigError(
    "CONFIG_INVALID",
    `There is no SQLite built into this runtime (${runtime()}). It is in Node from 22.13 on (coatcheck needs 22.18), in Bun ` +
      "and in Deno; elsewhere, as in workerd, keep sessions in Redis or PostgreSQL, with coatcheck/redis or coatcheck/postgres.",
  );
}

/** workerd, Bun and Deno say a version of Node's, too. */
function runtime(): string {
  const agent = globalThis.navigator?.userAgent;
  return agent === undefined || agent.startsWith("Node.js") ? `Node ${process.versions.node}` : agent;
}
