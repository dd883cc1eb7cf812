import { join } from "node:path";
import { databaseUrl as mysqlUrl, newTable, withoutMysql } from "../stores/mysql-server.ts";
import { databaseUrl, schema, withoutPostgres } from "../stores/postgres-server.ts";
import { sharedRedis, withoutRedis } from "../stores/redis-server.ts";

/** A store that several processes share: what to set STORE to, with a place in it that nobody else uses. */
export interface FleetStore {
  readonly name: string;
  /** Why it can't be tested here; `false` when it can. */
  readonly skip: string | false;
  /** @param folder for its files, if it has any. */
  readonly setting: (folder: string) => Promise<string>;
}

export const fleetStores: readonly FleetStore[] = [
  {
    name: "Redis",
    skip: withoutRedis,
    setting: async () => {
      const { url, prefix } = await sharedRedis();
      return withParameters(url, { prefix });
    },
  },
  {
    name: "PostgreSQL",
    skip: withoutPostgres,
    setting: async () => withParameters(databaseUrl, { schema, table: "fleet_session" }),
  },
  {
    name: "MySQL",
    skip: withoutMysql,
    setting: async () => withParameters(mysqlUrl, { table: newTable() }),
  },
  { name: "SQLite", skip: false, setting: async (folder) => `sqlite:${join(folder, "shared.db")}` },
];

function withParameters(address: string, parameters: Record<string, string>): string {
  const url = new URL(address);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}
