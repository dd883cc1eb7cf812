import { StoreError } from "../errors.ts";
import { andThen } from "./awaitable.ts";
import type { Awaitable } from "./awaitable.ts";
import type { Context } from "./context.ts";
import type { Opening } from "./opening.ts";
import { patched } from "./record.ts";
import type { Patch, PatchOutcome, RecordColumns, SessionRecord } from "./record.ts";
import type { Rejection } from "./rejection.ts";
import type { StoreCalls } from "./store-calls.ts";
import { newRecordId, newTicket, nobodysVerifier, verifierOf } from "./ticket.ts";
import type { Ticket } from "./ticket.ts";
import { isTouchDue, lateRequestWindow, lifetimeOf } from "./timeouts.ts";

/** What the response has to do with the session cookie; nothing, unless its own request did something that the store acknowledged. */
export type CookieAction =
  | { readonly kind: "none" }
  | { readonly kind: "send"; readonly ticket: Ticket; readonly permanent: boolean; readonly deadline: number }
  | { readonly kind: "clear" };

/** The columns that `begin` and `login` decide; the rest follows from the clock. */
interface Beginning {
  readonly subject: string | null;
  readonly permanent: boolean;
}

/** The patch that ends a session: wiped, bound to nobody's ticket, and gone for good when no late request can come any more. */
export function endingPatch(epoch: number, now: number): Patch {
  return {
    epoch,
    retain: [],
    columns: {
      epoch: epoch + 1,
      verifier: nobodysVerifier,
      ticketAt: now,
      subject: null,
      authenticatedAt: null,
      lastSeenAt: now,
      permanent: false,
      idleTimeout: lateRequestWindow,
      absoluteDeadline: now + lateRequestWindow,
    },
  };
}

/** The record of one request's session: what is known of it, and everything that is written to it. */
export class LiveRecord {
  readonly #context: Context;
  /** The request's calls of the store: all that it waits for here. */
  readonly calls: StoreCalls;
  #record: SessionRecord | null = null;
  #ticket: (Ticket & { readonly aged?: boolean }) | null = null;
  #cookie: CookieAction = { kind: "none" };
  #mayBegin = false;
  #rejection: Rejection | undefined;
  #hasClient = true;

  constructor(context: Context, calls: StoreCalls, opening: Opening) {
    this.#context = context;
    this.calls = calls;
    this.reopen(opening);
  }

  /** Begins again from what the request's ticket opens now. */
  reopen(opening: Opening): void {
    this.#record = opening.record;
    this.#ticket = opening.record === null ? null : opening.ticket;
    this.#mayBegin = opening.record === null && opening.mayBegin;
    this.#rejection = opening.record === null ? opening.rejection : undefined;
  }

  /** Why the request's ticket was not taken. */
  get rejection(): Rejection | undefined {
    return this.#rejection;
  }

  /** The record as this request knows it, or `null` when there is none. */
  get current(): SessionRecord | null {
    return this.#record;
  }

  get cookie(): CookieAction {
    return this.#cookie;
  }

  /** Whether data may begin a session where there is none. */
  get mayBegin(): boolean {
    return this.#mayBegin;
  }

  /** Whether somebody is there to get a ticket. */
  get hasClient(): boolean {
    return this.#hasClient;
  }

  /** The client has gone: what begins from here on is this request's own, and the store never hears of it. */
  leave(): void {
    this.#hasClient = false;
  }

  /** Whether an older key signed the ticket that the request brought, and nothing has sent another yet. */
  get resendIsDue(): boolean {
    return this.#ticket?.aged === true && this.#cookie.kind === "none";
  }

