import { MisuseError } from "../errors.ts";
import type { Awaitable } from "../runtime/maybe-async.ts";
import type { Context } from "../services/services.ts";
import { commitInTurn, hasChanges, hasNothingToCommit } from "./commit.ts";
import type { ResponseFate, SessionUse } from "./commit.ts";
import type { AnyData, BareKeyOf, EntryOf, KeyOf } from "./data-types.ts";
import { FlashQueue } from "./flashes.ts";
import type { Flash, FlashFilter } from "./flashes.ts";
import { agentOf, isSeenByPerson } from "../http/request.ts";
import type { Incoming } from "../http/request.ts";
import type { CookieAction, LiveRecord } from "./record-handle.ts";
import type { Opening } from "./load.ts";
import { SessionData } from "./data.ts";
import { SessionIdentity } from "./session-identity.ts";
import { checkedSubject, login } from "./login.ts";
import { update } from "./update.ts";

/**
 * What a handler reads and writes in one request. Reading and writing data is like using a
 * dictionary and needs no `await`: the record was read when the session was opened, and what changes
 * is written in one patch when the handler has answered. What is awaited is written when called.
 */
export class Session<Data extends object = AnyData> extends SessionIdentity {
  readonly #request: Incoming;
  readonly #live: LiveRecord;
  readonly #data: SessionData;
  /** What a commit goes by. */
  readonly #use: SessionUse;
  #loggedOut = false;
  #answered = false;
  #showedMessages = false;
  /** Whether an event has said that what a client that went away had wanted was dropped. */
  #toldOfDrop = false;

  /** @internal Made by the hub: `await sessions.of(request)`. */
  constructor(context: Context, live: LiveRecord, request: Incoming) {
    super(context, live);
    this.#live = live;
    this.#request = request;
    this.#data = new SessionData(context.codec, context.limits);
    this.#use = { context, live, data: this.#data, flashes: undefined, permanent: undefined };
    this.#show();
  }

  /** Whether the session outlives the browser, for the hub's `permanentLifetime` after its last use. Default `false`. */
  get permanent(): boolean {
    return this.#use.permanent ?? this.#live.current?.permanent ?? false;
  }
  set permanent(permanent: boolean) {
    this.#assertWritable();
    this.#use.permanent = permanent;
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
    return update(this.#use.context, this.#live, this.#data, {
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
    this.#assertUnanswered();
    this.#queue.add(message, category, this.#use.context.clock.now());
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
    this.#assertUnanswered();
    if (!this.#live.hasClient || !isSeenByPerson(this.#request)) return [];
    const won = await this.#queue.take(filter, this.#live);
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
    this.#assertUnanswered();
    await login(this.#use.context, this.#live, this.#data, {
      subject: checkedSubject(subject),
      keep: options.keep ?? [],
      permanent: this.#use.permanent,
      agent: agentOf(this.#request),
    });
    this.#loggedOut = false;
    this.#show();
  }

  /**
   * Ends the session: its data is wiped from the store and its ticket is dead, on every node, at once.
   * Written when called, also if the handler fails later. Only `flash` and `login` may follow: they
   * begin another session. Logging out where there is no session does nothing.
   *
   * @throws MisuseError AFTER_RESPONSE; StoreError, and then nobody knows whether the session goes on.
   */
  async logout(): Promise<void> {
    this.#assertUnanswered();
    const messages = this.#use.flashes?.additionNames ?? [];
    const ended = await this.#live.inTurn(() => this.#live.end());
    if (ended) this.#use.context.events.emit({ type: "logout", id: ended.id, subject: ended.subject });
    this.#loggedOut = true;
    this.#use.permanent = undefined;
    this.#data.forgetChanges();
    this.#use.flashes?.forgetAdditions(messages); // those from before the call
    this.#show();
  }

  /**
   * Gives the session a new ticket and makes the old one worthless: for where a visitor's rights change (ASVS
   * 7.2.4). Data, subject and clocks stay. Written when called, unless a request beside this one was faster.
   *
   * @throws MisuseError AFTER_LOGOUT, AFTER_RESPONSE; StoreError.
   */
  async rotate(): Promise<void> {
    this.#assertWritable();
    const id = await this.#live.inTurn(() => this.#live.rotate());
    if (id !== undefined) this.#use.context.events.emit({ type: "rotated", id });
  }

  /** @internal For the hub: lays what this request has changed so far over the record as the store has it now. */
  reopen(opening: Opening): void {
    // After a login or logout of its own the request knows better than the ticket it came with.
    if (this.#loggedOut || this.#answered || this.#live.cookie.kind !== "none") return;
    this.#data.noticeChanges(this.#data.keys());
    this.#live.reopen(opening);
    this.#show();
  }

  /** @internal For the hub: the end of the session's use, after what the handler called and did not wait for. Answers at once where it can. */
  settle(fate: ResponseFate, takesCookie = true): Awaitable<void> {
    if (this.#answered) return undefined;
    this.#answered = true;
    return commitInTurn(this.#use, fate, takesCookie);
  }

  /** @internal For the hub: the client has gone before the response began; the session works on, and nothing of it is kept. */
  leave(): void {
    if (this.#answered) return;
    if (this.hasChanges) this.#tellOfDrop();
    this.#live.leave();
  }

  /** @internal For the hub: whether something is to be written that the handler did. */
  get hasChanges(): boolean {
    return !this.#answered && hasChanges(this.#use);
  }

  /** @internal For the hub: whether, as it stands, there is nothing to write. */
  get isQuiet(): boolean {
    return this.#answered || hasNothingToCommit(this.#use);
  }

  /** @internal For the hub: what to do with the session cookie. */
  get cookieAction(): CookieAction {
    return this.#live.cookieAction;
  }

  /** @internal For the hub: whether the response shows messages, which no cache may keep. */
  get showedMessages(): boolean {
    return this.#showedMessages;
  }

  #tellOfDrop(): void {
    if (this.#toldOfDrop) return;
    this.#toldOfDrop = true;
    const { id } = this;
    const event = { type: "write-dropped", reason: "client-left" } as const;
    this.#use.context.events.emit(id === undefined ? event : { ...event, id });
  }

  #show(): void {
    this.#data.show(this.#live.current);
    this.#use.flashes?.show(this.#live.current);
  }

  /** Made when it is needed: most requests have nothing to do with messages. */
  get #queue(): FlashQueue {
    const { codec, limits } = this.#use.context;
    return (this.#use.flashes ??= new FlashQueue(codec, limits, this.#live.current));
  }

  #assertWritable(): void {
    this.#assertUnanswered();
    if (this.#loggedOut) {
      throw new MisuseError("AFTER_LOGOUT", "After a logout() only flash() and login() may follow.");
    }
  }

  #assertUnanswered(): void {
    if (!this.#live.hasClient) this.#tellOfDrop();
    else if (this.#answered) {
      throw new MisuseError(
        "AFTER_RESPONSE",
        "The response has left; write to the session before the handler returns.",
      );
    }
  }
}
