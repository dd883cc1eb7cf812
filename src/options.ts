import { ConfigError } from "./errors.ts";
import type { Clock } from "./runtime/clock.ts";
import type { DevelopmentWarnings } from "./services/development-warnings.ts";
import type { Duration } from "./runtime/duration.ts";
import type { Secret } from "./crypto/keyring.ts";
import type { Limits } from "./services/limits.ts";
import type { CrossOriginOptions } from "./http/cross-origin.ts";
import type { SessionCookieOptions } from "./cookies/session-cookie.ts";
import type { Store } from "./record/store.ts";
import type { TimeoutOptions } from "./services/timeouts.ts";
import { EndWatcher } from "./services/end-watcher.ts";
import { FieldCodec } from "./services/field-codec.ts";
import { KeyedQueue } from "./runtime/keyed-queue.ts";
import type { Services } from "./services/services.ts";
import { StoreClient } from "./services/store-client.ts";
import { Sweeper } from "./services/sweeper.ts";
import { createCrossOriginCheck, noCrossOriginCheck } from "./http/cross-origin.ts";
import { createDevelopmentAdvice } from "./services/development-warnings.ts";
import { createEvents } from "./services/events.ts";
import { createKeyring } from "./crypto/keyring.ts";
import { createProtectedValues } from "./cookies/protected-values.ts";
import { createSealer } from "./crypto/sealer.ts";
import { createSessionCookie } from "./cookies/session-cookie.ts";
import { createTicketSigner } from "./crypto/ticket.ts";
import { readLimits } from "./services/limits.ts";
import { readTimeouts } from "./services/timeouts.ts";
import { systemClock } from "./runtime/clock.ts";
import { toMilliseconds } from "./runtime/duration.ts";

/** The options of `createSessions`. Only `secret` and `store` are needed. */
export interface SessionsOptions extends TimeoutOptions {
  /**
   * The app's secret key, or several, newest first: the first signs and seals, the others only open,
   * so that a key can be replaced without logging anybody out. At least 32 random bytes each. Needed:
   * where it is `undefined` or empty, as while a site is built, every use of a session is refused, and `check`.
   */
  readonly secret: Secret | undefined;
  /** Where records live. */
  readonly store: Store;
  readonly cookie?: SessionCookieOptions;
  /**
   * How long a request may wait for the store, all the calls of its session together; `list` and `revoke`
   * have as long for each call. Default 2 seconds.
   */
  readonly storeTimeout?: Duration;
  readonly limits?: Partial<Limits>;
  /** Which other sites may send unsafe requests; `false` turns the check off. Default: none may. */
  readonly crossOrigin?: CrossOriginOptions | false;
  /** How often expired records are deleted, at the creation of another; `false`: call `sweep` yourself. Default 10 minutes. */
  readonly sweepInterval?: Duration | false;
  /**
   * How often the store is asked about a session whose `signal` somebody holds: the longest that its
   * expiry, or its end in another process, goes unnoticed there. Default 5 seconds.
   */
  readonly watchInterval?: Duration;
  /**
   * One line on the console, once for each kind, about what browsers do silently, with the way out: all or none of
   * them, or each by itself. Default: on, unless NODE_ENV is `production` or `test`.
   */
  readonly developmentWarnings?: boolean | DevelopmentWarnings;
  /** Where the time comes from. Default: the machine's clock. */
  readonly clock?: Clock;
}

const known = [
  "secret",
  "store",
  "cookie",
  "idleTimeout",
  "absoluteTimeout",
  "permanentLifetime",
  "permanentAbsoluteTimeout",
  "storeTimeout",
  "limits",
  "crossOrigin",
  "sweepInterval",
  "watchInterval",
  "developmentWarnings",
  "clock",
] as const satisfies readonly (keyof SessionsOptions)[];

const storeMethods = [
  "create",
  "read",
  "patch",
  "list",
  "sweep",
  "close",
] as const satisfies readonly (keyof Store)[];

/** @throws ConfigError CONFIG_INVALID for an unknown option (a misspelt one would be silently off) or a store that is none. */
function checkOptions(options: SessionsOptions): void {
  for (const name of Object.keys(options)) {
    if (!known.some((option) => option === name)) {
      throw new ConfigError(
        "CONFIG_INVALID",
        `createSessions has no option "${name}"; there are ${known.join(", ")}.`,
      );
    }
  }
  const store: unknown = options.store;
  const isStore =
    typeof store === "object" &&
    store !== null &&
    storeMethods.every((method) => method in store && typeof Reflect.get(store, method) === "function");
  if (!isStore) {
    throw new ConfigError(
      "CONFIG_INVALID",
      "store is missing: pass sqliteStore({ path }), redisStore({ client }), postgresStore({ client }), memoryStore() or your own.",
    );
  }
}

/**
 * Builds what all requests share. Opens no file and no connection.
 *
 * @throws ConfigError for an option that is unknown, weak, or contradicts another.
 */
export function createServices(options: SessionsOptions): Services {
  checkOptions(options);
  const { clock = systemClock, crossOrigin = {}, sweepInterval = { minutes: 10 } } = options;
  const keyring = createKeyring(options.secret);
  const cookie = createSessionCookie(options.cookie ?? {});
  const events = createEvents(cookie.name);
  const storeTimeout = toMilliseconds(options.storeTimeout ?? { seconds: 2 }, "storeTimeout");
  const store = new StoreClient(options.store, clock, storeTimeout, events);
  const interval = sweepInterval === false ? undefined : toMilliseconds(sweepInterval, "sweepInterval");
  const timeouts = readTimeouts(options);
  const watchInterval = toMilliseconds(options.watchInterval ?? { seconds: 5 }, "watchInterval");
  const advice = createDevelopmentAdvice(options.developmentWarnings);
  advice?.made(options.store, cookie.name);
  return {
    advice,
    clock,
    codec: new FieldCodec(options.store.inProcess ? undefined : createSealer(keyring, "field"), events),
    cookie,
    crossOrigin: crossOrigin === false ? noCrossOriginCheck : createCrossOriginCheck(crossOrigin),
    endWatcher: new EndWatcher(store, clock, timeouts, watchInterval),
    events,
    keyring,
    limits: readLimits(options.limits),
    protectedValues: createProtectedValues(keyring, clock),
    queue: new KeyedQueue(),
    store,
    sweeper: new Sweeper(store, clock, events, interval),
    tickets: createTicketSigner(keyring, cookie.name),
    timeouts,
  };
}
