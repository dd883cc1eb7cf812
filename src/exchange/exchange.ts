import { StoreError } from "../errors.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import { cookieValues, parseCookieHeader } from "../cookies/parse.ts";
import type { ResponseOutcome } from "../session/commit.ts";
import type { Services } from "../services/services.ts";
import { Cookies } from "../cookies/cookies.ts";
import type { AsyncVariable } from "../runtime/async-variable.ts";
import type { AnyData } from "../session/data-types.ts";
import { isWebSocketRequest } from "../http/request.ts";
import type { RequestLike } from "../http/request.ts";
import { RecordHandle } from "../session/record-handle.ts";
import { load } from "../session/load.ts";
import type { LoadResult } from "../session/load.ts";
import type { ResponseHeaders } from "../http/response-headers.ts";
import { Session } from "../session/session.ts";
import type { StoreClient } from "../services/store-client.ts";
import { attempt } from "../runtime/maybe-promise.ts";

/** How a handler ended, as an adapter tells it; `takesNoCookie` where its response can set none: what needs one then waits. */
export type HandlerOutcome = { readonly status: number; readonly takesNoCookie?: true } | "threw";

/** What is to be done with a response after the commit. */
export interface Committed {
  readonly headers: ResponseHeaders;
  /**
   * Why the visitor must get an error with these headers and not the response: the commit failed, or
   * the store did where the handler needed it, and the handler answered an error other than 503.
   */
  readonly failure: unknown;
}

/** Who wants to know that an exchange is in use. */
export interface AccessListener {
  onAccess(): void;
}

/** One request and its response: where an adapter begins and ends a session's use. */
export class Exchange<Data extends object = AnyData> {
  readonly #services: Services;
  readonly #current: AsyncVariable<Exchange<Data>>;
  readonly #request: RequestLike;
  #listener: AccessListener | undefined;
  /** The request's calls of the store, from its first use of the session. */
  #calls: StoreClient | undefined;
  #session: Promise<Session<Data>> | undefined;
  #opened: Session<Data> | undefined;
  #isAuthoritative = false;
  #cookies: Cookies | undefined;
  #hasFailed = false;
  #storeFailure: StoreError | undefined;
  #isCommitted = false;
  #isClientGone = false;
  #isAccessed = false;
  #takesCookie = true;

  constructor(services: Services, current: AsyncVariable<Exchange<Data>>, request: RequestLike) {
    this.#services = services;
    this.#current = current;
    this.#request = request;
  }

  /** What it is an exchange of. */
  get request(): RequestLike {
    return this.#request;
  }

  /** Whether its response is settled, so that another handler of the same request begins another. */
  get isCommitted(): boolean {
    return this.#isCommitted;
  }

  /** Whether this is the exchange of what is running now. */
  get isCurrent(): boolean {
    return this.#current.get() === this;
  }

