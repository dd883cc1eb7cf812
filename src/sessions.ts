import type { Services } from "./services/services.ts";
import type { Cookies } from "./cookies/cookies.ts";
import type { AnyData } from "./session/data-types.ts";
import { handle as handleRequest } from "./exchange/fetch.ts";
import type { FetchHandler, HandleOptions } from "./exchange/fetch.ts";
import type { RequestLike } from "./http/request.ts";
import type { SessionsOptions } from "./options.ts";
import { MisuseError } from "./errors.ts";
import { listSessions, revokeSession, revokeSessions } from "./session/manage.ts";
import type { SessionInfo } from "./session/manage.ts";
import type { Session } from "./session/session.ts";
import { newRecordId } from "./crypto/ticket.ts";
import { createServices } from "./options.ts";
import { Exchanges } from "./exchange/exchanges.ts";

/** How a session is opened. */
export interface LoadOptions {
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

let readExchanges: <Data extends object>(sessions: Sessions<Data>) => Exchanges<Data>;

/** For adapters: the exchanges of a `sessions` object. */
export function exchangesOf<Data extends object>(sessions: Sessions<Data>): Exchanges<Data> {
  return readExchanges(sessions);
}

/** The hub: every request's session, and what can be done to sessions from outside. `Data` types the dictionary. */
export class Sessions<Data extends object = AnyData> {
  readonly #services: Services;
  readonly #exchanges: Exchanges<Data>;

  /** Use `createSessions`. */
  constructor(options: SessionsOptions) {
    this.#services = createServices(options);
    this.#exchanges = new Exchanges(this.#services);
  }

  static {
    readExchanges = (sessions) => sessions.#exchanges;
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
  of(request: object, options: LoadOptions = {}): Promise<Session<Data>> {
    const exchange = this.#exchanges.of(request);
    return exchange?.session(options.authoritative === true) ?? Promise.reject(noSessionOf());
  }

  /** The session of the request being handled, anywhere below its handler. @throws as `of` does. */
  current(options: LoadOptions = {}): Promise<Session<Data>> {
    const exchange = this.#exchanges.current;
    return exchange?.session(options.authoritative === true) ?? Promise.reject(noSessionHere());
  }

  /**
   * The session of a WebSocket handshake, which no adapter sees. It can be read, and watched through its
   * `signal`; what there is to write goes through requests. A handshake from a page of another site opens
   * nothing (`rejection` says `cross-origin`), though it brings the visitor's cookie.
   *
   * @throws StoreError
   */
  async handshake(request: RequestLike): Promise<Session<Data>> {
    // Over HTTP/2 a handshake is a CONNECT without Upgrade (RFC 8441); a handshake it is all the same.
    const header: RequestLike["header"] = (name) => (name === "upgrade" ? "websocket" : request.header(name));
    const cookieValues = request.cookieValues?.bind(request);
    const exchange = this.#exchanges.begin({ method: request.method, header, cookieValues }, []);
    const session = await exchange.session(true);
    await exchange.commit("threw");
    return session;
  }

  /** The cookies beside the session. @throws MisuseError NO_SESSION_HERE when no adapter saw this request. */
  cookies(request: object): Cookies {
    const exchange = this.#exchanges.of(request);
    if (exchange === undefined) throw noSessionOf();
    return exchange.cookies();
  }

  /** The cookies of the request being handled. @throws as `cookies` does. */
  currentCookies(): Cookies {
    const exchange = this.#exchanges.current;
    if (exchange === undefined) throw noSessionHere();
    return exchange.cookies();
  }

  /**
   * Handles a request of a plain `fetch` server: checks its origin, lets the handler answer, commits,
   * and gives the response back with what it must carry.
   */
  async handle(request: Request, handler: FetchHandler, options: HandleOptions = {}): Promise<Response> {
    return handleRequest(this.#exchanges, request, handler, options);
  }

  /**
   * Whether this hub can work: for a start, so that a server that lacks its secret key or can't reach its store does
   * not come up. What would be wrong with the first request is thrown.
   *
   * @throws ConfigError SECRET_MISSING, CONFIG_INVALID; StoreError
   */
  async check(): Promise<void> {
    this.#services.keyring.assertPresent();
    await this.#services.store.read(newRecordId(), true);
  }

  /** The sessions in which a subject is logged in, the last seen first. @throws StoreError */
  async list(subject: string): Promise<SessionInfo[]> {
    this.#services.keyring.assertPresent();
    return listSessions(this.#services, subject);
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
    this.#services.keyring.assertPresent();
    return revokeSession(this.#services, id, options.subject);
  }

  /**
   * Ends all sessions of a subject: after a change of password, or "log out everywhere" (ASVS 7.4.3).
   *
   * @param options `except`: the id of the session that stays.
   * @returns how many it ended.
   * @throws StoreError; some may have ended by then, and calling again ends the rest.
   */
  async revokeAll(subject: string, options: { readonly except?: string } = {}): Promise<number> {
    this.#services.keyring.assertPresent();
    return revokeSessions(this.#services, subject, options.except);
  }

  /** Deletes all expired records, in batches that let other work go on. @returns how many. @throws StoreError */
  async sweep(): Promise<number> {
    return this.#services.sweeper.sweep();
  }

  /** Lets go of what the store opened. Requests under way may fail. @throws StoreError */
  async close(): Promise<void> {
    await this.#services.store.close();
  }
}

/** The error of a call with what no adapter has seen. */
function noSessionOf(): MisuseError {
  return new MisuseError(
    "NO_SESSION_HERE",
    "This request has no session: put the sessions' adapter in front of its handler, and pass what the handler was given.",
  );
}

/** The error of a call where no request is being handled. */
function noSessionHere(): MisuseError {
  return new MisuseError(
    "NO_SESSION_HERE",
    "No request is being handled here: put the sessions' adapter in front, or, in a callback that lost its request, call sessions.of(request).",
  );
}
