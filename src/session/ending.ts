import type { Patch } from "../record/patch.ts";
import { revokedVerifier } from "../crypto/ticket.ts";
import { lateRequestWindow } from "../services/timeouts.ts";

/**
 * Returns the patch that ends a session. It wipes the data and makes every ticket invalid. The record expires once
 * late requests are no longer expected.
 */
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
