import { MisuseError } from "../errors.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Services } from "../services/services.ts";
import { commitInTurn, isModified, needsCommit } from "./commit.ts";
import type { ResponseOutcome, PendingChanges } from "./commit.ts";
import type { AnyData, BareKeyOf, EntryOf, KeyOf } from "./data-types.ts";
import { FlashQueue } from "./flashes.ts";
import type { Flash, FlashFilter } from "./flashes.ts";
import { userAgentOf, isShownToPerson } from "../http/request.ts";
import type { RequestLike } from "../http/request.ts";
import type { CookieAction, RecordHandle } from "./record-handle.ts";
import type { LoadResult } from "./load.ts";
import { SessionData } from "./data.ts";
import type { Rejection } from "../services/rejection.ts";
import { endOf } from "../services/timeouts.ts";
import { checkedSubject, login } from "./login.ts";
import { update } from "./update.ts";

/**
 * What a handler reads and writes in one request. Reading and writing data is like using a
 * dictionary and needs no `await`: the record was read when the session was opened, and what changes
 * is written in one patch when the handler has answered. What is awaited is written when called.
 */
export class Session<Data extends object = AnyData> {
  readonly #request: RequestLike;
  readonly #handle: RecordHandle;
  readonly #data: SessionData;
  /** What a commit goes by. */
  readonly #pending: PendingChanges;
  #loggedOut = false;
  #responded = false;
  #showedMessages = false;
  /** Whether an event has said that what a client that went away had wanted was dropped. */
  #reportedDrop = false;

  /** Made by the hub: `await sessions.of(request)`. */
  constructor(services: Services, handle: RecordHandle, request: RequestLike) {
    this.#handle = handle;
    this.#request = request;
    this.#data = new SessionData(services.codec, services.limits);
    this.#pending = { services, handle, data: this.#data, flashes: undefined, permanent: undefined };
    this.#rebase();
  }

  /** The record's public name, safe to log and to show; `undefined` while there is no record. */
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

  /** Why the ticket that the request brought was not taken; `undefined` when it was, or there was none. */
  get rejection(): Rejection | undefined {
    return this.#handle.rejection;
  }

  /**
   * Fires when this session ends: by logout, another login, revocation or expiry, here or in another
   * process, there within the hub's `watchInterval`. For WebSockets and event streams, to hang up.
   * Holding it does not keep the session alive. Already aborted where there is no session.
   */
  get signal(): AbortSignal {
    const record = this.#handle.current;
    return record === null ? AbortSignal.abort() : this.#pending.services.endWatcher.signalOf(record);
  }

