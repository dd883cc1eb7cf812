import type { SessionRecord } from "coatcheck/store";

/** An anonymous session's record that began now, with other columns where they are given. */
export function recordOf(columns: Partial<SessionRecord> = {}): SessionRecord {
  const now = Date.now();
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