  /** Runs the handler with this exchange as the current one. */
  run<T>(handler: () => T): T {
    return this.#current.run(this, handler);
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

  /** Calls the listener when the session or the cookies are first asked for. */
  onFirstAccess(listener: AccessListener): void {
    this.#listener = listener;
  }

  get accessListener(): AccessListener | undefined {
    return this.#listener;
  }

  /** Notes that the handler failed, whatever will be answered: for adapters that see errors pass by. */
  fail(error: unknown): void {
    this.#hasFailed = true;
    if (error instanceof StoreError) this.#storeFailure = error;
  }

  /**
   * The session, opened on the first call.
   *
   * @param authoritative asks the store itself, again if the session was opened from a copy of the record.
   * @throws StoreError when the store does not answer; ConfigError SECRET_MISSING.
   */
  session(authoritative: boolean): Promise<Session<Data>> {
    if (this.#session === undefined || (authoritative && !this.#isAuthoritative)) {
      this.#noteAccess();
      this.#isAuthoritative = authoritative;
      this.#session = this.#open(authoritative, this.#session);
    }
    return this.#session;
  }

  /** The cookies beside the session. @throws ConfigError SECRET_MISSING */
  cookies(): Cookies {
    if (this.#cookies !== undefined) return this.#cookies;
    this.#services.keyring.assertPresent();
    this.#noteAccess();
    let incoming: ReadonlyMap<string, readonly string[]> | undefined;
    this.#cookies = new Cookies({
      incoming: () => (incoming ??= parseCookieHeader(this.#cookieHeader)),
      vault: this.#services.protectedValues,
      clock: this.#services.clock,
      sessionCookie: this.#services.cookie.name,
    });
    if (this.#isClientGone) this.#cookies.clientLeft();
    else if (this.#isCommitted || this.#request.isUpgraded === true) this.#cookies.commit();
    return this.#cookies;
  }

  /**
   * The client went away before its response began: what the handler has changed is dropped, as when it fails, and so
   * is what it goes on to change. That is the visitor's doing and no mistake of the handler's, so nothing throws.
   */
  clientLeft(): MaybePromise<Committed> {
    this.#isClientGone = true;
    this.#cookies?.clientLeft();
    this.#opened?.clientLeft();
    return this.commit("threw");
  }

  /**
   * Commits. Call it once the handler has answered and before any byte of the response has left.
   * Answers at once when there is nothing to wait for, and never throws.
   */
  commit(end: HandlerOutcome): MaybePromise<Committed> {
    if (!this.accessed) {
      this.#isCommitted = true;
      return unaccessed;
    }
    const plain = this.#cookies?.commit() ?? [];
    // A network error, or the switch to another protocol, carries no headers.
    this.#takesCookie = end === "threw" || (end.takesNoCookie !== true && end.status >= 200);
    const outcome = this.#hasFailed ? "failed" : outcomeOf(end);
    // A 503 of the app's own says what there is to say.
    const isAnswered = outcome !== "failed" || end === "threw" || end.status === 503;
    if (this.#session === undefined || this.#opened !== undefined)
      return this.#commitSession(outcome, isAnswered, plain);
    // A handler may have called for the session and not waited for it.
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
    // Set-Cookie of a login or logout goes out whatever happens; other cookies only with a page that succeeded.
    const own = this.#sessionCookies();
    return {
      headers: this.#headers(outcome === "failed" || failure !== undefined ? own : [...own, ...plain]),
      failure,
    };
  }

  #headers(setCookies: readonly string[]): ResponseHeaders {
    const isAccessed = this.#session !== undefined || this.#cookies !== undefined;
    const isNever = setCookies.length > 0 || this.#opened?.showedMessages === true;
    if (!isNever && isAccessed) return readOnly;
    return { setCookies, caching: isNever ? "never" : "shared" };
  }

  #sessionCookies(): readonly string[] {
    const action = this.#opened?.cookieAction;
    if (action === undefined || action.kind === "none") return none;
    const { advice, clock, cookie, tickets } = this.#services;
    if (action.kind === "clear") return [cookie.cleared()];
    if (cookie.secure) advice?.cookieSent(this.#request);
    return [cookie.sent(tickets.sign(action.ticket), action, clock.now())];
  }

  #load(calls: StoreClient, authoritative: boolean): MaybePromise<LoadResult> {
    const services = this.#services;
    const { cookie, crossOrigin } = services;
    services.keyring.assertPresent();
    // Browsers let any page open a WebSocket here, with this site's cookies and by GET (ASVS 4.4.2).
    if (isWebSocketRequest(this.#request) && !crossOrigin.isOurs(this.#request)) {
      services.events.emit({ type: "rejected", reason: "cross-origin" });
      return { record: null, rejection: { reason: "cross-origin" }, canStart: false };
    }
    const values = this.#request.cookieValues?.(cookie.name) ?? cookieValues(this.#cookieHeader, cookie.name);
    return load(services, calls, values, authoritative);
  }

  /** @param earlier the session as it was opened before, to be laid over the record as it is now. */
  #open(authoritative: boolean, earlier?: Promise<Session<Data>>): Promise<Session<Data>> {
    if (earlier !== undefined) return this.#reopen(authoritative, earlier);
    const calls = this.#requestCalls;
    const opened = attempt(
      () => this.#load(calls, authoritative),
      (loaded) => this.#begin(calls, loaded),
      async (error) => this.#failToOpen(error),
    );
    return Promise.resolve(opened);
  }

  #begin(calls: StoreClient, loaded: LoadResult): Session<Data> {
    const services = this.#services;
    const session = new Session<Data>(services, new RecordHandle(services, calls, loaded), this.#request);
    this.#opened = session;
    if (this.#isClientGone) session.clientLeft();
    // Opened when the response had left, or where none will come: it can be read, and says so when it is written to.
    if (this.#isCommitted || this.#request.isUpgraded === true) void session.commit("failed");
    return session;
  }

  async #reopen(authoritative: boolean, earlier: Promise<Session<Data>>): Promise<Session<Data>> {
    const session = await earlier;
    try {
      session.reload(await this.#load(this.#requestCalls, authoritative));
      return session;
    } catch (error) {
      return this.#failToOpen(error);
    }
  }

  async #failToOpen(error: unknown): Promise<never> {
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

const none: readonly string[] = [];
/** What is true of most responses. */
const unaccessed: Committed = { headers: { setCookies: none, caching: "shared" }, failure: undefined };
const readOnly: ResponseHeaders = { setCookies: none, caching: "private" };

function outcomeOf(end: HandlerOutcome): ResponseOutcome {
  if (end === "threw" || end.status >= 500) return "failed";
  return end.status >= 300 && end.status < 400 ? "redirect" : "page";
}
