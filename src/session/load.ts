import { StoreError } from "../errors.ts";
import { attempt } from "../runtime/maybe-promise.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { Services } from "../services/services.ts";
import type { SessionRecord } from "../record/record.ts";
import type { Rejection, RejectionReason } from "../services/rejection.ts";
import type { StoreClient } from "../services/store-client.ts";
import { revokedVerifier, verifiersEqual } from "../crypto/ticket.ts";
import type { VerifiedTicket } from "../crypto/ticket.ts";
import { endOf, lateRequestWindow } from "../services/timeouts.ts";

/** What a request's cookies opened. */
export type LoadResult = { readonly record: SessionRecord; readonly ticket: VerifiedTicket } | Refusal;

interface Refusal {
  readonly record: null;
  /** `undefined` when the request brought no ticket at all. */
  readonly rejection: Rejection | undefined;
  /**
   * `false` for a request that carries the ticket of a session that got a new ticket, or ended,
   * within the last minute: it is probably a late one, and a session begun by it would push the
   * newer cookie out of the browser.
   */
  readonly canStart: boolean;
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
export function load(
  services: Services,
  calls: StoreClient,
  values: readonly string[],
  authoritative: boolean,
): MaybePromise<LoadResult> {
  const ticket = readTickets(services, values);
  if (ticket === undefined) return { record: null, rejection: undefined, canStart: true };
  if (typeof ticket === "string") return reject(services, ticket);
  return attempt(
    () => calls.read(ticket.id, authoritative),
    (record) => judge(services, ticket, record),
    (error) => withoutRecord(services, ticket, error),
  );
}

/** Whether a record may be used with this ticket, now. */
function judge(services: Services, ticket: VerifiedTicket, record: SessionRecord | null): LoadResult {
  if (record === null) return reject(services, "ended", ticket.id);
  const now = services.clock.now();
  const canStart = now - record.ticketAt > lateRequestWindow;
  if (!verifiersEqual(record.verifier, ticket.verifier)) {
    const reason = verifiersEqual(record.verifier, revokedVerifier) ? "ended" : "superseded";
    return { ...reject(services, reason, ticket.id, canStart), replaced: record };
  }
  if (endOf(record, services.timeouts) <= now) return reject(services, "ended", ticket.id);
  return { record, ticket };
}

/** A damaged record opens nothing. @throws any other error */
function withoutRecord(services: Services, ticket: VerifiedTicket, error: unknown): LoadResult {
  if (error instanceof StoreError && error.code === "RECORD_UNREADABLE")
    return reject(services, "unreadable", ticket.id);
  throw error;
}

/**
 * The one ticket among the values that is ours. Stray values beside it are passed over, in any order
 * (RFC 6265bis 4.2.2: servers should not rely on it); two different tickets of ours are refused,
 * since one of them was planted and nothing tells which.
 */
function readTickets(
  services: Services,
  values: readonly string[],
): VerifiedTicket | RejectionReason | undefined {
  let found: VerifiedTicket | undefined;
  let reason: RejectionReason | undefined;
  for (const value of values.slice(0, maxCandidates)) {
    const ticket = services.tickets.verify(value);
    if (typeof ticket === "string") reason = reason === "forged" ? reason : ticket;
    else if (found !== undefined && (found.id !== ticket.id || found.secret !== ticket.secret))
      return "ambiguous";
    else found = ticket;
  }
  return found ?? reason;
}

function reject(services: Services, reason: RejectionReason, id?: string, canStart = true): Refusal {
  if (reason === "forged") services.advice?.forged();
  services.events.emit(id === undefined ? { type: "rejected", reason } : { type: "rejected", reason, id });
  return { record: null, rejection: { reason }, canStart };
}
