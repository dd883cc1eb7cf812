import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { ConfigError, StoreError } from "coatcheck";
import type { Store } from "coatcheck";
import type { StoreSetting } from "./store-setting.ts";

/** A store, and how to close its connections. */
export type OpenStore = {
  store: Store;
  /** Where sessions are kept, for messages; without any password. */
  place: string;
  close: () => Promise<void>;
};

/** How long connecting may take. */
const CONNECT_TIMEOUT_MS = 1_000;

/** How long to wait for connections to close when the site stops. */
const FAREWELL_MS = 1_000;

/**
 * Opens the chosen store, and loads only its client.
 *
 * If the server does not respond, that is logged and the site starts anyway: pages that need a session ask
 * visitors to try again. If the server refuses us, the site does not start.
 *
 * @throws ConfigError, StoreError if waiting will not help.
 */
export async function openStore(setting: StoreSetting, dataDir: string): Promise<OpenStore> {
  if (setting.kind === "redis") return openRedis(setting);
  if (setting.kind === "postgres") return openPostgres(setting);
  if (setting.kind === "mysql") return openMysql(setting);
  if (setting.kind === "memory") {
    const { memoryStore } = await import("coatcheck/memory");
    return { store: memoryStore(), place: "the memory of this process", close: async () => {} };
  }
  const { sqliteStore } = await import("coatcheck/sqlite");
  const path = setting.path ?? join(dataDir, "sessions.db");
  return { store: sqliteStore({ path }), place: path, close: async () => {} };
}

async function openRedis(setting: StoreSetting & { kind: "redis" }): Promise<OpenStore> {
  const [{ createClient }, { redisStore }] = await Promise.all([import("redis"), import("coatcheck/redis")]);
  const { url, place, prefix } = setting;
  const client = createClient({
    url,
    // Without a connection, calls fail at once instead of piling up until there is one.
    disableOfflineQueue: true,
    // Detects a connection that died silently.
    pingInterval: 1_000,
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: 5_000,
      reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, 1_000) + Math.random() * 100,
    },
  });
  const store = redisStore({ client, ...(prefix !== undefined && { prefix }) });
  const outages = tellOutages(place);
  const close = async () => client.destroy();
  // The client retries until it is destroyed, and reports through its events.
  client.connect().catch(() => undefined);
  try {
    await once(client, "ready");
  } catch (error) {
    if (/^(?:ERR|NOAUTH|NOPERM|WRONGPASS)\b/.test(reasonOf(error))) {
      await close();
      throw new ConfigError("CONFIG_INVALID", `STORE: ${place} refused the connection: ${reasonOf(error)}`);
    }
    outages.lost(error);
  }
  client.on("error", outages.lost);
  client.on("ready", outages.found);
  return { store, place, close };
}

async function openPostgres(setting: StoreSetting & { kind: "postgres" }): Promise<OpenStore> {
  const [{ Pool }, { postgresStore }] = await Promise.all([import("pg"), import("coatcheck/postgres")]);
  const { url, place, schema, table } = setting;
  const pool = new Pool({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    max: 10,
    keepAlive: true,
  });
  const store = postgresStore({
    client: pool,
    ...(schema !== undefined && { schema }),
    ...(table !== undefined && { table }),
  });
  const outages = tellOutages(place);
  pool.on("error", outages.lost);
  pool.on("connect", outages.found);
  return openTable(store, place, outages, async () => pool.end());
}

async function openMysql(setting: StoreSetting & { kind: "mysql" }): Promise<OpenStore> {
  const [{ createPool }, { mysqlStore }] = await Promise.all([
    import("mysql2/promise"),
    import("coatcheck/mysql"),
  ]);
  const { url, place, table } = setting;
  const client = createPool({
    uri: url,
    connectTimeout: CONNECT_TIMEOUT_MS,
    connectionLimit: 10,
    enableKeepAlive: true,
  });
  const store = mysqlStore({ client, ...(table !== undefined && { table }) });
  const outages = tellOutages(place);
  client.on("connection", (connection) => {
    outages.found();
    connection.on("error", outages.lost);
  });
  return openTable(store, place, outages, async () => client.end());
}

/** Makes the table, unless the database does not respond now: then the store's first call does. */
async function openTable(
  store: Store & { migrate(): Promise<void> },
  place: string,
  outages: ReturnType<typeof tellOutages>,
  end: () => Promise<void>,
): Promise<OpenStore> {
  const close = async () => {
    await Promise.race([end(), wait(FAREWELL_MS)]);
  };
  try {
    await store.migrate();
  } catch (error) {
    if (!(error instanceof StoreError) || !error.transient) {
      await close();
      throw error;
    }
    outages.lost(error.cause);
  }
  return { store, place, close };
}

/** Logs the beginning and the end of each outage once. */
function tellOutages(place: string): { lost: (error: unknown) => void; found: () => void } {
  let away = false;
  return {
    lost(error) {
      if (!away) {
        console.error(
          `${place} does not answer (${reasonOf(error)}). Until it does, pages that need a session ask visitors to try again.`,
        );
      }
      away = true;
    },
    found() {
      if (away) console.log(`${place} answers again.`);
      away = false;
    },
  };
}

/** A client's error in one line. If several addresses of a host fail, the AggregateError itself has no message. */
function reasonOf(error: unknown): string {
  const [first] = error instanceof AggregateError ? error.errors : [error];
  return first instanceof Error ? first.message : "no reason given";
}
