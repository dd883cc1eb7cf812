import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Hono } from "hono";
import { createSessions } from "coatcheck";
import type { Clock, Duration, Secret, Store } from "coatcheck";
import { sqliteStore } from "coatcheck/sqlite";
import { measuredStore } from "./measure.ts";
import { Passwords } from "./passwords.ts";
import type { HashCost } from "./passwords.ts";
import { createApp } from "./server.ts";
import { Streams } from "./streams.ts";
import { Throttle } from "./throttle.ts";
import { Users } from "./users.ts";
import { VisitorEvents } from "./visitor-events.ts";
import type { Parts, Remembered } from "./parts.ts";

/** How long "keep me logged in" lasts, unless KEEP_LOGGED_IN says otherwise: one setting. */
const PERMANENT_LIFETIME: Duration = { days: 5 };

/** The options of a site. All but the first two have defaults. */
export type SiteOptions = {
  dataDir: string;
  secret: Secret;
  permanentLifetime?: Duration;
  /** The site's own address, e.g. `https://example.org`, from which forms must come. Without it, the Host header decides. */
  publicOrigin?: string;
  /** The number of proxies in front of the site that write X-Forwarded-For. Default 0. */
  proxies?: number;
  /** The folder where the documentation is built. Default: docs-site. */
  docs?: string;
  /** For tests: the clock, a cheaper hash, another store, the log. */
  clock?: Clock;
  hashCost?: HashCost;
  store?: Store;
  report?: (error: unknown) => void;
};

/** A site that is ready for requests, and can be closed. */
export type Site = Parts & {
  app: Hono;
  /** Ends the event streams. Call it before the server closes, which waits for all responses. */
  hangUp(): void;
  close(): Promise<void>;
};

/**
 * Opens the site's files and builds its app.
 *
 * Call `sessions.check()` to find out whether the secret is set and the store opens.
 *
 * @throws ConfigError if the secret is weak, before any file is created.
 */
export function openSite(options: SiteOptions): Site {
  const { dataDir, secret, clock, permanentLifetime = PERMANENT_LIFETIME } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const store = measuredStore(options.store ?? sqliteStore({ path: join(dataDir, "sessions.db") }));
  const sessions = createSessions<Remembered>({
    secret,
    store,
    permanentLifetime,
    ...(clock && { clock }),
    ...(options.publicOrigin !== undefined && { crossOrigin: { origins: [options.publicOrigin] } }),
  });
  const passwords = new Passwords(options.hashCost);
  const users = new Users(dataDir, passwords);
  const now = clock ? () => clock.now() : Date.now;
  const throttle = new Throttle(dataDir, now);
  const events = new VisitorEvents(now);
  const streams = new Streams();
  const parts: Parts = {
    sessions,
    store,
    events,
    streams,
    now,
    users,
    passwords,
    throttle,
    proxies: options.proxies ?? 0,
    permanentLifetime,
    report: options.report ?? ((error) => console.error(error)),
  };
  return {
    ...parts,
    app: createApp(parts, options.docs ?? join(import.meta.dirname, "..", "docs-site")),
    hangUp: () => streams.close(),
    async close() {
      streams.close();
      events.close();
      await sessions.close();
      users.close();
      throttle.close();
    },
  };
}
