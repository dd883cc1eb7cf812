import { StoreError } from "../errors.ts";
import { andThen } from "../runtime/maybe-promise.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Services } from "../services/services.ts";
import { endingPatch } from "./ending.ts";
import { PendingCookie } from "./pending-cookie.ts";
import type { LoadResult } from "./load.ts";
import { patched } from "../record/patch.ts";
import type { RecordColumns, SessionRecord } from "../record/record.ts";
import type { Patch, PatchOutcome } from "../record/patch.ts";
import type { Rejection } from "../services/rejection.ts";
import type { StoreClient } from "../services/store-client.ts";
import { newRecordId, newTicket, revokedVerifier, verifierOf, verifiersEqual } from "../crypto/ticket.ts";
import type { Ticket } from "../crypto/ticket.ts";
import { endOf, isCookieDue, isTouchDue, lateRequestWindow, lifetimeOf } from "../services/timeouts.ts";

/** What the response has to do with the session cookie; nothing, unless its own request did something that the store acknowledged. */
export type CookieAction =
  | { readonly kind: "none" }
  | { readonly kind: "send"; readonly ticket: Ticket; readonly permanent: boolean; readonly deadline: number }
  | { readonly kind: "clear" };

/** The columns that `begin` and `login` decide; the rest follows from the clock. */
interface SessionStart {
  readonly subject: string | null;
  readonly permanent: boolean;
}

/** The record of one request's session: what is known of it, and everything that is written to it. */
export class RecordHandle {
  readonly #services: Services;
  /** The request's calls of the store: all that it waits for here. */
  readonly calls: StoreClient;
  /** What is to become of the session cookie. */
  readonly cookie: PendingCookie;
  #record: SessionRecord | null = null;
  #ticket: (Ticket & { readonly signedByOldKey?: boolean }) | null = null;
  #canStart = false;
  #replaced: SessionRecord | undefined;
  #rejection: Rejection | undefined;
  #hasClient = true;
  /** Whether the store has never heard of the record. */
  #isUnsaved = false;
  /** Whether nobody but this request has written to the record since it was read. */
  #isComplete = true;

  constructor(services: Services, calls: StoreClient, loaded: LoadResult) {
    this.#services = services;
    this.calls = calls;
    this.cookie = new PendingCookie(services.clock);
    this.reload(loaded);
  }

  /** Begins again from what the request's ticket opens now. */
  reload(loaded: LoadResult): void {
    this.#record = loaded.record;
    this.#isComplete = true;
    this.#ticket = loaded.record === null ? null : loaded.ticket;
    this.#canStart = loaded.record === null && loaded.canStart;
    this.#rejection = loaded.record === null ? loaded.rejection : undefined;
    this.#replaced = loaded.record === null ? loaded.replaced : undefined;
  }

  /** Why the request's ticket was not taken. */
  get rejection(): Rejection | undefined {
    return this.#rejection;
  }

  /** The record as this request knows it, or `null` when there is none. */
  get current(): SessionRecord | null {
    return this.#record;
  }

