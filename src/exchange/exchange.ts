import { StoreError } from "../errors.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import { cookieValues, parseCookieHeader } from "../cookies/parse.ts";
import type { Adopter, RequestAdoption } from "../services/adopter.ts";
import type { Services } from "../services/services.ts";
import { Cookies } from "../cookies/cookies.ts";
import type { SessionCookieOverride } from "../cookies/session-cookie.ts";
import type { AsyncVariable } from "../runtime/async-variable.ts";
import type { AnyData } from "../session/data-types.ts";
import { isWebSocketRequest } from "../http/request.ts";
import type { RequestLike } from "../http/request.ts";
import { outcomeOf } from "../session/commit.ts";
import type { ResponseOutcome } from "../session/commit.ts";
import type { AccessListener, Committed, HandlerOutcome } from "./outcome.ts";
import { RecordHandle } from "../session/record-handle.ts";
import { judge, load, noTicket } from "../session/load.ts";
import type { LoadResult } from "../session/load.ts";
import { noCookies, readOnlyHeaders } from "../http/response-headers.ts";
import type { ResponseHeaders } from "../http/response-headers.ts";
import { Session } from "../session/session.ts";
import type { StoreClient } from "../services/store-client.ts";
import { andThen, attempt } from "../runtime/maybe-promise.ts";

/** One request and its response, from the adapter's `begin` to its `commit`. */
export class Exchange<Data extends object = AnyData> {
  readonly #services: Services;
  readonly #current: AsyncVariable<Exchange<Data>>;
  readonly #request: RequestLike;
  #listener: AccessListener | undefined;
  /** The request's store client, created on the first use of the session. */
  #calls: StoreClient | undefined;
  #session: Promise<Session<Data>> | undefined;
  #opened: Session<Data> | undefined;
  #isAuthoritative = false;
  #adoption: RequestAdoption | null | undefined;
  #cookies: Cookies | undefined;
  #hasFailed = false;
  #storeFailure: StoreError | undefined;
  #isCommitted = false;
  #isClientGone = false;
  #isAccessed = false;
  #takesCookie = true;
  #cookieOf: (() => SessionCookieOverride | undefined) | undefined;

  /** @internal Use `Exchanges.begin`. */
  constructor(services: Services, current: AsyncVariable<Exchange<Data>>, request: RequestLike) {
    this.#services = services;
    this.#current = current;
    this.#request = request;
  }

  /** The request of this exchange. */
  get request(): RequestLike {
    return this.#request;
  }

  /** Whether it is committed: another handler of the same request must begin a new one. */
  get isCommitted(): boolean {
    return this.#isCommitted;
  }

  /** Whether the code that is running now belongs to this exchange. */
  get isCurrent(): boolean {
    return this.#current.get() === this;
  }

  /** Runs the handler with this exchange as the current one. */
  run<T>(handler: () => T): T {
    return this.#current.run(this, handler);
  }

  /** As `run`, but passes a function that ends this. Call it before code whose result is cached for everybody. */
  runUntil<T>(handler: (end: () => void) => T): T {
    return this.#current.runUntil(this, handler);
  }

