import { MisuseError } from "../../errors.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { andThen, attempt } from "../../runtime/maybe-promise.ts";
import type { MaybePromise } from "../../runtime/maybe-promise.ts";
import type { CommitExtension, PendingChanges, ResponseOutcome } from "../../session/commit.ts";
import type { SessionData } from "../../session/data.ts";
import {
  end,
  endOfSession,
  forget,
  idOf,
  readAgain,
  save,
  startEmpty,
  storedData,
} from "../../session/direct.ts";
import { checkedSubject } from "../../session/login.ts";
import { rebind } from "../../session/rebind.ts";
import type { RecordSettings } from "../../session/record-settings.ts";
import type { Session } from "../../session/session.ts";
import { RequestCookie } from "./cookie.ts";
import type { CookieTarget } from "./cookie.ts";
import type { CookieAttributes, Limits, NewCookie } from "./options.ts";
import { SessionObject, viewOf } from "./session-object.ts";
import type { Shown, Work } from "./session-object.ts";

/** What all requests of a middleware share. */
export interface Settings extends Limits {
  readonly newCookie: NewCookie;
  readonly subject: ((data: never) => unknown) | undefined;
}

/** The `req.session` of one request. */
export class RequestState implements Shown, CommitExtension, CookieTarget {
  readonly limits: Limits;
  /** What the cookie of this response has instead of the attributes of `createSessions`. */
  attributes: CookieAttributes;
  isExpired = false;
  readonly #settings: Settings;
  readonly #exchange: Exchange;
  readonly #pending: PendingChanges;
  readonly #record: RecordSettings;
  #object: SessionObject | undefined;
  #cookie: RequestCookie | undefined;
  #id: string | undefined;
  /** What `req.session` is after the session was ended. */
  #ended: { value: unknown } | undefined;
  /** Whether the old session is still to be ended, because that has not happened yet or has failed. */
  #mustEnd = false;
  /** Whether a session begins with this response even if it has no data. */
  #mustStart = false;

