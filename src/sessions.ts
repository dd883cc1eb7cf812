import type { Services } from "./services/services.ts";
import type { Cookies } from "./cookies/cookies.ts";
import type { AnyData } from "./session/data-types.ts";
import { handle as handleRequest } from "./exchange/fetch.ts";
import type { FetchHandler, HandleOptions } from "./exchange/fetch.ts";
import type { RequestLike } from "./http/request.ts";
import type { SessionsOptions } from "./options.ts";
import { MisuseError } from "./errors.ts";
import { listSessions, revokeSession, revokeSessions } from "./session/list-and-revoke.ts";
import type { SessionInfo } from "./session/list-and-revoke.ts";
import type { Session } from "./session/session.ts";
import { newRecordId } from "./crypto/ticket.ts";
import { createServices } from "./options.ts";
import { Exchanges } from "./exchange/exchanges.ts";

/** How a session is loaded. */
export interface LoadOptions {
  /** Reads the record from the store itself, never from a nearby copy. Default `false`. */
  readonly authoritative?: boolean;
}

/**
 * Creates the `sessions` object of an app. Call it once, when the app starts.
 *
 * It opens no file and no connection, and does not need the secret key yet, because site builders load this
 * code too.
 *
 * @throws ConfigError if an option is weak, unknown or contradicts another, or if there is no store.
 */
export function createSessions<Data extends object = Record<string, unknown>>(
  options: SessionsOptions,
): Sessions<Data> {
  return new Sessions<Data>(options);
}

/** Found by other copies of this package, too: bundlers such as that of Next.js make one for each bundle. */
const exchangesKey: unique symbol = Symbol.for("coatcheck.exchanges.1");

/** For adapters: returns the exchanges of a `sessions` object. */
export function exchangesOf<Data extends object>(sessions: Sessions<Data>): Exchanges<Data> {
  return sessions[exchangesKey];
}

/**
 * The `sessions` object: finds each request's session, and lists and revokes sessions. `Data` is the type of their
 * data.
 */
export class Sessions<Data extends object = AnyData> {
  readonly #services: Services;
  readonly #exchanges: Exchanges<Data>;

  /** Use `createSessions`. */
  constructor(options: SessionsOptions) {
    this.#services = createServices(options);
    this.#exchanges = new Exchanges(this.#services);
  }

  /** @internal Use `exchangesOf`. */
  get [exchangesKey](): Exchanges<Data> {
    return this.#exchanges;
  }

  /**
   * Returns the session of a request. The first call reads the store, if the request has a ticket that we signed.
   * A request that never asks for its session costs nothing.
   *
   * @param request what the handler was given: the request, or the framework's context.
   * @param options `authoritative`: use it where even a fresh copy of the record must not be trusted. It
   *   makes a difference only for stores with a near cache.
   * @throws MisuseError NO_SESSION_HERE if no adapter saw this request; StoreError if the store fails or does not
   *   answer in time; ConfigError SECRET_MISSING if there is no secret key.
   */
  of(request: object, options: LoadOptions = {}): Promise<Session<Data>> {
    const exchange = this.#exchanges.of(request);
    return exchange?.session(options.authoritative === true) ?? Promise.reject(noSessionOf());
  }

  /** Returns the session of the current request, in any code that its handler calls. Throws the same errors as `of`. */
  current(options: LoadOptions = {}): Promise<Session<Data>> {
    const exchange = this.#exchanges.current;
    return exchange?.session(options.authoritative === true) ?? Promise.reject(noSessionHere());
  }

  /**
   * Returns the session of a WebSocket handshake, which no adapter sees. You can read it, and watch it through
   * its `signal`; to write to the session, use a request. A handshake from another site's page carries the
   * visitor's cookie too, but loads no session (`rejection` says `cross-origin`).
   *
   * @throws StoreError; ConfigError SECRET_MISSING.
   */
  async handshake(request: RequestLike): Promise<Session<Data>> {
    // Over HTTP/2 a handshake is a CONNECT request without an Upgrade header (RFC 8441).
    const header: RequestLike["header"] = (name) => (name === "upgrade" ? "websocket" : request.header(name));
    const cookieValues = request.cookieValues?.bind(request);
    const exchange = this.#exchanges.begin({ method: request.method, header, cookieValues }, []);
    const session = await exchange.session(true);
    await exchange.commit("threw");
    return session;
  }

