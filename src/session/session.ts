import { MisuseError } from "../errors.ts";
import { toDate } from "../runtime/clock.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Services } from "../services/services.ts";
import {
  changesOf,
  commitInTurn,
  isModified,
  needsCommit,
  pendingChanges,
  reportClientLeft,
} from "./commit.ts";
import type { ResponseOutcome, PendingChanges } from "./commit.ts";
import type { AnyData, BareKeyOf, EntryOf, KeyOf } from "./data-types.ts";
import { FlashQueue } from "./flashes.ts";
import type { Flash, FlashFilter } from "./flashes.ts";
import { userAgentOf, isShownToPerson } from "../http/request.ts";
import type { RequestLike } from "../http/request.ts";
import type { CookieAction } from "./pending-cookie.ts";
import type { RecordHandle } from "./record-handle.ts";
import type { LoadResult } from "./load.ts";
import { SessionData } from "./data.ts";
import type { Rejection } from "../services/rejection.ts";
import { endOf } from "../services/timeouts.ts";
import { checkedSubject, login } from "./login.ts";
import { update } from "./update.ts";

/**
 * The session of one request. Reading and writing data works like a Map and needs no `await`: the record was
 * read when the session was loaded, and changes are written in one patch when the handler has responded.
 * Methods that return a promise write when they are called.
 */
export class Session<Data extends object = AnyData> {
  readonly #request: RequestLike;
  readonly #handle: RecordHandle;
  readonly #data: SessionData;
  readonly #pending: PendingChanges;
  #responded = false;
  #showedMessages = false;
  /** Whether an event has reported that changes were dropped because the client went away. */
  #reportedDrop = false;

  /** @internal Use `await sessions.of(request)`. */
  constructor(services: Services, handle: RecordHandle, request: RequestLike) {
    this.#handle = handle;
    this.#request = request;
    this.#data = new SessionData(services.codec, services.limits);
    this.#pending = pendingChanges(services, handle, this.#data);
    this.#rebase();
  }

  /** The public name of the record, safe to log and to show; `undefined` if there is no record. */
  get id(): string | undefined {
    return this.#handle.current?.id;
  }

  /** Who is logged in, or `undefined`. */
  get subject(): string | undefined {
    return this.#handle.current?.subject ?? undefined;
  }

  /** Whether anybody is logged in. */
  get loggedIn(): boolean {
    return this.subject !== undefined;
  }

  /** Why the request's ticket was rejected; `undefined` if it was accepted or there was none. */
  get rejection(): Rejection | undefined {
    return this.#handle.rejection;
  }

  /**
   * Aborts when this session ends: by logout, another login, revocation or expiry. If that happens in another
   * process, or by expiry, the signal aborts within `watchInterval`. Use it to close WebSockets and event streams.
   * It does not keep the session alive. It is already aborted if there is no session.
   */
  get signal(): AbortSignal {
    const record = this.#handle.current;
    return record === null ? AbortSignal.abort() : this.#pending.services.endWatcher.signalOf(record);
  }