  get cookieAction(): CookieAction {
    const { kind } = this.cookie;
    if (kind !== "send") return { kind };
    const record = this.#record;
    const ticket = this.#ticket;
    if (record === null || ticket === null) return { kind: "none" };
    const deadline = endOf(record, this.#services.timeouts);
    return { kind, ticket, permanent: record.permanent, deadline };
  }

  /** The record whose ticket the request brought when that had been replaced, or it had ended. */
  get replaced(): SessionRecord | undefined {
    return this.#replaced;
  }

  /** The revision of the record, if this request knows all that the record holds at it. */
  get completeAt(): number | undefined {
    return this.#isComplete ? this.#record?.revision : undefined;
  }

  /** Whether data may begin a session where there is none. */
  get canStart(): boolean {
    return this.#canStart;
  }

  /** Whether somebody is there to get a ticket. */
  get hasClient(): boolean {
    return this.#hasClient;
  }

  /** The client has gone: what begins from here on is this request's own, and the store never hears of it. */
  clientLeft(): void {
    this.#hasClient = false;
  }

  /** Whether an older key signed the ticket that the request brought, and nothing has sent another yet. */
  get needsResend(): boolean {
    return this.#ticket?.signedByOldKey === true && this.cookie.kind === "none";
  }

  /**
   * Begins a session: creates a record under a new id.
   * @param texts the fields it starts with, as texts by name.
   */
  async create(start: SessionStart, texts: ReadonlyMap<string, string>): Promise<SessionRecord> {
    const { clock, codec, events, timeouts } = this.#services;
    const now = clock.now();
    // A taken id has a chance of 2^-128; asking again is cheaper than reasoning about it.
    for (let attempt = 0; attempt < 3; attempt++) {
      const ticket = newTicket(newRecordId());
      const record: SessionRecord = {
        id: ticket.id,
        ...ticketColumns(ticket, now),
        ...lifetimeOf(timeouts, start.permanent, now),
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
      // What data begins after a logout stands on that logout; before it there is nothing to ask about.
      if (start.subject !== null) this.cookie.claim(record, undefined);
      events.emit({ type: "created", id: record.id });
      this.#services.sweeper.sweepIfDue();
      return record;
    }
    throw new StoreError("STORE_FAILED", "create", "The store says of three new ids that they are taken.", {
      transient: false,
    });
  }

  /**
   * What this request's calls do to the session, one after the other, also where a handler does not wait
   * for them: an update that a login overtook must not take that login for the end of its session.
   */
  enqueue<T>(work: () => MaybePromise<T>): MaybePromise<T> {
    return this.#services.queue.run(this, work);
  }

  /** Whether none of these calls is still under way. */
  get isIdle(): boolean {
    return this.#services.queue.isIdle(this);
  }

  /** Sends a patch for the record. `gone` when there is none. */
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
      // The record may have gone on while the store was asked.
      if (this.#record?.id === id && this.#record.epoch === epoch) {
        this.#isComplete &&= outcome.revision === this.#record.revision + 1;
        this.#record = patched(this.#record, full, outcome.revision).next;
      }
      return outcome;
    });
  }

  /** What a touch patches, where one is due that changes nothing for the cookie: a patch that takes it along spares the commit one of its own. */
  dueTouch(): { readonly columns?: Pick<RecordColumns, "lastSeenAt"> } {
    const { columns } = this.touch(false);
    return columns === undefined ? {} : { columns };
  }

  /**
   * The same for the commit.
   * @param takesCookie whether it may be one after which the cookie has to go out again (`resends`).
   */
  touch(takesCookie: boolean): { columns?: Pick<RecordColumns, "lastSeenAt">; resends?: boolean } {
    const { clock, timeouts } = this.#services;
    const now = clock.now();
    if (this.#record === null || !isTouchDue(this.#record, now)) return {};
    const resends = isCookieDue(this.#record, timeouts, now);
    if (resends && !takesCookie) return {};
    return { columns: { lastSeenAt: Math.max(now, this.#record.lastSeenAt) }, resends };
  }

  /**
   * Gives the record a new ticket.
   * @returns `false` when the record was no longer as this request knew it; nothing was done.
   */
  async replaceTicket(patch: Omit<Patch, "epoch">): Promise<boolean> {
    if (this.#record === null) return false;
    const ticket = newTicket(this.#record.id);
    const now = patch.columns?.authenticatedAt ?? this.#services.clock.now(); // of the login, if it is one
    const before = this.#record;
    const full = {
      ...patch,
      columns: { ...patch.columns, ...ticketColumns(ticket, now) },
    };
    const outcome = await this.patch(full);
    if (outcome.kind !== "applied") return false;
    const { next } = patched(before, { ...full, epoch: before.epoch });
    this.#adopt(next, ticket);
    this.cookie.claim(next, next.epoch === before.epoch ? next.ticketAt : undefined);
    return true;
  }

  /** Gives the record a new ticket, and changes nothing else. @returns the id of a record that has one now. */
  async rotate(): Promise<string | undefined> {
    // A ticket that nobody gets would log the visitor out.
    if (this.#record === null || !this.#hasClient) return undefined;
    const { id, verifier } = this.#record;
    return (await this.replaceTicket({ expect: { verifier } })) ? id : undefined;
  }

  /**
   * Ends the session, also where a rotation beside this request has just replaced its ticket: logging out must
   * not depend on which was faster. @returns what it was, unless it had ended before; then the cookie is left
   * to whoever ended it.
   */
  async end(): Promise<SessionRecord | undefined> {
    const record = this.#record ?? this.#rotated;
    if (record === undefined) return undefined;
    const now = this.#services.clock.now();
    const outcome = await this.calls.patch(record.id, endingPatch(record.epoch, now));
    if (outcome.kind === "applied") this.#services.endWatcher.noteEpoch(record.id, record.epoch + 1);
    this.#record = null;
    this.#ticket = null;
    this.#canStart = outcome.kind === "applied";
    if (outcome.kind !== "applied") return undefined;
    this.cookie.clear();
    this.cookie.claim({ id: record.id, verifier: revokedVerifier }, now);
    return record;
  }

  /** Sends the same ticket again: signed with the newest key, or with another lifetime. */
  resendTicket(): void {
    if (this.#record !== null && this.#ticket !== null) this.cookie.send();
  }

  /** Asks again, where that is due, whether the response may still set or clear the cookie; if not, no data begins a session either. */
  confirm(): MaybePromise<void> {
    return andThen(this.cookie.confirm(this.calls), (holds) => {
      if (!holds) this.#canStart = false;
    });
  }

  /** The record of the request's ticket where a rotation, and no login, replaced that within the last minute. */
  get #rotated(): SessionRecord | undefined {
    const { ticketAt = 0, authenticatedAt, createdAt, verifier } = this.#replaced ?? {};
    if (verifier === undefined || ticketAt === (authenticatedAt ?? createdAt)) return undefined;
    const isLate = this.#services.clock.now() - ticketAt <= lateRequestWindow;
    return isLate && !verifiersEqual(verifier, revokedVerifier) ? this.#replaced : undefined;
  }

  /** The session is gone: somebody else ended it. Nothing of this request may begin another. */
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

function ticketColumns(ticket: Ticket, now: number): Pick<RecordColumns, "verifier" | "ticketAt"> {
  return { verifier: verifierOf(ticket), ticketAt: now };
}
