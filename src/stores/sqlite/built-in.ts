import process from "node:process";
import type * as sqliteModule from "node:sqlite";
import { ConfigError } from "../../errors.ts";

/**
 * The SQLite of Node, Bun and Deno. Not imported, since the error of a missing module does not say what to use instead.
 *
 * @throws ConfigError CONFIG_INVALID if the runtime has none, like workerd.
 */
export function builtInSqlite(): typeof sqliteModule {
  // Undefined if it is missing, despite its type.
  const sqlite: typeof sqliteModule | undefined = process.getBuiltinModule("node:sqlite");
  if (sqlite !== undefined) return sqlite;
  throw new ConfigError(
    "CONFIG_INVALID",
    `This runtime (${runtime()}) has no built-in SQLite. Node has it from 22.13 on (coatcheck needs 22.18), and so do Bun ` +
      "and Deno. Elsewhere, such as in workerd, keep sessions in Redis or PostgreSQL, with coatcheck/redis or coatcheck/postgres.",
  );
}

/** workerd, Bun and Deno report a version of Node as well. */
function runtime(): string {
  const agent = globalThis.navigator?.userAgent;
  return agent === undefined || agent.startsWith("Node.js") ? `Node ${process.versions.node}` : agent;
}
