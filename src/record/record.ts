import type { Fields } from "./fields.ts";

/** A record's columns: what a store may look at. All times are milliseconds since 1970-01-01 UTC. */
export interface RecordColumns {
  /**
   * Counts logins and logouts. A patch carries the epoch it was made under; in another epoch the
   * session it was meant for has ended, and the patch finds nothing to change.
   */
  readonly epoch: number;
  /** SHA-256 of the current ticket's secret: 32 bytes. */
  readonly verifier: Uint8Array;
  /** When the current ticket was given out. */
  readonly ticketAt: number;
  /** Who is logged in, or `null`: what `list` looks for. */
  readonly subject: string | null;
  readonly createdAt: number;
  /** When the subject logged in; `null` while nobody has. */
  readonly authenticatedAt: number | null;
  readonly lastSeenAt: number;
  /** How long the session may stay unused, in milliseconds. */
  readonly idleTimeout: number;
  /** When it ends, however much it is used. */
  readonly absoluteDeadline: number;
  /** Whether its cookie outlives the browser. */
  readonly permanent: boolean;
}

/** What a store keeps for an id. */
export interface SessionRecord extends RecordColumns {
  /** 22 base64url characters. */
  readonly id: string;
  /** 1 when created; one more with every patch that was applied. */
  readonly revision: number;
  readonly fields: Fields;
}

/** When a record ends unless it is used again: the earlier of its two deadlines. */
export function expiresAt(
  columns: Pick<RecordColumns, "lastSeenAt" | "idleTimeout" | "absoluteDeadline">,
): number {
  return Math.min(columns.lastSeenAt + columns.idleTimeout, columns.absoluteDeadline);
}

/** A record whose parts have been read from a store's own form, and not been checked yet. */
type UncheckedRecord = Pick<SessionRecord, "permanent" | "fields"> & {
  readonly [Part in Exclude<keyof SessionRecord, "permanent" | "fields">]: unknown;
};

/**
 * Whether what a store has read back is a record. Damaged bytes can hold a time that is NaN or infinite, with which
 * a session would never end, or a revision that can't be packed, such as one below 0.
 */
export function isSoundRecord(record: UncheckedRecord): record is SessionRecord {
  return (
    typeof record.id === "string" &&
    record.verifier instanceof Uint8Array &&
    record.verifier.length === 32 &&
    (record.subject === null || typeof record.subject === "string") &&
    isCount(record.epoch) &&
    isCount(record.revision) &&
    isTime(record.ticketAt) &&
    isTime(record.createdAt) &&
    (record.authenticatedAt === null || isTime(record.authenticatedAt)) &&
    isTime(record.lastSeenAt) &&
    isTime(record.idleTimeout) &&
    isTime(record.absoluteDeadline)
  );
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && Number.isSafeInteger(value);
}

/** In milliseconds, possibly with a fraction. The limit is far beyond any date, so that sums of times are times, too. */
function isTime(value: unknown): boolean {
  return typeof value === "number" && Math.abs(value) <= 2 ** 55;
}