  /**
   * What the handler has changed so far and the commit will write or send. Compare it, item by item, with what it was
   * before, to know whether some part of the handler has changed anything.
   */
  get changes(): readonly unknown[] {
    return [...(this.#opened?.changes ?? []), ...(this.#cookies?.changes ?? [])];
  }

  /** Whether the handler has asked for the session or the cookies. If not, the response needs nothing. */
  get accessed(): boolean {
    return this.#session !== undefined || this.#cookies !== undefined || this.#storeFailure !== undefined;
  }

  /** Whether a commit would have something to write. */
  get needsCommit(): boolean {
    return this.#session !== undefined && this.#opened?.needsCommit !== false;
  }

  /** Whether the handler has made changes that are not written yet, or is still making them. */
  get modified(): boolean {
    return this.#session !== undefined && this.#opened?.modified !== false;
  }

  /** Sets the listener to call when the session or the cookies are first used. */
  onFirstAccess(listener: AccessListener): void {
    this.#listener = listener;
  }

  get accessListener(): AccessListener | undefined {
    return this.#listener;
  }

  /**
   * @internal Loads the session before the handler asks for it, for adapters whose handlers get it without a promise.
   * Synchronous if the store is. That is no access yet: the response stays as it is until `accessPreloaded`.
   *
   * @throws what `session` throws.
   */
  preload(): MaybePromise<Session<Data>> {
    if (this.#opened !== undefined) return this.#opened;
    if (this.#session !== undefined) return this.#session;
    const calls = this.#requestCalls;
    return attempt(
      () => this.#load(calls, false),
      (loaded) => this.#begin(calls, loaded),
      (error) => this.#noteStoreFailure(error),
    );
  }

  /** @internal Notes the first access to a session that was preloaded. */
  accessPreloaded(): void {
    if (this.#session !== undefined || this.#opened === undefined) return;
    this.#noteAccess();
    this.#session = Promise.resolve(this.#opened);
    if (this.#isCommitted) void this.#opened.commit("failed");
  }

  /**
   * @internal Lets an adapter decide about the session cookie of this response.
   * @param cookieOf returns the attributes that differ, or `undefined` if the cookie must not be sent.
   */
  overrideCookie(cookieOf: () => SessionCookieOverride | undefined): void {
    this.#cookieOf = cookieOf;
  }

  /** Notes that the handler failed, whatever the response will be: for adapters that can observe errors. */
  fail(error: unknown): void {
    this.#hasFailed = true;
    if (error instanceof StoreError) this.#storeFailure = error;
  }

  /**
   * Returns the session, which the first call loads.
   *
   * @param authoritative reads from the store itself, again if the session was loaded from a copy of the record.
   * @throws StoreError if the store fails or does not answer in time; ConfigError SECRET_MISSING.
   */
  session(authoritative: boolean): Promise<Session<Data>> {
    if (this.#opened !== undefined) this.accessPreloaded();
    if (this.#session === undefined || (authoritative && !this.#isAuthoritative)) {
      this.#noteAccess();
      this.#isAuthoritative = authoritative;
      this.#session = this.#open(authoritative, this.#session);
    }
    return this.#session;
  }

  /** Returns the cookies other than the session cookie. @throws ConfigError SECRET_MISSING */
  cookies(): Cookies {
    if (this.#cookies !== undefined) return this.#cookies;
    if (this.#services.keyring.isIncomplete) this.#services.keyring.assertPresent();
    this.#noteAccess();
    let incoming: ReadonlyMap<string, readonly string[]> | undefined;
    this.#cookies = new Cookies({
      incoming: () => (incoming ??= parseCookieHeader(this.#cookieHeader)),
      protectedValues: this.#services.protectedValues,
      clock: this.#services.clock,
      sessionCookie: this.#services.cookie.name,
    });
    if (this.#isClientGone) this.#cookies.clientLeft();
    else if (this.#isCommitted || this.#request.isUpgraded === true) this.#cookies.commit();
    return this.#cookies;
  }

  /**
   * Notes that the client went away before its response began. Changes that the handler has made or still makes are
   * dropped, as if it had failed. It is not the handler's mistake, so nothing throws.
   */
  clientLeft(): MaybePromise<Committed> {
    this.#isClientGone = true;
    this.#cookies?.clientLeft();
    this.#opened?.clientLeft();
    return this.commit("threw");
  }

  /**
   * Commits. Call it when the handler has responded, before the first byte of the response leaves.
   * Synchronous if there is nothing to wait for; never throws.
   */
  commit(end: HandlerOutcome): MaybePromise<Committed> {
    if (!this.accessed) {
      this.#isCommitted = true;
      return unaccessed;
    }
    const plain = this.#cookies?.commit() ?? [];
    // A network error, or a switch of protocols, carries no headers.
    this.#takesCookie = end === "threw" || (end.takesNoCookie !== true && end.status >= 200);
    const outcome = this.#hasFailed ? "failed" : outcomeOf(end);
    // If the app itself responded with 503, its response is sent.
    const isAnswered = outcome !== "failed" || end === "threw" || end.status === 503;
    if (this.#session === undefined || this.#opened !== undefined)
      return this.#commitSession(outcome, isAnswered, plain);
    // The handler may have asked for the session without awaiting it.
    const commit = async (): Promise<Committed> => this.#commitSession(outcome, isAnswered, plain);
    return this.#session.then(commit, commit);
  }

  #commitSession(
    outcome: ResponseOutcome,
    isAnswered: boolean,
    plain: readonly string[],
  ): MaybePromise<Committed> {
    this.#isCommitted = true;
    const failure = isAnswered ? undefined : this.#storeFailure;
    return attempt(
      () => this.#opened?.commit(outcome, this.#takesCookie),
      () => this.#committed(outcome, failure, plain),
      (error) => this.#committed(outcome, error, plain),
    );
  }

  #committed(outcome: ResponseOutcome, failure: unknown, plain: readonly string[]): Committed {
    // The session cookie of a login or logout is always sent; other cookies only if the request succeeded.
    const clearings = this.#adoption?.clearings ?? noCookies;
    const own = clearings.length === 0 ? this.#sessionCookies() : [...this.#sessionCookies(), ...clearings];
    return {
      headers: this.#headers(outcome === "failed" || failure !== undefined ? own : [...own, ...plain]),
      failure,
    };
  }

  #headers(setCookies: readonly string[]): ResponseHeaders {
    const isAccessed = this.#session !== undefined || this.#cookies !== undefined;
    const isNever = setCookies.length > 0 || this.#opened?.showedMessages === true;
    if (!isNever && isAccessed) return readOnlyHeaders;
    return { setCookies, caching: isNever ? "never" : "shared" };
  }

  #sessionCookies(): readonly string[] {
    const action = this.#opened?.cookieAction;
    if (action === undefined || action.kind === "none") return noCookies;
    const { advice, clock, cookie, tickets } = this.#services;
    const override = this.#cookieOf?.();
    if (this.#cookieOf !== undefined && override === undefined) return noCookies;
    if (action.kind === "clear") return [cookie.cleared(override)];
    if (cookie.secure && override?.secure !== false) advice?.cookieSent(this.#request);
    return [cookie.sent(tickets.sign(action.ticket), action, clock.now(), override)];
  }

  #load(calls: StoreClient, authoritative: boolean): MaybePromise<LoadResult> {
    const services = this.#services;
    const { cookie, crossOrigin } = services;
    if (services.keyring.isIncomplete) services.keyring.assertPresent();
    // Browsers let any site's page open a WebSocket here, by GET and with this site's cookies (ASVS 4.4.2).
    if (isWebSocketRequest(this.#request) && !crossOrigin.isOurs(this.#request)) {
      services.events.emit({ type: "rejected", reason: "cross-origin" });
      return { record: null, rejection: { reason: "cross-origin" }, canStart: false };
    }
    const values = this.#request.cookieValues?.(cookie.name) ?? cookieValues(this.#cookieHeader, cookie.name);
    return values.length === 0 && services.adopter !== undefined
      ? this.#adopt(services.adopter, calls)
      : load(services, calls, values, authoritative);
  }

  /**
   * Opens the session of a visitor without a ticket who brings a cookie of the system before. Only for responses that
   * can set cookies, and not for forms of other sites: our own cookie would not come along with these.
   */
  #adopt(adopter: Adopter, calls: StoreClient): MaybePromise<LoadResult> {
    const { method } = this.#request;
    const cannot = this.#isCommitted || this.#isClientGone || this.#request.isUpgraded === true;
    const header: RequestLike["header"] = (name) => this.#request.header(name);
    // Without the path, exempt paths count like any other.
    const isAllowed = this.#services.crossOrigin.allows({ method, header });
    if (cannot || !isAllowed || isWebSocketRequest(this.#request)) return noTicket;
    return andThen(this.#oldCookies(adopter, calls)?.adopt(), (adopted) => {
      if (adopted === undefined) return noTicket;
      const result = judge(this.#services, adopted.ticket, adopted.record);
      return result.record === null ? result : { ...result, isNewTicket: true };
    });
  }

  #oldCookies(adopter: Adopter, calls: StoreClient): RequestAdoption | null {
    return (this.#adoption ??= adopter.begin(this.#request, calls) ?? null);
  }

  /** @param earlier the session from an earlier call, whose changes are applied to the record as it is now. */
  #open(authoritative: boolean, earlier?: Promise<Session<Data>>): Promise<Session<Data>> {
    if (earlier !== undefined) return this.#reopen(authoritative, earlier);
    const calls = this.#requestCalls;
    return Promise.resolve(
      attempt(
        () => this.#load(calls, authoritative),
        (loaded) => this.#begin(calls, loaded),
        async (error) => this.#noteStoreFailure(error),
      ),
    );
  }

  #begin(calls: StoreClient, loaded: LoadResult): Session<Data> {
    const services = this.#services;
    const { adopter } = services;
    const retire =
      adopter && ((current: string | undefined) => this.#oldCookies(adopter, calls)?.retire(current));
    const handle = new RecordHandle(services, calls, loaded, retire);
    const session = new Session<Data>(services, handle, this.#request);
    this.#opened = session;
    if (this.#isClientGone) session.clientLeft();
    // The response has left, or there will be none: the session can be read, and throws when it is written to.
    if (this.#isCommitted || this.#request.isUpgraded === true) void session.commit("failed");
    return session;
  }

  async #reopen(authoritative: boolean, earlier: Promise<Session<Data>>): Promise<Session<Data>> {
    const session = await earlier;
    try {
      session.reload(await this.#load(this.#requestCalls, authoritative));
      return session;
    } catch (error) {
      return this.#noteStoreFailure(error);
    }
  }

  #noteStoreFailure(error: unknown): never {
    if (error instanceof StoreError) this.#storeFailure = error;
    throw error;
  }

  get #requestCalls(): StoreClient {
    return (this.#calls ??= this.#services.store.forRequest());
  }

  get #cookieHeader(): string {
    return this.#request.header("cookie") ?? "";
  }

  #noteAccess(): void {
    if (this.#isAccessed) return;
    this.#isAccessed = true;
    this.#listener?.onAccess();
  }
}

const unaccessed: Committed = { headers: { setCookies: noCookies, caching: "shared" }, failure: undefined };
