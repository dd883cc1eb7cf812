import { StoreError } from "../errors.ts";
import { andThen } from "../runtime/maybe-promise.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Services } from "../services/services.ts";
import { endingPatch } from "./ending.ts";
import { PendingCookie } from "./pending-cookie.ts";
import type { CookieAction } from "./pending-cookie.ts";
import type { LoadResult } from "./load.ts";
import type { RecordSettings, SessionStart } from "./record-settings.ts";
import { patched } from "../record/patch.ts";
import type { RecordColumns, SessionRecord } from "../record/record.ts";
import type { Patch, PatchOutcome } from "../record/patch.ts";
import type { Rejection } from "../services/rejection.ts";
import type { StoreClient } from "../services/store-client.ts";
import { newRecordId, newTicket, revokedVerifier, ticketColumns, verifiersEqual } from "../crypto/ticket.ts";
import type { Ticket } from "../crypto/ticket.ts";
import { endOf, isCookieDue, isTouchDue, lateRequestWindow, lifetimeOfNew } from "../services/timeouts.ts";
import { KeyedQueue } from "../runtime/keyed-queue.ts";

/** The record of one request's session: what the request knows of it, and all writes to it. */
export class RecordHandle {
  readonly #services: Services;
  /** The store client of the request, whose calls share one deadline. */
  readonly calls: StoreClient;
  readonly #retire: ((current: string | undefined) => MaybePromise<void>) | undefined;
  #cookie: PendingCookie | undefined;
  #queue: KeyedQueue | undefined;
  #record: SessionRecord | null = null;
  #ticket: (Ticket & { readonly signedByOldKey?: boolean }) | null = null;
  #canStart = false;
  #replaced: SessionRecord | undefined;
  #rejection: Rejection | undefined;
  #hasClient = true;
  /** Whether the browser has the ticket of a session that this request may end. */
  readonly #hadTicket: boolean;
  /** What an adapter wants otherwise; `undefined` for most. */
  settings: RecordSettings | undefined;
  /** Whether the record is only in this request. */
  #isUnsaved = false;
  /** Whether only this request has written to the record since it was read. */
  #isComplete = true;

  /** @param retire makes the request's cookies of the system before useless (`adopt`). */
  constructor(
    services: Services,
    calls: StoreClient,
    loaded: LoadResult,
    retire?: (current: string | undefined) => MaybePromise<void>,
  ) {
    this.#services = services;
    this.calls = calls;
    this.#retire = retire;
    this.#hadTicket = loaded.record !== null || loaded.replaced !== undefined;
    this.reload(loaded);
  }

  /** Starts again with a newly loaded record. */
  reload(loaded: LoadResult): void {
    this.#record = loaded.record;
    this.#isComplete = true;
    this.#ticket = loaded.record === null ? null : loaded.ticket;
    this.#canStart = loaded.record === null && loaded.canStart;
    this.#rejection = loaded.record === null ? loaded.rejection : undefined;
    this.#replaced = loaded.record === null ? loaded.replaced : undefined;
    if (loaded.record === null || loaded.isNewTicket !== true) return;
    this.cookie.send();
    this.cookie.claim(loaded.record, loaded.record.ticketAt);
  }

  /** Notes the record of this session as the store has it now. */
  refresh(record: SessionRecord): void {
    this.#record = record;
    this.#isComplete = true;
  }

  /** Why the request's ticket was rejected. */
  get rejection(): Rejection | undefined {
    return this.#rejection;
  }

  /** The record as this request knows it, or `null` if there is none. */
  get current(): SessionRecord | null {
    return this.#record;
  }