  /** When the record was created. */
  get createdAt(): Date | undefined {
    return toDate(this.#handle.current?.createdAt);
  }

  /** When the subject logged in: for "log in again before you change your password" (ASVS 7.5.1). */
  get authenticatedAt(): Date | undefined {
    return toDate(this.#handle.current?.authenticatedAt);
  }

  /** When the session was last used, up to a tenth of its idle timeout or a minute ago. */
  get lastSeenAt(): Date | undefined {
    return toDate(this.#handle.current?.lastSeenAt);
  }

  /** When the session ends unless it is used again. */
  get expiresAt(): Date | undefined {
    const record = this.#handle.current;
    return record === null ? undefined : toDate(endOf(record, this.#pending.services.timeouts));
  }

  /** Whether the session outlives the browser, for the hub's `permanentLifetime` after its last use. Default `false`. */
  get permanent(): boolean {
    return this.#pending.permanent ?? this.#handle.current?.permanent ?? false;
  }
  set permanent(permanent: boolean) {
    this.#assertWritable();
    this.#pending.permanent = permanent;
  }

  /** In a bare `Session`: the value of a key, or `undefined`. */
  get(key: BareKeyOf<Data>): unknown;
  /** The value of a key, or `undefined`. Changing the object you get is noticed, and saved. */
  get<Key extends KeyOf<Data>>(key: Key): Data[Key] | undefined;
  get(key: string): unknown {
    // What `set` took under this key was a Data[Key]; a shared store is trusted to hold the app's own types.
    return this.#data.get(key);
  }

  /** Whether there is a value under a key. */
  has(key: KeyOf<Data>): boolean {
    return this.#data.get(key) !== undefined;
  }

  /** The keys that have values. */
  keys(): KeyOf<Data>[] {
    return this.#data.keys().filter((key) => this.#data.get(key) !== undefined) as KeyOf<Data>[]; // oxlint-disable-line no-unsafe-type-assertion
  }

  /** All keys with their values. */
  entries(): EntryOf<Data>[] {
    return this.keys().map((key) => [key, this.#data.get(key)]) as EntryOf<Data>[]; // oxlint-disable-line no-unsafe-type-assertion
  }

  /**
   * Keeps a value under a key; docs/values.md says which come back as they went in. `undefined` removes the key.
   *
   * @throws MisuseError VALUE_NOT_STORABLE (names the path), KEY_INVALID, AFTER_LOGOUT, AFTER_RESPONSE.
   * @throws LimitError SESSION_TOO_LARGE, KEYS_TOO_MANY, KEY_TOO_LONG, VALUE_TOO_DEEP.
   */
  set<Key extends KeyOf<Data>>(key: Key, value: Data[Key] | undefined): void {
    this.#assertWritable();
    this.#data.set(key, value);
  }

  /** Removes a key. `false` when there was none. */
  delete(key: KeyOf<Data>): boolean {
    this.#assertWritable();
    return this.#data.delete(key);
  }

  /** Removes all keys. Who is logged in, and messages that wait, stay. */
  clear(): void {
    this.#assertWritable();
    this.#data.clear();
  }

  /** In a bare `Session`: as below, of a value that has to be looked at. */
  update(key: BareKeyOf<Data>, fn: (value: unknown) => unknown): Promise<unknown>;
  /**
   * Changes one value exactly, however many requests do so at once: `fn` gets the value as it is in
   * the store and is run again when another request was faster, so it must do nothing but compute. Written when
   * called, also if the handler fails later; but a `set` or `delete` after the call replaces what it has written.
   *
   * @returns what was stored; `undefined` when `fn` returned that and the key is gone, or when the session had ended.
   * @throws what `set` throws; StoreError.
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
   * Leaves a message for the next page this visitor sees.
   * @param category what kind of message it is; default `"message"`.
   * @throws LimitError FLASH_TOO_LONG; MisuseError AFTER_RESPONSE.
   */
  flash(message: string, category = "message"): void {
    this.#assertNotCommitted();
    this.#queue.add(message, category, this.#pending.services.clock.now());
  }

  /** The messages that wait, in the order they were given. They go on waiting. */
  peekFlashes(filter: FlashFilter = {}): Flash[] {
    return this.#queue.peek(filter);
  }

  /**
   * Takes the messages that wait, to be shown on the page that answers this request. Whatever the
   * number of pages that ask at once, each message goes to one. Messages come back if that page is
   * never seen (the handler fails, or answers with a redirect or 304); HEAD and prefetches get none.
   *
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
   * Binds the session to a subject, under a new ticket; the old ticket is dead at once (ASVS 7.2.4).
   * An anonymous visitor's stored data and messages are dropped except the keys in `keep`, another
   * subject's all; what this request itself has set stays. Written when called, also if the handler
   * fails later. Logging in as the subject who is logged in is a re-authentication: data stays.
   *
   * @param subject who: 1 to 255 characters, such as a user's id as a string.
   * @throws MisuseError SUBJECT_INVALID, AFTER_RESPONSE; StoreError, and then nobody knows whether it was done.
   */
  async login(subject: string, options: { readonly keep?: readonly KeyOf<Data>[] } = {}): Promise<void> {
    this.#assertNotCommitted();
    await login(this.#pending.services, this.#handle, this.#data, {
      subject: checkedSubject(subject),
      keep: options.keep ?? [],
      permanent: this.#pending.permanent,
      agent: userAgentOf(this.#request),
    });
    this.#loggedOut = false;
    this.#rebase();
  }

  /**
   * Ends the session: its data is wiped from the store and its ticket is dead, on every node, at once.
   * Written when called, also if the handler fails later. Only `flash` and `login` may follow: they
   * begin another session. Logging out where there is no session does nothing.
   *
   * @throws MisuseError AFTER_RESPONSE; StoreError, and then nobody knows whether the session goes on.
   */
  async logout(): Promise<void> {
    this.#assertNotCommitted();
    const messages = this.#pending.flashes?.additionNames ?? [];
    const ended = await this.#handle.enqueue(() => this.#handle.end());
    if (ended) this.#pending.services.events.emit({ type: "logout", id: ended.id, subject: ended.subject });
    this.#loggedOut = true;
    this.#pending.permanent = undefined;
    this.#data.forgetChanges();
    this.#pending.flashes?.forgetAdditions(messages); // those from before the call
    this.#rebase();
  }

  /**
   * Gives the session a new ticket and makes the old one worthless: for where a visitor's rights change (ASVS
   * 7.2.4). Data, subject and clocks stay. Written when called, unless a request beside this one was faster.
   *
   * @throws MisuseError AFTER_LOGOUT, AFTER_RESPONSE; StoreError.
   */
  async rotate(): Promise<void> {
    this.#assertWritable();
    const id = await this.#handle.enqueue(() => this.#handle.rotate());
    if (id !== undefined) this.#pending.services.events.emit({ type: "rotated", id });
  }

  /** @internal For the hub: lays what this request has changed so far over the record as the store has it now. */
  reload(loaded: LoadResult): void {
    // After a login or logout of its own the request knows better than the ticket it came with.
    if (this.#loggedOut || this.#responded || this.#handle.cookie.kind !== "none") return;
    this.#data.noticeChanges(this.#data.keys());
    this.#handle.reload(loaded);
    this.#rebase();
  }

  /** @internal For the hub: the end of the session's use, after what the handler called and did not wait for. Answers at once where it can. */
  commit(outcome: ResponseOutcome, takesCookie = true): MaybePromise<void> {
    if (this.#responded) return undefined;
    this.#responded = true;
    return commitInTurn(this.#pending, outcome, takesCookie);
  }

  /** @internal For the hub: the client has gone before the response began; the session works on, and nothing of it is kept. */
  clientLeft(): void {
    if (this.#responded) return;
    if (this.modified) this.#reportDrop();
    this.#handle.clientLeft();
  }

  /** @internal For the hub: whether something is to be written that the handler did. */
  get modified(): boolean {
    return !this.#responded && isModified(this.#pending);
  }

  /** @internal For the hub: whether a commit would have something to write. */
  get needsCommit(): boolean {
    return !this.#responded && needsCommit(this.#pending);
  }

  /** @internal For the hub: what to do with the session cookie. */
  get cookieAction(): CookieAction {
    return this.#handle.cookieAction;
  }

  /** @internal For the hub: whether the response shows messages, which no cache may keep. */
  get showedMessages(): boolean {
    return this.#showedMessages;
  }

  #reportDrop(): void {
    if (this.#reportedDrop) return;
    this.#reportedDrop = true;
    const { id } = this;
    const event = { type: "write-dropped", reason: "client-left" } as const;
    this.#pending.services.events.emit(id === undefined ? event : { ...event, id });
  }

  #rebase(): void {
    this.#data.rebase(this.#handle.current);
    this.#pending.flashes?.rebase(this.#handle.current);
  }

  /** Made when it is needed: most requests have nothing to do with messages. */
  get #queue(): FlashQueue {
    const { codec, limits } = this.#pending.services;
    return (this.#pending.flashes ??= new FlashQueue(codec, limits, this.#handle.current));
  }

  #assertWritable(): void {
    this.#assertNotCommitted();
    if (this.#loggedOut) {
      throw new MisuseError("AFTER_LOGOUT", "After a logout() only flash() and login() may follow.");
    }
  }

  #assertNotCommitted(): void {
    if (!this.#handle.hasClient) this.#reportDrop();
    else if (this.#responded) {
      throw new MisuseError(
        "AFTER_RESPONSE",
        "The response has left; write to the session before the handler returns.",
      );
    }
  }
}

function toDate(time: number | null | undefined): Date | undefined {
  return time === null || time === undefined ? undefined : new Date(time);
}