  /**
   * Returns the request's cookies other than the session cookie.
   *
   * @throws MisuseError NO_SESSION_HERE if no adapter saw this request; ConfigError SECRET_MISSING.
   */
  cookies(request: object): Cookies {
    const exchange = this.#exchanges.of(request);
    if (exchange === undefined) throw noSessionOf();
    return exchange.cookies();
  }

  /** Returns the cookies of the current request. Throws the same errors as `cookies`. */
  currentCookies(): Cookies {
    const exchange = this.#exchanges.current;
    if (exchange === undefined) throw noSessionHere();
    return exchange.cookies();
  }

  /**
   * Handles a request of a plain `fetch` server: checks its origin, calls the handler, commits the session,
   * and returns the response with the headers it needs.
   */
  async handle(request: Request, handler: FetchHandler, options: HandleOptions = {}): Promise<Response> {
    return handleRequest(this.#exchanges, request, handler, options);
  }

  /**
   * Notes that a request's handler failed, for the error hook of a framework that turns a thrown error into a
   * response itself: what the handler set is not kept, and messages that it took come back. A login or logout stands.
   * Without effect after the commit, and for a request that no adapter saw.
   *
   * @param error what was thrown. After a `StoreError`, the response is a 503.
   * @param request what the handler was given. Default: the current request.
   */
  fail(error: unknown, request?: object): void {
    const exchange = request === undefined ? this.#exchanges.current : this.#exchanges.of(request);
    exchange?.fail(error);
  }

  /**
   * Checks the secret key and the connection to the store. Call it at startup, so that a server does not start
   * if it lacks its key or can't reach its store. Throws the error that the first request would get.
   *
   * @throws ConfigError SECRET_MISSING, CONFIG_INVALID; StoreError
   */
  async check(): Promise<void> {
    this.#services.keyring.assertPresent();
    this.#services.adopter?.assertPresent();
    await this.#services.store.read(newRecordId(), true);
  }

  /**
   * Lists the sessions in which a subject is logged in, most recently used first.
   *
   * @throws StoreError; ConfigError SECRET_MISSING.
   */
  async list(subject: string): Promise<SessionInfo[]> {
    this.#services.keyring.assertPresent();
    return listSessions(this.#services, subject);
  }

  /**
   * Ends any session by its id. Its next request is anonymous, on every server.
   *
   * @param id from `list`. For anything else, such as text from a stranger's form, `revoke` returns `false`.
   * @param options `subject`: revoke only a session of this subject. Pass it if the id comes from a visitor.
   * @returns `false` if there was nothing to end.
   * @throws StoreError; ConfigError SECRET_MISSING.
   */
  async revoke(id: string, options: { readonly subject?: string } = {}): Promise<boolean> {
    this.#services.keyring.assertPresent();
    return revokeSession(this.#services, id, options.subject);
  }

  /**
   * Ends all sessions of a subject: after a password change, or for "log out everywhere" (ASVS 7.4.3). With `adopt`,
   * cookies of the system before no longer open a session of this subject either.
   *
   * @param options `except`: the id of a session to keep.
   * @returns the number of sessions ended.
   * @throws StoreError, possibly after some sessions have ended: call again to end the rest;
   *   ConfigError SECRET_MISSING.
   */
  async revokeAll(subject: string, options: { readonly except?: string } = {}): Promise<number> {
    this.#services.keyring.assertPresent();
    // Before the list is read: a session that is adopted after that sees it.
    await this.#services.adopter?.refuseSubject(subject);
    return revokeSessions(this.#services, subject, options.except);
  }

  /** Deletes all expired records, in batches so that other work can run. @returns how many. @throws StoreError */
  async sweep(): Promise<number> {
    return this.#services.sweeper.sweep();
  }

  /** Closes what the store has opened. Requests in progress may fail. @throws StoreError */
  async close(): Promise<void> {
    await this.#services.store.close();
  }
}

/** For an object that no adapter has seen. */
function noSessionOf(): MisuseError {
  return new MisuseError(
    "NO_SESSION_HERE",
    "No sessions adapter has seen this request. Put the adapter in front of the handler, and pass what the handler was given.",
  );
}

/** For a call outside of a request. */
function noSessionHere(): MisuseError {
  return new MisuseError(
    "NO_SESSION_HERE",
    "No request is being handled here. Put the sessions adapter in front of the handler; in a callback that lost its request, call sessions.of(request).",
  );
}
