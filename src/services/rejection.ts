/**
 * Why a ticket was rejected:
 * - `malformed`: it does not have the form of a ticket.
 * - `forged`: its mac fits no key of the keyring (or its key was removed).
 * - `ambiguous`: the request contains two different tickets, both with valid macs.
 * - `ended`: the session no longer exists: it expired, was logged out, or was revoked.
 * - `superseded`: the session goes on, with a newer ticket.
 * - `unreadable`: the record in the store is damaged or has an unknown format.
 * - `cross-origin`: a page of another site opened this WebSocket.
 */
export type RejectionReason =
  | "malformed"
  | "forged"
  | "ambiguous"
  | "ended"
  | "superseded"
  | "unreadable"
  | "cross-origin";

/** A rejected ticket. Anybody can cause one, so it is a value and never an exception. */
export interface Rejection {
  readonly reason: RejectionReason;
}
