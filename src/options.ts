import { assertKnownOptions, assertOption } from "./runtime/check-options.ts";
import type { AdoptionSource } from "./services/adoption-source.ts";
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
import { KeyedQueue, requestsAreIsolated } from "./runtime/keyed-queue.ts";
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

/** The options of `createSessions`. Only `secret` and `store` are required. */
export interface SessionsOptions extends TimeoutOptions {
  /**
   * The app's secret key, or several, newest first. The first signs and seals; the others only verify and
   * open, so that a key can be replaced without logging anyone out. Each needs at least 32 random bytes.
   * It may be `undefined` or empty while a site is built, but then every use of a session, and `check`, throws.
   */
  readonly secret: Secret | undefined;
  /** The store that keeps the records. */
  readonly store: Store;
  /** The name and the attributes of the session cookie. */
  readonly cookie?: SessionCookieOptions;
  /**
   * How long a request may wait for the store, summed over all calls for its session. For `list` and
   * `revoke` it applies to each call separately. Default 2 seconds.
   */
  readonly storeTimeout?: Duration;
  /** How much one session may hold. */
  readonly limits?: Partial<Limits>;
  /** Which other sites may send unsafe requests; `false` turns the check off. Default: none. */
  readonly crossOrigin?: CrossOriginOptions | false;
  /**
   * How often expired records are deleted, checked whenever a record is created. `false`: call `sweep` yourself.
   * Default 10 minutes.
   */
  readonly sweepInterval?: Duration | false;
  /**
   * How often the store is asked about each session whose `signal` is in use. This is the longest time for
   * which its expiry, or its end in another process, can go unnoticed. Default 5 seconds.
   */
  readonly watchInterval?: Duration;
  /**
   * Whether to print warnings about what browsers do silently: one line on the console, once for each kind,
   * that says how to fix it. `true`, `false`, or a setting for each kind. Default: on, unless NODE_ENV is
   * `production` or `test`.
   */
  readonly developmentWarnings?: boolean | DevelopmentWarnings;
  /**
   * Systems whose visitors keep their login: a visitor who brings no ticket, but a good cookie of one of them, goes
   * on as who they were. `coatcheck/adopt` has the sources. Default: none.
   */
  readonly adopt?: readonly AdoptionSource[];
  /** The source of the current time and of timers. Default: the system clock. */
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
  "adopt",
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

/** @throws ConfigError CONFIG_INVALID for an object that does not have the methods of a Store. */
function assertStore(store: unknown): void {
  const isStore =
    typeof store === "object" &&
    store !== null &&
    storeMethods.every((method) => method in store && typeof Reflect.get(store, method) === "function");
  assertOption(
    isStore,
    "store is missing: pass sqliteStore({ path }), redisStore({ client }), postgresStore({ client }), memoryStore() or your own.",
  );
}

/**
 * Creates what all requests share. Opens no file and no connection.
 *
 * @throws ConfigError if an option is unknown, weak, or contradicts another.
 *
 * @internal
 */
export function createServices(options: SessionsOptions): Services {
  assertKnownOptions(options, known, "createSessions");
  assertStore(options.store);
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
  advice?.created(options.store, cookie.name);
  const services: Services = {
    adopter: undefined,
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
    updates: new KeyedQueue(requestsAreIsolated()),
    store,
    sweeper: new Sweeper(store, clock, events, interval),
    tickets: createTicketSigner(keyring, cookie.name),
    timeouts,
  };
  return options.adopt === undefined ? services : withAdopter(services, options.adopt);
}

/** Lets the first source connect all of them: this file must not import what few apps use. */
function withAdopter(services: Services, sources: readonly AdoptionSource[]): Services {
  const isList = Array.isArray(sources) && sources.every((source) => typeof source?.connect === "function");
  assertOption(
    isList,
    "adopt must be a list of sources from coatcheck/adopt, such as [fromExpressSession({ … })].",
  );
  return { ...services, adopter: sources[0]?.connect(sources, services) };
}