  /** When the record was created. */
  get createdAt(): Date | undefined {
    return toDate(this.#handle.current?.createdAt);
  }

  /** When the subject logged in, to ask for the password again (ASVS 7.5.1); `undefined` if unknown, after `adopt`. */
  get authenticatedAt(): Date | undefined {
    return toDate(this.#handle.current?.authenticatedAt);
  }

  /** When the session was last used. May lag by a tenth of the idle timeout, or by a minute if that is shorter. */
  get lastSeenAt(): Date | undefined {
    return toDate(this.#handle.current?.lastSeenAt);
  }

  /** When the session ends unless it is used again. */
  get expiresAt(): Date | undefined {
    const record = this.#handle.current;
    return record === null ? undefined : toDate(endOf(record, this.#pending.services.timeouts));
  }

  /** Whether the session outlives the browser, for `permanentLifetime` after its last use. Default `false`. */
  get permanent(): boolean {
    return this.#pending.permanent ?? this.#handle.current?.permanent ?? false;
  }
  set permanent(permanent: boolean) {
    this.#assertWritable();
    this.#pending.permanent = permanent;
  }

  /** In a `Session` without a type argument: returns the value of a key, or `undefined`. */
  get(key: BareKeyOf<Data>): unknown;
  /** Returns the value of a key, or `undefined`. If you mutate the returned object, the changes are saved too. */
  get<Key extends KeyOf<Data>>(key: Key): Data[Key] | undefined;
  get(key: string): unknown {
    // `set` accepts only a Data[Key] for this key; a shared store is trusted to contain the app's own types.
    return this.#data.get(key);
  }

  /** Whether a key has a value. */
  has(key: KeyOf<Data>): boolean {
    return this.#data.get(key) !== undefined;
  }

  /** Returns the keys that have values. */
  keys(): KeyOf<Data>[] {
    return this.#data.keys().filter((key) => this.#data.get(key) !== undefined) as KeyOf<Data>[]; // oxlint-disable-line no-unsafe-type-assertion
  }

  /** Returns all keys with their values. */
  entries(): EntryOf<Data>[] {
    return this.keys().map((key) => [key, this.#data.get(key)]) as EntryOf<Data>[]; // oxlint-disable-line no-unsafe-type-assertion
  }

  /**
   * Sets the value of a key; docs/values.md lists the values that can be stored. `undefined` removes the key.
   * @throws MisuseError VALUE_NOT_STORABLE (with the path), KEY_INVALID, AFTER_LOGOUT, AFTER_RESPONSE.
   * @throws LimitError SESSION_TOO_LARGE, KEYS_TOO_MANY, KEY_TOO_LONG, VALUE_TOO_DEEP.
   */
  set<Key extends KeyOf<Data>>(key: Key, value: Data[Key] | undefined): void {
    this.#assertWritable();
    this.#data.set(key, value);
  }

  /** Removes a key. @returns `false` if there was no such key. */
  delete(key: KeyOf<Data>): boolean {
    this.#assertWritable();
    return this.#data.delete(key);
  }

  /** Removes all keys. The login and waiting messages stay. */
  clear(): void {
    this.#assertWritable();
    this.#data.clear();
  }

  /** In a `Session` without a type argument: as below, with a value of type `unknown`. */
  update(key: BareKeyOf<Data>, fn: (value: unknown) => unknown): Promise<unknown>;
  /**
   * Updates one value atomically, no matter how many requests update it at the same time. `fn` gets the stored
   * value, or the one that this request has set. It is called again if another request was faster, so it must have
   * no side effects. The result is written when you call `update`, even if the handler fails later. A `set` or
   * `delete` after the call replaces it.
   *
   * @returns the stored value; `undefined` if `fn` returned `undefined` and the key was removed, or if the session
   *   had ended.
   * @throws what `set` throws, what `fn` throws; StoreError.
   */
  update<Key extends KeyOf<Data>>(
    key: Key,
    fn: (value: Data[Key] | undefined) => Data[Key] | undefined,
  ): Promise<Data[Key] | undefined>;
  async update(key: string, fn: (value: never) => unknown): Promise<unknown> {
    this.#assertWritable();
    return update(this.#pending.services, this.#handle, this.#data, {
      key,
      fn: (value) => fn(value as never), // oxlint-disable-line no-unsafe-type-assertion
    });
  }

  /**
   * Adds a message for the next page that this visitor sees.
   * @param category the kind of message. Default `"message"`.
   * @throws LimitError FLASH_TOO_LONG; MisuseError AFTER_RESPONSE, VALUE_NOT_STORABLE (not a well-formed string).
   */
  flash(message: string, category = "message"): void {
    this.#assertNotCommitted();
    this.#queue.add(message, category, this.#pending.services.clock.now());
  }

  /** Returns the waiting messages in order, without removing them. */
  peekFlashes(filter: FlashFilter = {}): Flash[] {
    return this.#queue.peek(filter);
  }

  /**
   * Returns the waiting messages and removes them, to show them on the page that you respond with. If several
   * requests ask at the same time, each message goes to only one of them. Messages are restored if nobody sees the
   * page (the handler fails, or responds with a redirect or 304). HEAD requests and prefetches get no messages.
   * @throws StoreError; MisuseError AFTER_RESPONSE.
   */
  async takeFlashes(filter: FlashFilter = {}): Promise<Flash[]> {
    this.#assertNotCommitted();
    if (!this.#handle.hasClient || !isShownToPerson(this.#request)) return [];
    const won = await this.#queue.take(filter, this.#handle);
    this.#showedMessages ||= won.length > 0;
    return won;
  }

  /**
   * Binds the session to a subject and issues a new ticket; the old ticket is invalid immediately (ASVS 7.2.4).
   * Stored data and messages of an anonymous visitor are dropped, except the keys in `keep`; those of another
   * subject are all dropped. What this request itself has set stays. If the same subject is already logged in, this
   * is a re-authentication and all data stays. The login is written when you call this, even if the handler fails
   * later.
   *
   * @param subject who logs in: a string of 1 to 255 characters, such as the user's id.
   * @param options `keep`: the data keys to keep from an anonymous session. Default: none.
   * @throws MisuseError SUBJECT_INVALID, AFTER_RESPONSE; StoreError: it is then unknown whether the login was written.
   */
  async login(subject: string, options: { readonly keep?: readonly KeyOf<Data>[] } = {}): Promise<void> {
    this.#assertNotCommitted();
    await login(this.#pending.services, this.#handle, this.#data, {
      subject: checkedSubject(subject),
      keep: options.keep ?? [],
      permanent: this.#pending.permanent,
      ownLifetime: this.#pending.ownLifetime,
      agent: userAgentOf(this.#request),
    });
    this.#pending.isLoggedOut = false;
    this.#rebase();
  }

  /**
   * Ends the session: its data is wiped from the store, and its ticket is invalid on every server immediately.
   * The logout is written when you call this, even if the handler fails later. Only `flash` and `login` may follow;
   * they start another session. Without a session, `logout` does nothing.
   * @throws MisuseError AFTER_RESPONSE; StoreError: it is then unknown whether the session has ended.
   */
  async logout(): Promise<void> {
    this.#assertNotCommitted();
    const messages = this.#pending.flashes?.additionNames ?? [];
    const ended = await this.#handle.enqueue(() => this.#handle.end());
    if (ended) this.#pending.services.events.emit({ type: "logout", id: ended.id, subject: ended.subject });
    this.#pending.isLoggedOut = true;
    this.#pending.permanent = undefined;
    this.#data.forgetChanges();
    this.#pending.flashes?.forgetAdditions(messages); // those from before the call
    this.#rebase();
  }

  /**
   * Issues a new ticket for the session and makes the old one invalid. Use it when a visitor's privileges change
   * (ASVS 7.2.4). Data, subject and timeouts stay. The new ticket is written when you call this, unless a concurrent
   * request was faster.
   * @throws MisuseError AFTER_LOGOUT, AFTER_RESPONSE; StoreError.
   */
  async rotate(): Promise<void> {
    this.#assertWritable();
    const id = await this.#handle.enqueue(() => this.#handle.rotate());
    if (id !== undefined) this.#pending.services.events.emit({ type: "rotated", id });
  }

  /** @internal Applies this request's changes so far to the record as the store has it now. */
  reload(loaded: LoadResult): void {
    // After its own login or logout the request knows more than the ticket that it came with.
    if (this.#pending.isLoggedOut || this.#responded || this.#handle.cookieAction.kind !== "none") return;
    this.#data.noticeChanges(this.#data.keys());
    this.#handle.reload(loaded);
    this.#rebase();
  }

  /** @internal Commits after calls that the handler did not await; synchronously if there is nothing to wait for. */
  commit(outcome: ResponseOutcome, takesCookie = true): MaybePromise<void> {
    if (this.#responded) return undefined;
    this.#responded = true;
    return commitInTurn(this.#pending, outcome, takesCookie);
  }

  /** @internal Notes that the client left before the response began. The session works, but nothing is saved. */
  clientLeft(): void {
    if (this.#responded) return;
    if (this.modified) this.#reportDrop();
    this.#handle.clientLeft();
  }

  /** @internal Whether the handler made changes that are not written yet. */
  get modified(): boolean {
    return !this.#responded && isModified(this.#pending);
  }

  /** @internal What this request has changed so far; see `Exchange.changes`. */
  get changes(): readonly unknown[] {
    return changesOf(this.#pending);
  }

  /** @internal Whether a commit would have something to write. */
  get needsCommit(): boolean {
    return !this.#responded && needsCommit(this.#pending);
  }

  /** @internal For adapters that change the session by themselves. */
  get pending(): PendingChanges {
    return this.#pending;
  }

  /** @internal What to do with the session cookie. */
  get cookieAction(): CookieAction {
    return this.#handle.cookieAction;
  }

  /** @internal Whether the response shows messages, so that no cache may store it. */
  get showedMessages(): boolean {
    return this.#showedMessages;
  }

  #reportDrop(): void {
    if (!this.#reportedDrop) reportClientLeft(this.#pending);
    this.#reportedDrop = true;
  }

  #rebase(): void {
    this.#data.rebase(this.#handle.current);
    this.#pending.flashes?.rebase(this.#handle.current);
  }

  /** Created on first use, because most requests do not use messages. */
  get #queue(): FlashQueue {
    const { codec, limits } = this.#pending.services;
    return (this.#pending.flashes ??= new FlashQueue(codec, limits, this.#handle.current));
  }

  #assertWritable(): void {
    this.#assertNotCommitted();
    if (this.#pending.isLoggedOut) {
      throw new MisuseError("AFTER_LOGOUT", "After logout(), only flash() and login() may be called.");
    }
  }

  #assertNotCommitted(): void {
    if (!this.#handle.hasClient) this.#reportDrop();
    else if (this.#responded) {
      throw new MisuseError(
        "AFTER_RESPONSE",
        "The response has already left; write to the session before the handler returns.",
      );
    }
  }
}
