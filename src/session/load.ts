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

/** The result of loading the session of a request. */
export type LoadResult = Loaded | Refusal;

interface Loaded {
  readonly record: SessionRecord;
  readonly ticket: VerifiedTicket;
  /** Whether the request did not bring the ticket, so that its response must send it. */
  readonly isNewTicket?: true;
}

interface Refusal {
  readonly record: null;
  /** `undefined` if the request has no ticket. */
  readonly rejection: Rejection | undefined;
  /**
   * `false` if the session of the request's ticket got a new ticket, or ended, within the last minute. Such a
   * request is probably late, and if it started a session, that cookie would replace the newer one in the browser.
   */
  readonly canStart: boolean;
  /** The record that the ticket belonged to. */
  readonly replaced?: SessionRecord;
}

/** Further cookies with the session's name are ignored: no browser sends that many. */
const maxCandidates = 8;

/**
 * Loads the session for a request's cookie values. This takes at most one read, and none if no value has a valid
 * mac. Synchronous if the store is.
 *
 * @param authoritative whether the store must not return a nearby copy.
 * @throws StoreError if the store failed or did not answer: the session is then unknown, not anonymous.
 */
export function load(
  services: Services,
  calls: StoreClient,
  values: readonly string[],
  authoritative: boolean,
): MaybePromise<LoadResult> {
  const ticket = readTickets(services, values);
  if (ticket === undefined) return noTicket;
  if (typeof ticket === "string") return reject(services, ticket);
  return attempt(
    () => calls.read(ticket.id, authoritative),
    (record) => judge(services, ticket, record),
    (error) => withoutRecord(services, ticket, error),
  );
}

/** The result for a request that has no ticket. */
export const noTicket: LoadResult = { record: null, rejection: undefined, canStart: true };

/** Decides whether a record may be used with this ticket now. */
export function judge(services: Services, ticket: VerifiedTicket, record: SessionRecord | null): LoadResult {
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

/** Rejects the ticket of a damaged record. @throws any other error */
function withoutRecord(services: Services, ticket: VerifiedTicket, error: unknown): LoadResult {
  if (error instanceof StoreError && error.code === "RECORD_UNREADABLE")
    return reject(services, "unreadable", ticket.id);
  throw error;
}

/**
 * Returns the only valid ticket among the values. Other values are ignored, in any order (RFC 6265bis 4.2.2:
 * servers should not rely on the order). Two different valid tickets are rejected, because one of them was
 * planted and nothing tells which.
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
