import { StoreError } from "../errors.ts";
import { isThenable } from "../runtime/maybe-async.ts";
import type { Awaitable } from "../runtime/maybe-async.ts";
import type { Context } from "../services/services.ts";
import type { SessionRecord } from "../record/record.ts";
import type { Rejection, RejectionReason } from "../services/rejection.ts";
import type { StoreCalls } from "../services/store-client.ts";
import { nobodysVerifier, verifiersEqual } from "../crypto/ticket.ts";
import type { OpenedTicket } from "../crypto/ticket.ts";
import { endOf, lateRequestWindow } from "../services/timeouts.ts";

/** What a request's cookies opened. */
export type Opening = { readonly record: SessionRecord; readonly ticket: OpenedTicket } | Refusal;

interface Refusal {
  readonly record: null;
  /** `undefined` when the request brought no ticket at all. */
  readonly rejection: Rejection | undefined;
  /**
   * `false` for a request that carries the ticket of a session that got a new ticket, or ended,
   * within the last minute: it is probably a late one, and a session begun by it would push the
   * newer cookie out of the browser.
   */
  readonly mayBegin: boolean;
  /** The record whose ticket it was. */
  readonly replaced?: SessionRecord;
}

/** More values than this under the session's name are not looked at: no browser sends them. */
const maxCandidates = 8;

/**
 * Opens the session that a request's cookie values name: at most one read, and none for values
 * that no key of ours has signed. Answers at once where the store does.
 *
 * @param authoritative whether the store must not answer from a copy.
 * @throws StoreError when the store did not answer: the session is then unknown, not anonymous.
 */
export function open(
  context: Context,
  calls: StoreCalls,
  values: readonly string[],
  authoritative: boolean,
): Awaitable<Opening> {
  const ticket = readTickets(context, values);
  if (ticket === undefined) return { record: null, rejection: undefined, mayBegin: true };
  if (typeof ticket === "string") return reject(context, ticket);
  try {
    const record = calls.read(ticket.id, authoritative);
    if (!isThenable(record)) return judge(context, ticket, record);
    return record.then(
      (found) => judge(context, ticket, found),
      (error: unknown) => withoutRecord(context, ticket, error),
    );
  } catch (error) {
    return withoutRecord(context, ticket, error);
  }
}

/** Whether a record may be used with this ticket, now. */
function judge(context: Context, ticket: OpenedTicket, record: SessionRecord | null): Opening {
  if (record === null) return reject(context, "ended", ticket.id);
  const now = context.clock.now();
  const mayBegin = now - record.ticketAt > lateRequestWindow;
  if (!verifiersEqual(record.verifier, ticket.verifier)) {
    const reason = verifiersEqual(record.verifier, nobodysVerifier) ? "ended" : "superseded";
    return { ...reject(context, reason, ticket.id, mayBegin), replaced: record };
  }
  if (endOf(record, context.timeouts) <= now) return reject(context, "ended", ticket.id);
  return { record, ticket };
}

/** A damaged record opens nothing. @throws any other error */
function withoutRecord(context: Context, ticket: OpenedTicket, error: unknown): Opening {
  if (error instanceof StoreError && error.code === "RECORD_UNREADABLE")
    return reject(context, "unreadable", ticket.id);
  throw error;
}

/**
 * The one ticket among the values that is ours. Stray values beside it are passed over, in any order
 * (RFC 6265bis 4.2.2: servers should not rely on it); two different tickets of ours are refused,
 * since one of them was planted and nothing tells which.
 */
function readTickets(
  context: Context,
  values: readonly string[],
): OpenedTicket | RejectionReason | undefined {
  let found: OpenedTicket | undefined;
  let reason: RejectionReason | undefined;
  for (const value of values.slice(0, maxCandidates)) {
    const ticket = context.office.open(value);
    if (typeof ticket === "string") reason = reason === "forged" ? reason : ticket;
    else if (found !== undefined && (found.id !== ticket.id || found.secret !== ticket.secret))
      return "ambiguous";
    else found = ticket;
  }
  return found ?? reason;
}

function reject(context: Context, reason: RejectionReason, id?: string, mayBegin = true): Refusal {
  if (reason === "forged") context.advice?.forged();
  context.events.emit(id === undefined ? { type: "rejected", reason } : { type: "rejected", reason, id });
  return { record: null, rejection: { reason }, mayBegin };
}