  constructor(settings: Settings, exchange: Exchange, session: Session) {
    this.#settings = settings;
    this.#exchange = exchange;
    this.#pending = session.pending;
    this.limits = settings;
    const { attributes, maxAge } = settings.newCookie;
    this.attributes = attributes;
    this.#record = {
      nextId: undefined,
      permanent: maxAge !== undefined,
      ownLifetime: maxAge,
      resendsOnWrite: true,
    };
    session.pending.handle.settings = this.#record;
    session.pending.extension = this;
  }

  /** `req.session`. Reading it is an access. */
  get value(): unknown {
    this.#exchange.accessPreloaded();
    if (this.#ended !== undefined) return this.#ended.value;
    return (this.#object ??= new SessionObject(this)).proxy;
  }

  /** Sets `req.session`: `null` and `undefined` end the session. @throws MisuseError KEY_INVALID for another object. */
  set value(value: unknown) {
    if (value !== null && value !== undefined) {
      if (this.#ended === undefined && value === this.#object?.proxy) return;
      throw new MisuseError(
        "KEY_INVALID",
        "req.session can't be replaced. Use Object.assign(req.session, {…}), after regenerate() if it must be empty; null ends it.",
      );
    }
    this.#exchange.accessPreloaded();
    // The commit waits for it. If it fails, the commit tries again, and then fails, too.
    if (this.#ended === undefined) this.#destroy(value).catch(() => {});
    else this.#ended.value = value;
  }

  get id(): string {
    this.#exchange.accessPreloaded();
    return (this.#id ??= idOf(this.#pending, this.#record));
  }

  get data(): SessionData {
    return this.#pending.data;
  }

  get cookie(): RequestCookie {
    return (this.#cookie ??= new RequestCookie(this));
  }

  /** The attributes for the session cookie of this response; `undefined` if it must not be sent. */
  cookieFor(isSecure: () => boolean): (CookieAttributes & { readonly expires: boolean }) | undefined {
    return this.attributes.secure === true && !isSecure() ? undefined : { ...this.attributes, expires: true };
  }

  get now(): number {
    return this.#pending.services.clock.now();
  }

  get lifetime(): number | null {
    const { permanent, ownLifetime, handle } = this.#pending;
    if (permanent === false) return null;
    if (permanent === true) return ownLifetime ?? this.limits.permanentLifetime;
    const record = this.#mustEnd ? null : handle.current;
    if (record !== null) return record.permanent ? record.idleTimeout : null;
    return this.#record.permanent ? (this.#record.ownLifetime ?? this.limits.permanentLifetime) : null;
  }
  set lifetime(lifetime: number | null) {
    this.#pending.permanent = lifetime !== null;
    this.#pending.ownLifetime = lifetime ?? undefined;
  }

  get end(): number {
    const stored =
      this.#mustEnd || this.#pending.permanent !== undefined ? undefined : endOfSession(this.#pending);
    return stored ?? this.now + (this.lifetime ?? 0);
  }

  assertWritable(): void {
    if (this.#pending.isLoggedOut)
      throw new MisuseError(
        "AFTER_LOGOUT",
        "After a logout, req.session can't be changed. Call regenerate() first.",
      );
  }

  async start(work: Work): Promise<void> {
    // Nobody waits for a response, so each call has the whole deadline.
    if (this.#isLate) this.#pending.handle.calls.restartDeadline();
    if (work === "save") return this.#save();
    if (work === "reload") return this.#reload();
    return work === "destroy" ? this.#destroy(undefined) : this.#regenerate();
  }

  get isDue(): boolean {
    return this.#mustEnd || this.#mustStart || this.isExpired;
  }

  beforeCommit(outcome: ResponseOutcome): MaybePromise<void> {
    return this.#settle(outcome, false);
  }

  #settle(outcome: ResponseOutcome, isLate: boolean): MaybePromise<void> {
    if (outcome !== "failed" && this.isExpired) this.#mustEnd = true;
    return andThen(this.#endIfDue(), () => {
      if (outcome === "failed" || this.#pending.isLoggedOut) return undefined;
      return andThen(this.#bindIfChanged(isLate), () => this.#startIfDue());
    });
  }

  /** Whether there is no response any more that could carry a cookie. */
  get #isLate(): boolean {
    return this.#exchange.isCommitted || this.#exchange.request.isUpgraded === true;
  }

  async #save(): Promise<void> {
    const { handle } = this.#pending;
    const isLate = this.#isLate;
    this.#mustStart ||= !isLate;
    await handle.enqueue(() => {
      // The commit, which may have been running until now, has begun one if there was something to store.
      if (isLate && handle.current === null)
        throw late("There is no session that could be saved, and none can begin");
      return andThen(this.#settle("page", isLate), () => save(this.#pending, !isLate));
    });
  }

  async #reload(): Promise<void> {
    const isThere = await this.#pending.handle.enqueue(() => readAgain(this.#pending));
    if (!isThere)
      throw new MisuseError(
        "SESSION_ENDED",
        "The session can't be read again: it has ended, or was never stored.",
      );
  }

  async #regenerate(): Promise<void> {
    if (this.#isLate) throw late("No other session can begin");
    this.#detach();
    this.#id = undefined;
    this.#record.nextId = undefined;
    this.#ended = undefined;
    this.#pending.isLoggedOut = false;
    this.isExpired = false;
    this.attributes = this.#settings.newCookie.attributes;
    this.#mustStart = true;
    await this.#endOld();
  }

  async #destroy(value: null | undefined): Promise<void> {
    this.#detach();
    this.#ended = { value };
    this.#pending.isLoggedOut = true;
    this.#mustStart = false;
    await this.#endOld();
  }

  /** Gives the object that was `req.session` a copy of what it showed. */
  #detach(): void {
    this.#id = this.id;
    this.#object?.detach();
    this.#object = undefined;
    this.#cookie = undefined;
  }

  /** Ends the session of the request, after the calls that are running. From now on the data is that of the next. */
  async #endOld(): Promise<void> {
    forget(this.#pending);
    this.#mustEnd = true;
    await this.#pending.handle.enqueue(() => this.#endIfDue());
  }

  #endIfDue(): MaybePromise<void> {
    if (!this.#mustEnd) return undefined;
    const { handle } = this.#pending;
    return andThen(end(this.#pending), (wasThere) => {
      this.#mustEnd = false;
      if (!this.isExpired) return;
      this.isExpired = false;
      forget(this.#pending);
      this.#pending.isLoggedOut = true;
      if (wasThere) handle.cookie.clear();
    });
  }

  /** Logs in or out if the subject in the data has changed since it was stored. */
  #bindIfChanged(isLate: boolean): MaybePromise<void> {
    const { data } = this.#pending;
    if (this.#settings.subject === undefined || data.isUnmodified) return undefined;
    const { set, remove } = data.changes();
    if (set.size === 0 && remove.length === 0) return undefined;
    const before = this.#subjectIn(storedData(this.#pending));
    const after = this.#subjectIn(data);
    if (before === after) return undefined;
    if (isLate) throw late("Nobody can log in or out by a change of data");
    return rebind(this.#pending, after, this.#exchange.request);
  }

  #subjectIn(data: SessionData): string | null {
    const subject: unknown = this.#settings.subject?.(viewOf(data) as never); // oxlint-disable-line no-unsafe-type-assertion
    if (subject === undefined || subject === null || subject === false || subject === "") return null;
    return checkedSubject(
      typeof subject === "number" || typeof subject === "bigint" ? String(subject) : subject,
    );
  }

  #startIfDue(): MaybePromise<void> {
    if (!this.#mustStart) return undefined;
    this.#mustStart = false;
    const { data, handle } = this.#pending;
    if (handle.current !== null || data.changes().set.size > 0) return undefined;
    return attempt(
      () => startEmpty(this.#pending),
      () => undefined,
      (error) => {
        this.#mustStart = true;
        throw error;
      },
    );
  }
}

function late(what: string): MisuseError {
  return new MisuseError(
    "AFTER_RESPONSE",
    `${what}: the response has left, so the browser would not get the cookie. Do it in an ordinary request.`,
  );
}
