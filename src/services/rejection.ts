/**
 * Why a ticket was not taken:
 * - `malformed`: it has not the shape of a ticket.
 * - `forged`: no key of the keyring made its mac (or its key was taken out).
 * - `ambiguous`: the request brought two different tickets that are both ours.
 * - `ended`: there is no such session any more: it expired, was logged out, or was revoked.
 * - `superseded`: the session goes on, under a newer ticket.
 * - `unreadable`: the store's record is damaged or of an unknown format.
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

/** A ticket that was not taken. Anybody can cause it, so it is a value and never an exception. */
export interface Rejection {
  readonly reason: RejectionReason;
}
