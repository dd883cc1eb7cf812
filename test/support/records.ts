import { randomBytes } from "node:crypto";
import type { SessionRecord } from "coatcheck/store";

/** A new id, in the form that the library makes. */
export function newId(): string {
  return randomBytes(16).toString("base64url");
}

/** An anonymous session's record that began `now` and lasts for an hour, with other columns where they are given. */
export function recordOf(columns: Partial<SessionRecord> = {}, now: number = Date.now()): SessionRecord {
  return {
    id: "AAAAAAAAAAAAAAAAAAAAAA",
    epoch: 0,
    revision: 1,
    verifier: new Uint8Array(32),
    ticketAt: now,
    subject: null,
    createdAt: now,
    authenticatedAt: null,
    lastSeenAt: now,
    idleTimeout: 3_600_000,
    absoluteDeadline: now + 3_600_000,
    permanent: false,
    fields: new Map(),
    ...columns,
  };
}
