import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { ConfigError, StoreError } from "coatcheck";
import type { Store } from "coatcheck";
import type { StoreSetting } from "./store-setting.ts";

/** A store, and how to let go of what carries it. */
export type OpenStore = {
  store: Store;
  /** For people: where sessions are kept; without any password. */
  place: string;
  close: () => Promise<void>;
};

/** How long a connection may take to come about. */
const CONNECT_TIMEOUT_MS = 1_000;

/** How long we wait for connections to end when the site stops. */
const FAREWELL_MS = 1_000;

/**
 * Opens the store that was chosen; only its own client is loaded.
 *
 * A server that does not answer is said so, and no reason not to start: pages that need a session ask
 * for patience until it does. One that answers and refuses is.
 *
 * @throws ConfigError, StoreError when no patience will help.
 */
export async function openStore(setting: StoreSetting, dataDir: string): Promise<OpenStore> {
  if (setting.kind === "redis") return openRedis(setting);
  if (setting.kind === "postgres") return openPostgres(setting);
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
    // A connection that died silently is noticed.
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
  // It goes on trying until it is destroyed, and tells its listeners how that goes.
  client.connect().catch(() => undefined);
  try {
    await once(client, "ready");
  } catch (error) {
    if (/^(?:ERR|NOAUTH|NOPERM|WRONGPASS)\b/.test(reasonOf(error))) {
      await close();
      throw new ConfigError("CONFIG_INVALID", `STORE is refused by ${place}: ${reasonOf(error)}`);
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
  const close = async () => {
    await Promise.race([pool.end(), wait(FAREWELL_MS)]);
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

/** Says once for each outage that it began, and once that it is over. */
function tellOutages(place: string): { lost: (error: unknown) => void; found: () => void } {
  let away = false;
  return {
    lost(error) {
      if (!away) {
        console.error(
          `${place} does not answer (${reasonOf(error)}). Until it does, pages that need a session ask to be tried again.`,
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

/** What a client says, in one line. Several addresses of one host fail together, in an error without words. */
function reasonOf(error: unknown): string {
  const [first] = error instanceof AggregateError ? error.errors : [error];
  return first instanceof Error ? first.message : "no reason given";
}
