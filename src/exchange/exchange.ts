import { StoreError } from "../errors.ts";
import { isThenable } from "../runtime/maybe-async.ts";
import type { Awaitable } from "../runtime/maybe-async.ts";
import { cookieValues, parseCookieHeader } from "../cookies/parse.ts";
import type { ResponseFate } from "../session/commit.ts";
import type { Context } from "../services/services.ts";
import { Cookies } from "../cookies/cookies.ts";
import type { CookieVault } from "../cookies/protected-values.ts";
import type { Currents } from "../runtime/async-variable.ts";
import type { AnyData } from "../session/data-types.ts";
import { asksForSocket } from "../http/request.ts";
import type { Incoming } from "../http/request.ts";
import { LiveRecord } from "../session/record-handle.ts";
import { open } from "../session/load.ts";
import type { Opening } from "../session/load.ts";
import type { OriginCheck } from "../http/cross-origin.ts";
import type { ResponseHeaders } from "../http/response-headers.ts";
import { Session } from "../session/session.ts";
import type { SessionCookie } from "../cookies/session-cookie.ts";
import type { StoreCalls } from "../services/store-client.ts";

/** @internal What the exchanges of one hub share, beside the sessions' {@link Context}. */
export interface ExchangeParts<Data extends object> {
  readonly context: Context;
  readonly cookie: SessionCookie;
  readonly vault: CookieVault;
  readonly origin: OriginCheck;
  readonly currents: Currents<Exchange<Data>>;
}

/** How a handler ended, as an adapter tells it; `takesNoCookie` where its response can set none: what needs one then waits. */
export type HandlerEnd = { readonly status: number; readonly takesNoCookie?: true } | "threw";

/** What is to be done with a response after the commit. */
export interface Settled {
  readonly headers: ResponseHeaders;
  /**
   * Why the visitor must get an error with these headers and not the response: the commit failed, or
   * the store did where the handler needed it, and the handler answered an error other than 503.
   */
  readonly failure: unknown;
}

/** Who wants to know that an exchange is in use. */
export interface ExchangeWatcher {
  onTouched(): void;
}

/** One request and its response: where an adapter begins and ends a session's use. */
export class Exchange<Data extends object = AnyData> {
  readonly #parts: ExchangeParts<Data>;
  readonly #request: Incoming;
  #watcher: ExchangeWatcher | undefined;
  /** The request's calls of the store, from its first use of the session. */
  #calls: StoreCalls | undefined;
  #session: Promise<Session<Data>> | undefined;
  #opened: Session<Data> | undefined;
  #isAuthoritative = false;
  #cookies: Cookies | undefined;
  #hasFailed = false;
  #storeFailure: StoreError | undefined;
  #isSettled = false;
  #isAbandoned = false;
  #isTouched = false;
  #takesCookie = true;

  /** @internal */
  constructor(parts: ExchangeParts<Data>, request: Incoming) {
    this.#parts = parts;
    this.#request = request;
  }

  /** What it is an exchange of. */
  get request(): Incoming {
    return this.#request;
  }

  /** Whether its response is settled, so that another handler of the same request begins another. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Whether this is the exchange of what is running now. */
  get isCurrent(): boolean {
    return this.#parts.currents.get() === this;
  }

  /** Runs the handler with this exchange as the current one. */
  run<T>(handler: () => T): T {
    return this.#parts.currents.run(this, handler);
  }

  /** Nobody has asked for the session or the cookies: the response needs nothing from us. */
  get isUntouched(): boolean {
    return this.#session === undefined && this.#cookies === undefined && this.#storeFailure === undefined;
  }

  /** As it stands, there is nothing to write. */
  get isQuiet(): boolean {
    return this.#session === undefined || this.#opened?.isQuiet === true;
  }

  /** Whether the handler has done something that is not written yet, or is still at it. */
  get hasChanges(): boolean {
    return this.#session !== undefined && this.#opened?.hasChanges !== false;
  }

  /** Has somebody told when the session or the cookies are asked for, the first time. */
  watchedBy(watcher: ExchangeWatcher): void {
    this.#watcher = watcher;
  }