  /**
   * Begins a session: creates a record under a new id.
   * @param texts the fields it starts with, as texts by name.
   */
  async begin(beginning: Beginning, texts: ReadonlyMap<string, string>): Promise<SessionRecord> {
    const { clock, codec, events, timeouts } = this.#context;
    const now = clock.now();
    // A taken id has a chance of 2^-128; asking again is cheaper than reasoning about it.
    for (let attempt = 0; attempt < 3; attempt++) {
      const ticket = newTicket(newRecordId());
      const record: SessionRecord = {
        id: ticket.id,
        ...ticketColumns(ticket, now),
        ...lifetimeOf(timeouts, beginning.permanent, now),
        epoch: 0,
        subject: beginning.subject,
        createdAt: now,
        authenticatedAt: beginning.subject === null ? null : now,
        lastSeenAt: now,
        revision: 1,
        fields: new Map(Array.from(texts, ([name, text]) => [name, codec.encode(ticket.id, name, text)])),
      };
      if (!this.#hasClient) {
        this.#hold(record, ticket);
        return record;
      }
      if (!(await this.calls.create(record))) continue;
      this.#hold(record, ticket);
      events.emit({ type: "created", id: record.id });
      this.#context.onCreated();
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
  inTurn<T>(work: () => Awaitable<T>): Awaitable<T> {
    return this.#context.turns.take(this, work);
  }

  /** Whether none of these calls is still under way. */
  get isIdle(): boolean {
    return this.#context.turns.isFree(this);
  }

  /** Sends a patch for the record. `gone` when there is none. */
  patch(patch: Omit<Patch, "epoch">): Awaitable<PatchOutcome> {
    if (this.#record === null) return { kind: "gone" };
    const { id, epoch } = this.#record;
    const full = { epoch, ...patch };
    return andThen(this.calls.patch(id, full), (outcome) => {
      if (outcome.kind !== "applied") return outcome;
      if (patch.columns?.epoch !== undefined) this.#context.watch.noteEpoch(id, patch.columns.epoch);
      // The record may have gone on while the store was asked.
      if (this.#record?.id === id && this.#record.epoch === epoch)
        this.#record = patched(this.#record, full, outcome.revision).next;
      return outcome;
    });
  }

  /** What a touch patches, where one is due; a patch that takes it along spares the commit one of its own. */
  touch(): { readonly columns?: Pick<RecordColumns, "lastSeenAt"> } {
    const now = this.#context.clock.now();
    if (this.#record === null || !isTouchDue(this.#record, now)) return {};
    return { columns: { lastSeenAt: Math.max(now, this.#record.lastSeenAt) } };
  }

  /**
   * Gives the record a new ticket.
   * @returns `false` when the record was no longer as this request knew it; nothing was done.
   */
  async reissue(patch: Omit<Patch, "epoch">): Promise<boolean> {
    if (this.#record === null) return false;
    const ticket = newTicket(this.#record.id);
    const before = this.#record;
    const full = {
      ...patch,
      columns: { ...patch.columns, ...ticketColumns(ticket, this.#context.clock.now()) },
    };
    const outcome = await this.patch(full);
    if (outcome.kind !== "applied") return false;
    this.#hold(patched(before, { ...full, epoch: before.epoch }).next, ticket);
    return true;
  }

  /** Gives the record a new ticket, and changes nothing else. @returns the id of a record that has one now. */
  async rotate(): Promise<string | undefined> {
    // A ticket that nobody gets would log the visitor out.
    if (this.#record === null || !this.#hasClient) return undefined;
    const { id, verifier } = this.#record;
    return (await this.reissue({ expect: { verifier } })) ? id : undefined;
  }

  /** Ends the session. @returns its id, unless it had ended before; then the cookie is left to whoever ended it. */
  async end(): Promise<string | undefined> {
    const record = this.#record;
    if (record === null) return undefined;
    const outcome = await this.patch(endingPatch(record.epoch, this.#context.clock.now()));
    this.#record = null;
    this.#ticket = null;
    this.#mayBegin = outcome.kind === "applied";
    if (outcome.kind !== "applied") return undefined;
    this.#cookie = { kind: "clear" };
    return record.id;
  }

  /** Sends the same ticket again: signed with the newest key, or with another lifetime. */
  resendTicket(): void {
    if (this.#record !== null && this.#ticket !== null) this.#send(this.#record, this.#ticket);
  }

  /** The session is gone: somebody else ended it. Nothing of this request may begin another. */
  lose(): void {
    if (this.#record !== null)
      this.#context.events.emit({ type: "write-dropped", reason: "ended", id: this.#record.id });
    this.#record = null;
    this.#ticket = null;
    this.#mayBegin = false;
    this.#cookie = { kind: "none" };
  }

  #hold(record: SessionRecord, ticket: Ticket): void {
    this.#record = record;
    this.#ticket = ticket;
    this.#send(record, ticket);
  }

  #send(record: SessionRecord, ticket: Ticket): void {
    this.#cookie = { kind: "send", ticket, permanent: record.permanent, deadline: record.absoluteDeadline };
  }
}

function ticketColumns(ticket: Ticket, now: number): Pick<RecordColumns, "verifier" | "ticketAt"> {
  return { verifier: verifierOf(ticket), ticketAt: now };
}
