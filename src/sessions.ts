import { systemClock } from "./runtime/clock.ts";
import type { Context } from "./services/services.ts";
import { createCookieVault } from "./cookies/protected-values.ts";
import type { Cookies } from "./cookies/cookies.ts";
import { Currents } from "./runtime/async-variable.ts";
import type { AnyData } from "./session/data-types.ts";
import { createAdvice } from "./services/development-warnings.ts";
import { toMilliseconds } from "./runtime/duration.ts";
import { createEvents } from "./services/events.ts";
import { Exchange } from "./exchange/exchange.ts";
import type { ExchangeParts } from "./exchange/exchange.ts";
import { FieldCodec } from "./services/field-codec.ts";
import { handle as handleRequest } from "./exchange/fetch.ts";
import type { FetchHandler, HandleOptions } from "./exchange/fetch.ts";
import type { Incoming } from "./http/request.ts";
import { createKeyring } from "./crypto/keyring.ts";
import { readLimits } from "./services/limits.ts";
import { checkOptions } from "./options.ts";
import type { SessionsOptions } from "./options.ts";
import { noSessionHere, noSessionOf } from "./no-session.ts";
import { createOriginCheck, noOriginCheck } from "./http/cross-origin.ts";
import { listSessions, revokeSession, revokeSessions } from "./session/manage.ts";
import type { SessionInfo } from "./session/manage.ts";
import { createSealer } from "./crypto/sealer.ts";
import type { Session } from "./session/session.ts";
import { createSessionCookie } from "./cookies/session-cookie.ts";
import { SessionWatch } from "./services/end-watcher.ts";
import { StoreCalls } from "./services/store-client.ts";
import { Sweeper } from "./services/sweeper.ts";
import { createTicketOffice, newRecordId } from "./crypto/ticket.ts";
import { Ties } from "./runtime/fast-weak-map.ts";
import { readTimeouts } from "./services/timeouts.ts";
import { Turns } from "./runtime/keyed-queue.ts";

/** How a session is opened. */
export interface OpenOptions {
  /** Ask the store itself, not a copy nearby. Default `false`. */
  readonly authoritative?: boolean;
}

/**
 * Makes the hub of an app's sessions: once, where the app starts.
 *
 * Opens no file and makes no connection, and needs no secret key yet: builders of sites load this, too.
 *
 * @throws ConfigError when an option is weak, unknown or contradicts another, or there is no store.
 */
export function createSessions<Data extends object = Record<string, unknown>>(
  options: SessionsOptions,
): Sessions<Data> {
  return new Sessions<Data>(options);
}

/** The hub: every request's session, and what can be done to sessions from outside. `Data` types the dictionary. */
export class Sessions<Data extends object = AnyData> {
  readonly #parts: ExchangeParts<Data>;
  readonly #context: Context;
  readonly #sweeper: Sweeper;
  /** The exchange of a request, by whatever its handler was given. */
  readonly #exchanges = new Ties<Exchange<Data>>();

