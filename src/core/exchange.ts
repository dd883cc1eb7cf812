import { StoreError } from "../errors.ts";
import { isThenable } from "./awaitable.ts";
import type { Awaitable } from "./awaitable.ts";
import { parseCookieHeader } from "./cookie-header.ts";
import type { ResponseFate } from "./commit.ts";
import type { Context } from "./context.ts";
import { Cookies } from "./cookies.ts";
import type { CookieVault } from "./cookie-vault.ts";
import type { Currents } from "./currents.ts";
import type { Incoming } from "./incoming.ts";
import { LiveRecord } from "./live-record.ts";
import { open } from "./opening.ts";
import type { Opening } from "./opening.ts";
import type { OriginCheck } from "./origin-check.ts";
import type { ResponseHeaders } from "./response-headers.ts";
import { Session } from "./session.ts";
import type { SessionCookie } from "./session-cookie.ts";
import type { StoreCalls } from "./store-calls.ts";

/** What the exchanges of one hub share, beside the sessions' {@link Context}. */
export interface ExchangeParts<Data extends object> {
  readonly context: Context;
  readonly cookie: SessionCookie;
  readonly vault: CookieVault;
  readonly origin: OriginCheck;
  readonly currents: Currents<Exchange<Data>>;
}

/** How a handler ended, as an adapter tells it. */
export type HandlerEnd = { readonly status: number } | "threw";

/** What is to be done with a response after the commit. */
export interface Settled {
  readonly headers: ResponseHeaders;
  /**
   * Why the visitor must get an error with these headers and not the response: the commit failed, or
   * the store did where the handler needed it, and the handler answered an error other than 503.
   */
  readonly failure: unknown;
}

/** One request and its response: where an adapter begins and ends a session's use. */
export class Exchange<Data extends object> {
  readonly #parts: ExchangeParts<Data>;
  readonly #request: Incoming;
  /** The request's calls of the store, from its first use of the session. */
  #calls: StoreCalls | undefined;
  #incoming: ReadonlyMap<string, readonly string[]> | undefined;
  #session: Promise<Session<Data>> | undefined;
  #opened: Session<Data> | undefined;
  #isAuthoritative = false;
  #cookies: Cookies | undefined;
  #hasFailed = false;
  #storeFailure: StoreError | undefined;
  #isSettled = false;

  constructor(parts: ExchangeParts<Data>, request: Incoming) {
    this.#parts = parts;
    this.#request = request;
  }

  /** Runs the handler with this exchange as the current one. */
  run<T>(handler: () => T): T {
    return this.#parts.currents.run(this, handler);
  }

  /** Nobody has asked for the session or the cookies: the response needs nothing from us. */
  get isUntouched(): boolean {
    return this.#session === undefined && this.#cookies === undefined && this.#storeFailure === undefined;
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
   * @throws StoreError when the store does not answer.
   */
  session(authoritative: boolean): Promise<Session<Data>> {
    if (authoritative && !this.#isAuthoritative) {
      this.#isAuthoritative = true;
      this.#session = this.#open(true, this.#session);
    }
    return (this.#session ??= this.#open(false));
  }

  /** The cookies beside the session. */
  cookies(): Cookies {
    if (this.#cookies !== undefined) return this.#cookies;
    this.#cookies = new Cookies({
      incoming: () => this.#readCookies(),
      vault: this.#parts.vault,
      clock: this.#parts.context.clock,
      sessionCookie: this.#parts.cookie.name,
    });
    if (this.#isSettled) this.#cookies.settle();
    return this.#cookies;
  }

  /**
   * Commits. Call it once the handler has answered and before any byte of the response has left.
   * Answers at once when there is nothing to wait for, and never throws.
   */
  settle(end: HandlerEnd): Awaitable<Settled> {
    const plain = this.#cookies?.settle() ?? [];
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
    const committed = this.#opened?.settle(fate);
    if (committed === undefined) return this.#settled(fate, failure, plain);
    return committed.then(
      () => this.#settled(fate, failure, plain),
      (error: unknown) => this.#settled(fate, error, plain),
    );
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
    return { setCookies, caching: isNever ? "never" : isTouched ? "private" : "shared" };
  }

  #sessionCookies(): string[] {
    const action = this.#opened?.cookieAction ?? { kind: "none" };
    const { cookie, context } = this.#parts;
    if (action.kind === "none") return [];
    if (action.kind === "clear") return [cookie.cleared()];
    return [cookie.sent(context.office.sign(action.ticket), action, context.clock.now())];
  }

  #openRecord(calls: StoreCalls, authoritative: boolean): Awaitable<Opening> {
    const { context, cookie, origin } = this.#parts;
    // Browsers let any page open a WebSocket here, with this site's cookies and by GET (ASVS 4.4.2).
    if (this.#request.header("upgrade")?.toLowerCase() === "websocket" && !origin.isOurs(this.#request)) {
      context.events.emit({ type: "rejected", reason: "cross-origin" });
      return { record: null, rejection: { reason: "cross-origin" }, mayBegin: false };
    }
    return open(context, calls, this.#readCookies().get(cookie.name) ?? [], authoritative);
  }

  /** @param earlier the session as it was opened before, to be laid over the record as it is now. */
  async #open(authoritative: boolean, earlier?: Promise<Session<Data>>): Promise<Session<Data>> {
    const opened = earlier === undefined ? undefined : await earlier;
    const calls = (this.#calls ??= this.#parts.context.calls.ofRequest());
    let opening: Opening;
    try {
      const found = this.#openRecord(calls, authoritative);
      opening = isThenable(found) ? await found : found;
    } catch (error) {
      if (error instanceof StoreError) this.#storeFailure = error;
      throw error;
    }
    if (opened !== undefined) {
      opened.reopen(opening);
      return opened;
    }
    const { context } = this.#parts;
    const session = new Session<Data>(context, new LiveRecord(context, calls, opening), this.#request);
    this.#opened = session;
    // Opened when the response had left: it can be read, and says so when it is written to.
    if (this.#isSettled) await session.settle("failed");
    return session;
  }

  #readCookies(): ReadonlyMap<string, readonly string[]> {
    return (this.#incoming ??= parseCookieHeader(this.#request.header("cookie") ?? ""));
  }
}

function fateOf(end: HandlerEnd): ResponseFate {
  if (end === "threw" || end.status >= 500) return "failed";
  return end.status >= 300 && end.status < 400 ? "unseen" : "seen";
}