  /** What is to become of the session cookie. Made when needed: most requests leave the cookie alone. */
  get cookie(): PendingCookie {
    return (this.#cookie ??= new PendingCookie(this.#services.clock));
  }

  /** Whether the store must be asked again before the cookie is sent or cleared. */
  get mustConfirmCookie(): boolean {
    return this.#cookie?.needsConfirmation === true;
  }

  get cookieAction(): CookieAction {
    const kind = this.#cookie?.kind ?? "none";
    if (kind !== "send") return { kind };
    const record = this.#record;
    const ticket = this.#ticket;
    if (record === null || ticket === null) return { kind: "none" };
    const deadline = endOf(record, this.#services.timeouts);
    return { kind, ticket, permanent: record.permanent, deadline };
  }

  /** The record of the request's ticket, if that ticket was replaced or its session ended before the request. */
  get replaced(): SessionRecord | undefined {
    return this.#replaced;
  }

  /** The revision of the record, if this request knows all fields that the record has at that revision. */
  get completeAt(): number | undefined {
    return this.#isComplete ? this.#record?.revision : undefined;
  }

  /** Whether data may start a new session if there is none. */
  get canStart(): boolean {
    return this.#canStart;
  }

  /** Whether the client is still there to get a ticket. */
  get hasClient(): boolean {
    return this.#hasClient;
  }

  /**
   * Notes that the client has gone. A session that starts from here on exists only in this request and is never
   * saved.
   */
  clientLeft(): void {
    this.#hasClient = false;
  }

  /** Whether an older key signed the request's ticket, and no other cookie is due to be sent. */
  get needsResend(): boolean {
    return (
      this.#ticket?.signedByOldKey === true && (this.#cookie === undefined || this.#cookie.kind === "none")
    );
  }

  /**
   * Starts a session: creates a record with a new id.
   * @param texts the texts of its first fields, by name.
   */
  async create(start: SessionStart, texts: ReadonlyMap<string, string>): Promise<SessionRecord> {
    const { clock, codec, events, timeouts } = this.#services;
    const now = clock.now();
    const nextId = this.settings?.nextId;
    // The chance that an id is taken is 2^-128; trying again is simpler than ruling it out.
    for (let attempt = 0; attempt < 3; attempt++) {
      const ticket = newTicket(attempt === 0 && nextId !== undefined ? nextId : newRecordId());
      const record: SessionRecord = {
        id: ticket.id,
        ...ticketColumns(ticket, now),
        ...lifetimeOfNew(timeouts, start, this.settings, now),
        epoch: 0,
        subject: start.subject,
        createdAt: now,
        authenticatedAt: start.subject === null ? null : now,
        lastSeenAt: now,
        revision: 1,
        fields: new Map(Array.from(texts, ([name, text]) => [name, codec.encode(ticket.id, name, text)])),
      };
      if (!this.#hasClient) {
        this.#isUnsaved = true;
        this.#adopt(record, ticket);
        return record;
      }
      if (!(await this.calls.create(record))) continue;
      this.#adopt(record, ticket);
      // A session that data starts after a logout keeps that logout's claim; without one there is nothing to confirm.
      if (start.subject !== null) this.cookie.claim(record, undefined);
      events.emit({ type: "created", id: record.id });
      this.#services.sweeper.sweepIfDue();
      return record;
    }
    throw new StoreError("STORE_FAILED", "create", "The store reports three new random ids as taken.", {
      transient: false,
    });
  }

  /**
   * Runs the calls of this request one after the other, even if the handler does not await them. Otherwise an update
   * that is overtaken by a login would mistake that login for the end of its session.
   */
  enqueue<T>(work: () => MaybePromise<T>): MaybePromise<T> {
    return (this.#queue ??= new KeyedQueue()).run(this, work);
  }

  /** Whether none of these calls is running or waiting. */
  get isIdle(): boolean {
    return this.#queue?.isIdle(this) !== false;
  }

  /** Patches the record. The outcome is `gone` if there is none. */
  patch(patch: Omit<Patch, "epoch">): MaybePromise<PatchOutcome> {
    if (this.#record === null) return { kind: "gone" };
    const { id, epoch } = this.#record;
    const full = { epoch, ...patch };
    if (this.#isUnsaved) {
      const { next, removed } = patched(this.#record, full);
      this.#record = next;
      return { kind: "applied", revision: next.revision, removed };
    }
    return andThen(this.calls.patch(id, full), (outcome) => {
      if (outcome.kind !== "applied") return outcome;
      if (patch.columns?.epoch !== undefined) this.#services.endWatcher.noteEpoch(id, patch.columns.epoch);
      // The record may have changed while the store was working.
      if (this.#record?.id === id && this.#record.epoch === epoch) {
        this.#isComplete &&= outcome.revision === this.#record.revision + 1;
        this.#record = patched(this.#record, full, outcome.revision).next;
      }
      return outcome;
    });
  }

  /**
   * Returns the columns of a touch if one is due and the cookie need not be sent again. Including them in a patch
   * saves the commit a patch.
   */
  dueTouch(): { readonly columns?: Pick<RecordColumns, "lastSeenAt"> } {
    const { columns } = this.touch(false);
    return columns === undefined ? {} : { columns };
  }

  /**
   * Returns the columns of a touch if one is due, for the commit.
   * @param takesCookie whether the touch may be one after which the cookie must be sent again (`resends`).
   * @param changesData whether the patch changes data, too.
   */
  touch(
    takesCookie: boolean,
    changesData = false,
  ): { columns?: Pick<RecordColumns, "lastSeenAt">; resends?: boolean } {
    const { clock, timeouts } = this.#services;
    const now = clock.now();
    if (this.#record === null) return {};
    const resendsAlways =
      changesData && takesCookie && this.#record.permanent && this.settings?.resendsOnWrite === true;
    if (!resendsAlways && !isTouchDue(this.#record, now)) return {};
    const resends = resendsAlways || isCookieDue(this.#record, timeouts, now);
    if (resends && !takesCookie) return {};
    return { columns: { lastSeenAt: Math.max(now, this.#record.lastSeenAt) }, resends };
  }

  /**
   * Gives the record a new ticket.
   * @returns another kind than `applied` if nothing was done.
   */
  async replaceTicket(patch: Omit<Patch, "epoch">): Promise<PatchOutcome> {
    if (this.#record === null) return { kind: "gone" };
    const ticket = newTicket(this.#record.id);
    const now = patch.columns?.authenticatedAt ?? this.#services.clock.now(); // the time of the login, if it is one
    const before = this.#record;
    const full = {
      ...patch,
      columns: { ...patch.columns, ...ticketColumns(ticket, now) },
    };
    const outcome = await this.patch(full);
    if (outcome.kind !== "applied") return outcome;
    const { next } = patched(before, { ...full, epoch: before.epoch });
    this.#adopt(next, ticket);
    this.cookie.claim(next, next.epoch === before.epoch ? next.ticketAt : undefined);
    return outcome;
  }

  /** Gives the record a new ticket and changes nothing else. @returns the record's id if it was done. */
  async rotate(): Promise<string | undefined> {
    // A new ticket that the client does not get would log the visitor out.
    if (this.#record === null || !this.#hasClient) return undefined;
    const { id, verifier } = this.#record;
    const { kind } = await this.replaceTicket({ expect: { verifier } });
    return kind === "applied" ? id : undefined;
  }

  /**
   * Ends the session, even if a concurrent rotation has just replaced its ticket: a logout must not depend on which
   * request was faster.
   *
   * @returns the record as it was, or `undefined` if it had already ended; the cookie is then left to the request
   *   that ended it.
   */
  async end(): Promise<SessionRecord | undefined> {
    const retired = this.retireOldCookies();
    if (retired !== undefined) await retired;
    const record = this.#record ?? this.#rotated;
    if (record === undefined) return undefined;
    const now = this.#services.clock.now();
    const outcome = await this.calls.patch(record.id, endingPatch(record.epoch, now));
    if (outcome.kind === "applied") this.#services.endWatcher.noteEpoch(record.id, record.epoch + 1);
    this.#record = null;
    this.#ticket = null;
    this.#canStart = outcome.kind === "applied";
    if (outcome.kind !== "applied") return undefined;
    if (!this.#hadTicket) {
      // It began in this request, so the browser has no cookie of it.
      this.cookie.withdraw();
      return record;
    }
    this.cookie.clear();
    this.cookie.claim({ id: record.id, verifier: revokedVerifier }, now);
    return record;
  }

  /** For a login or a logout: a cookie of the system before that comes along must not open a session later. */
  retireOldCookies(): MaybePromise<void> {
    return this.#retire?.(this.#record?.id);
  }

  /** Sends the same ticket again: signed with the newest key, or with a new lifetime. */
  resendTicket(): void {
    if (this.#record !== null && this.#ticket !== null) this.cookie.send();
  }

  /**
   * Checks, if that is due, whether the response may still set or clear the cookie. If not, data must not start a
   * session either.
   */
  confirm(): MaybePromise<void> {
    return andThen(this.cookie.confirm(this.calls), (holds) => {
      if (!holds) this.#canStart = false;
    });
  }

  /** The record of the request's ticket, if a rotation, and not a login, replaced that within the last minute. */
  get #rotated(): SessionRecord | undefined {
    const { ticketAt = 0, authenticatedAt, createdAt, verifier } = this.#replaced ?? {};
    if (verifier === undefined || ticketAt === (authenticatedAt ?? createdAt)) return undefined;
    const isLate = this.#services.clock.now() - ticketAt <= lateRequestWindow;
    return isLate && !verifiersEqual(verifier, revokedVerifier) ? this.#replaced : undefined;
  }

  /** Notes that another request has ended the session. This request must not start a new one. */
  markGone(): void {
    if (this.#record !== null)
      this.#services.events.emit({ type: "write-dropped", reason: "ended", id: this.#record.id });
    this.#record = null;
    this.#ticket = null;
    this.#canStart = false;
    this.cookie.withdraw();
  }

  #adopt(record: SessionRecord, ticket: Ticket): void {
    this.#record = record;
    this.#ticket = ticket;
    this.cookie.send();
  }
}