  /** Use `createSessions`. */
  constructor(options: SessionsOptions) {
    checkOptions(options);
    const { store, clock = systemClock, crossOrigin = {}, sweepInterval = { minutes: 10 } } = options;
    const keyring = createKeyring(options.secret);
    const cookie = createSessionCookie(options.cookie ?? {});
    const events = createEvents(cookie.name);
    const storeTimeout = toMilliseconds(options.storeTimeout ?? { seconds: 2 }, "storeTimeout");
    const calls = new StoreCalls(store, clock, storeTimeout, events);
    const interval = sweepInterval === false ? undefined : toMilliseconds(sweepInterval, "sweepInterval");
    this.#sweeper = new Sweeper(calls, clock, events, interval);
    const timeouts = readTimeouts(options);
    const watchInterval = toMilliseconds(options.watchInterval ?? { seconds: 5 }, "watchInterval");
    const advice = createAdvice(options.developmentWarnings);
    advice?.made(store, cookie.name);
    this.#context = {
      advice,
      clock,
      calls,
      codec: new FieldCodec(store.inProcess ? undefined : createSealer(keyring, "field"), events),
      events,
      keyring,
      limits: readLimits(options.limits),
      office: createTicketOffice(keyring, cookie.name),
      timeouts,
      turns: new Turns(),
      watch: new SessionWatch(calls, clock, timeouts, watchInterval),
      onCreated: () => this.#sweeper.sweepIfDue(),
    };
    this.#parts = {
      context: this.#context,
      cookie,
      vault: createCookieVault(keyring, clock),
      currents: new Currents(),
      origin: crossOrigin === false ? noOriginCheck : createOriginCheck(crossOrigin),
    };
  }

  /**
   * The session of a request. The first call reads the store, if the request brought a ticket of ours;
   * a request that never asks costs nothing.
   *
   * @param request what the handler was given: the request, or the framework's context.
   * @param options `authoritative`: for what must not trust a copy of the record, however fresh; it
   *   makes a difference only for stores with a near cache.
   * @throws MisuseError NO_SESSION_HERE when no adapter saw this request; StoreError when the store does not answer;
   *   ConfigError SECRET_MISSING where there is no secret key.
   */
  of(request: object, options: OpenOptions = {}): Promise<Session<Data>> {
    const exchange = this.#exchangeOf(request);
    return exchange?.session(options.authoritative === true) ?? Promise.reject(noSessionOf());
  }

  /** The session of the request being handled, anywhere below its handler. @throws as `of` does. */
  current(options: OpenOptions = {}): Promise<Session<Data>> {
    const exchange = this.#parts.currents.get();
    return exchange?.session(options.authoritative === true) ?? Promise.reject(noSessionHere());
  }

  /**
   * The session of a WebSocket handshake, which no adapter sees. It can be read, and watched through its
   * `signal`; what there is to write goes through requests. A handshake from a page of another site opens
   * nothing (`rejection` says `cross-origin`), though it brings the visitor's cookie.
   *
   * @throws StoreError
   */
  async handshake(request: Incoming): Promise<Session<Data>> {
    // Over HTTP/2 a handshake is a CONNECT without Upgrade (RFC 8441); a handshake it is all the same.
    const header: Incoming["header"] = (name) => (name === "upgrade" ? "websocket" : request.header(name));
    const cookieValues = request.cookieValues?.bind(request);
    const exchange = new Exchange(this.#parts, { method: request.method, header, cookieValues });
    const session = await exchange.session(true);
    await exchange.settle("threw");
    return session;
  }

  /** The cookies beside the session. @throws MisuseError NO_SESSION_HERE when no adapter saw this request. */
  cookies(request: object): Cookies {
    const exchange = this.#exchangeOf(request);
    if (exchange === undefined) throw noSessionOf();
    return exchange.cookies();
  }

  /** The cookies of the request being handled. @throws as `cookies` does. */
  currentCookies(): Cookies {
    const exchange = this.#parts.currents.get();
    if (exchange === undefined) throw noSessionHere();
    return exchange.cookies();
  }

  /**
   * Handles a request of a plain `fetch` server: checks its origin, lets the handler answer, commits,
   * and gives the response back with what it must carry.
   */
  async handle(request: Request, handler: FetchHandler, options: HandleOptions = {}): Promise<Response> {
    return handleRequest(this, request, handler, options);
  }

  /**
   * Whether this hub can work: for a start, so that a server that lacks its secret key or can't reach its store does
   * not come up. What would be wrong with the first request is thrown.
   *
   * @throws ConfigError SECRET_MISSING, CONFIG_INVALID; StoreError
   */
  async check(): Promise<void> {
    this.#context.keyring.assertPresent();
    await this.#context.calls.read(newRecordId(), true);
  }

  /** The sessions in which a subject is logged in, the last seen first. @throws StoreError */
  async list(subject: string): Promise<SessionInfo[]> {
    this.#context.keyring.assertPresent();
    return listSessions(this.#context, subject);
  }

  /**
   * Ends a session from outside; its next request is anonymous, on every node.
   *
   * @param id from `list`. Anything else, also from a stranger's form, answers `false`.
   * @param options `subject`: only if it is this subject's session. Give it when a visitor names the id.
   * @returns `false` when there was nothing to end.
   * @throws StoreError
   */
  async revoke(id: string, options: { readonly subject?: string } = {}): Promise<boolean> {
    this.#context.keyring.assertPresent();
    return revokeSession(this.#context, id, options.subject);
  }

  /**
   * Ends all sessions of a subject: after a change of password, or "log out everywhere" (ASVS 7.4.3).
   *
   * @param options `except`: the id of the session that stays.
   * @returns how many it ended.
   * @throws StoreError; some may have ended by then, and calling again ends the rest.
   */
  async revokeAll(subject: string, options: { readonly except?: string } = {}): Promise<number> {
    this.#context.keyring.assertPresent();
    return revokeSessions(this.#context, subject, options.except);
  }

  /** Deletes all expired records, in batches that let other work go on. @returns how many. @throws StoreError */
  async sweep(): Promise<number> {
    return this.#sweeper.sweep();
  }

  /** Lets go of what the store opened. Requests under way may fail. @throws StoreError */
  async close(): Promise<void> {
    await this.#context.calls.close();
  }

  /** For adapters: whether a request may act here, as far as its origin goes; if not, answer 403. */
  allows(request: Incoming): boolean {
    const isAllowed = this.#parts.origin.allows(request);
    if (!isAllowed) {
      this.#context.events.emit({ type: "cross-origin-refused", method: request.method });
      this.#context.advice?.refused(request);
    }
    return isAllowed;
  }

  /**
   * For adapters: begins the exchange of a request. Run the handler in its `run`, call its `settle`
   * before the response's first byte leaves, and apply the headers that it answers.
   *
   * @param handles what `of` will be called with; also found from an object whose `req` or `raw` it is.
   */
  exchange(request: Incoming, handles: readonly object[]): Exchange<Data> {
    const exchange = new Exchange(this.#parts, request);
    for (const handle of handles) this.#exchanges.set(handle, exchange);
    return exchange;
  }

  /**
   * For adapters: the exchange that a layer further out has begun for this request, as when the same middleware is on
   * an app and again on a router in it. Run on in that one, and leave it to that layer to settle it.
   *
   * @param handles as `exchange` has them.
   */
  underway(request: Incoming, handles: readonly object[]): Exchange<Data> | undefined {
    const known = handles.map((handle) => this.#exchanges.get(handle)).find((found) => found !== undefined);
    const exchange = known ?? this.#mountedIn(request);
    if (exchange?.isSettled !== false) return undefined;
    for (const handle of handles) this.#exchanges.set(handle, exchange);
    return exchange;
  }

  /** The exchange in which a request is handled that was made from another. */
  #mountedIn(request: Incoming): Exchange<Data> | undefined {
    if (request.isMadeFrom === undefined) return undefined;
    const current = this.#parts.currents.get();
    return current !== undefined && request.isMadeFrom(current.request) ? current : undefined;
  }

  /** Frameworks wrap the server's request, and say so; one tie, to that, is enough for all of its wrappings. */
  #exchangeOf(handle: Wrapping): Exchange<Data> | undefined {
    const own = this.#exchanges.get(handle);
    if (own !== undefined) return own;
    const inner = handle.req ?? handle.raw;
    return typeof inner === "object" && inner !== null ? this.#exchanges.get(inner) : undefined;
  }

  /** For adapters: notes that a request's handler failed, where its exchange is out of reach. */
  fail(request: object, error: unknown): void {
    this.#exchangeOf(request)?.fail(error);
  }
}

/** What a framework gives to its handlers. */
interface Wrapping {
  readonly req?: unknown;
  readonly raw?: unknown;
}