  /** Who is told so. */
  get watcher(): ExchangeWatcher | undefined {
    return this.#watcher;
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
      this.#touch();
      this.#isAuthoritative = authoritative;
      this.#session = this.#open(authoritative, this.#session);
    }
    return this.#session;
  }

  /** The cookies beside the session. @throws ConfigError SECRET_MISSING */
  cookies(): Cookies {
    if (this.#cookies !== undefined) return this.#cookies;
    this.#parts.context.keyring.assertPresent();
    this.#touch();
    let incoming: ReadonlyMap<string, readonly string[]> | undefined;
    this.#cookies = new Cookies({
      incoming: () => (incoming ??= parseCookieHeader(this.#cookieHeader)),
      vault: this.#parts.vault,
      clock: this.#parts.context.clock,
      sessionCookie: this.#parts.cookie.name,
    });
    if (this.#isAbandoned) this.#cookies.leave();
    else if (this.#isSettled || this.#request.isUpgraded === true) this.#cookies.settle();
    return this.#cookies;
  }

  /**
   * The client went away before its response began: what the handler has changed is dropped, as when it fails, and so
   * is what it goes on to change. That is the visitor's doing and no mistake of the handler's, so nothing throws.
   */
  leave(): Awaitable<Settled> {
    this.#isAbandoned = true;
    this.#cookies?.leave();
    this.#opened?.leave();
    return this.settle("threw");
  }

  /**
   * Commits. Call it once the handler has answered and before any byte of the response has left.
   * Answers at once when there is nothing to wait for, and never throws.
   */
  settle(end: HandlerEnd): Awaitable<Settled> {
    if (this.isUntouched) {
      this.#isSettled = true;
      return untouched;
    }
    const plain = this.#cookies?.settle() ?? [];
    // A network error, or the switch to another protocol, carries no headers.
    this.#takesCookie = end === "threw" || (end.takesNoCookie !== true && end.status >= 200);
    const fate = this.#hasFailed ? "failed" : fateOf(end);
    // A 503 of the app's own says what there is to say.
    const isAnswered = fate !== "failed" || end === "threw" || end.status === 503;
    if (this.#session === undefined || this.#opened !== undefined)
      return this.#commit(fate, isAnswered, plain);
    // A handler may have called for the session and not waited for it.
    const commit = async (): Promise<Settled> => this.#commit(fate, isAnswered, plain);
    return this.#session.then(commit, commit);
  }

  #commit(fate: ResponseFate, isAnswered: boolean, plain: readonly string[]): Awaitable<Settled> {
    this.#isSettled = true;
    const failure = isAnswered ? undefined : this.#storeFailure;
    try {
      const committed = this.#opened?.settle(fate, this.#takesCookie);
      if (!isThenable(committed)) return this.#settled(fate, failure, plain);
      return committed.then(
        () => this.#settled(fate, failure, plain),
        (error: unknown) => this.#settled(fate, error, plain),
      );
    } catch (error) {
      return this.#settled(fate, error, plain);
    }
  }

  #settled(fate: ResponseFate, failure: unknown, plain: readonly string[]): Settled {
    // Set-Cookie of a login or logout goes out whatever happens; other cookies only with a page that succeeded.
    const own = this.#sessionCookies();
    return {
      headers: this.#headers(fate === "failed" || failure !== undefined ? own : [...own, ...plain]),
      failure,
    };
  }

  #headers(setCookies: readonly string[]): ResponseHeaders {
    const isTouched = this.#session !== undefined || this.#cookies !== undefined;
    const isNever = setCookies.length > 0 || this.#opened?.showedMessages === true;
    if (!isNever && isTouched) return lookedAt;
    return { setCookies, caching: isNever ? "never" : "shared" };
  }

  #sessionCookies(): readonly string[] {
    const action = this.#opened?.cookieAction;
    if (action === undefined || action.kind === "none") return none;
    const { cookie, context } = this.#parts;
    if (action.kind === "clear") return [cookie.cleared()];
    if (cookie.secure) context.advice?.cookieSent(this.#request);
    return [cookie.sent(context.office.sign(action.ticket), action, context.clock.now())];
  }

  #openRecord(calls: StoreCalls, authoritative: boolean): Awaitable<Opening> {
    const { context, cookie, origin } = this.#parts;
    context.keyring.assertPresent();
    // Browsers let any page open a WebSocket here, with this site's cookies and by GET (ASVS 4.4.2).
    if (asksForSocket(this.#request) && !origin.isOurs(this.#request)) {
      context.events.emit({ type: "rejected", reason: "cross-origin" });
      return { record: null, rejection: { reason: "cross-origin" }, mayBegin: false };
    }
    const values = this.#request.cookieValues?.(cookie.name) ?? cookieValues(this.#cookieHeader, cookie.name);
    return open(context, calls, values, authoritative);
  }

  /** @param earlier the session as it was opened before, to be laid over the record as it is now. */
  #open(authoritative: boolean, earlier?: Promise<Session<Data>>): Promise<Session<Data>> {
    if (earlier !== undefined) return this.#reopen(authoritative, earlier);
    const calls = this.#requestCalls;
    try {
      const opening = this.#openRecord(calls, authoritative);
      if (!isThenable(opening)) return Promise.resolve(this.#begin(calls, opening));
      return opening.then(
        (found) => this.#begin(calls, found),
        (error: unknown) => this.#failToOpen(error),
      );
    } catch (error) {
      return this.#failToOpen(error);
    }
  }

  #begin(calls: StoreCalls, opening: Opening): Session<Data> {
    const { context } = this.#parts;
    const session = new Session<Data>(context, new LiveRecord(context, calls, opening), this.#request);
    this.#opened = session;
    if (this.#isAbandoned) session.leave();
    // Opened when the response had left, or where none will come: it can be read, and says so when it is written to.
    if (this.#isSettled || this.#request.isUpgraded === true) void session.settle("failed");
    return session;
  }

  async #reopen(authoritative: boolean, earlier: Promise<Session<Data>>): Promise<Session<Data>> {
    const session = await earlier;
    try {
      session.reopen(await this.#openRecord(this.#requestCalls, authoritative));
      return session;
    } catch (error) {
      return this.#failToOpen(error);
    }
  }

  async #failToOpen(error: unknown): Promise<never> {
    if (error instanceof StoreError) this.#storeFailure = error;
    throw error;
  }

  get #requestCalls(): StoreCalls {
    return (this.#calls ??= this.#parts.context.calls.ofRequest());
  }

  get #cookieHeader(): string {
    return this.#request.header("cookie") ?? "";
  }

  #touch(): void {
    if (this.#isTouched) return;
    this.#isTouched = true;
    this.#watcher?.onTouched();
  }
}

const none: readonly string[] = [];
/** What is true of most responses. */
const untouched: Settled = { headers: { setCookies: none, caching: "shared" }, failure: undefined };
const lookedAt: ResponseHeaders = { setCookies: none, caching: "private" };

function fateOf(end: HandlerEnd): ResponseFate {
  if (end === "threw" || end.status >= 500) return "failed";
  return end.status >= 300 && end.status < 400 ? "unseen" : "seen";
}
