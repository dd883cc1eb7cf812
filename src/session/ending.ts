import type { Patch } from "../record/patch.ts";
import { revokedVerifier } from "../crypto/ticket.ts";
import { lateRequestWindow } from "../services/timeouts.ts";

/** The patch that ends a session: wiped, bound to nobody's ticket, and gone for good when no late request can come any more. */
export function endingPatch(epoch: number, now: number): Patch {
  return {
    epoch,
    retain: [],
    columns: {
      epoch: epoch + 1,
      verifier: revokedVerifier,
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
