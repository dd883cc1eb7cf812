import { ConfigError } from "coatcheck";
import type { Duration } from "coatcheck";
import { storeSetting } from "./store-setting.ts";
import type { StoreSetting } from "./store-setting.ts";

/** The settings from the environment, which is read only here. */
export type Settings = {
  /** PORT, default 3000; 0 uses any free port. */
  port: number;
  /** HOST; without it, the site is reachable only from this machine. */
  host: string | undefined;
  /** DATA_DIR, default `./data`. */
  dataDir: string;
  /** STORE, where sessions are kept: `redis://…`, `postgres://…`, `mysql://…`, `sqlite:path` or `memory:`. Without it, SQLite in the data folder. */
  store: StoreSetting;
  /** WORKERS, the number of processes, default 1. */
  workers: number;
  /** SESSION_SECRET, newest first, separated by commas; without it, the site generates a key and stores it. */
  secret: string | undefined;
  /** KEEP_LOGGED_IN, e.g. `5 days` or `30 minutes`. */
  permanentLifetime: Duration | undefined;
  /** PUBLIC_ORIGIN, e.g. `https://example.org`, from which forms must come. Without it, the Host header decides. */
  publicOrigin: string | undefined;
  /** PROXIES, the number of proxies in front of the site, default 0: that many hops of X-Forwarded-For are trusted. */
  proxies: number;
};

/** Reads the settings. @throws ConfigError CONFIG_INVALID that names the variable. */
export function readEnvironment(env: NodeJS.ProcessEnv): Settings {
  const store = storeSetting(env["STORE"]);
  const workers = workersOf(env["WORKERS"]);
  if (store.kind === "memory" && workers > 1) {
    throw new ConfigError(
      "CONFIG_INVALID",
      `STORE is "memory:", which is separate in each process, and WORKERS is ${workers}: visitors would be logged out at random. Use sqlite:path, or a server.`,
    );
  }
  return {
    store,
    workers,
    port: portOf(env["PORT"]),
    host: env["HOST"] || undefined,
    dataDir: env["DATA_DIR"] || "data",
    secret: env["SESSION_SECRET"],
    permanentLifetime: durationOf(env["KEEP_LOGGED_IN"]),
    publicOrigin: env["PUBLIC_ORIGIN"] || undefined,
    proxies: proxiesOf(env["PROXIES"]),
  };
}

function portOf(text: string | undefined): number {
  if (!text) return 3000;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new ConfigError("CONFIG_INVALID", `PORT is "${text}"; it must be a number from 0 to 65535.`);
}

function proxiesOf(text: string | undefined): number {
  if (!text) return 0;
  const proxies = Number(text);
  if (Number.isInteger(proxies) && proxies >= 0 && proxies <= 16) return proxies;
  throw new ConfigError("CONFIG_INVALID", `PROXIES is "${text}"; it must be a number from 0 to 16.`);
}

function workersOf(text: string | undefined): number {
  if (!text) return 1;
  const workers = Number(text);
  if (Number.isInteger(workers) && workers >= 1 && workers <= 64) return workers;
  throw new ConfigError("CONFIG_INVALID", `WORKERS is "${text}"; it must be a number from 1 to 64.`);
}

function durationOf(text: string | undefined): Duration | undefined {
  if (!text) return undefined;
  const [, amount, unit] = /^(\d{1,9}) *(day|hour|minute|second)s?$/.exec(text) ?? [];
  if (amount && unit) return { [`${unit}s`]: Number(amount) };
  throw new ConfigError(
    "CONFIG_INVALID",
    `KEEP_LOGGED_IN is "${text}"; write it like "5 days" or "30 minutes".`,
  );
}
