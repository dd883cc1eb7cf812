import type { Fields } from "./fields.ts";

/** A record's columns: the part that a store may read. All times are milliseconds since 1970-01-01 UTC. */
export interface RecordColumns {
  /**
   * Counts logins and logouts. A patch contains the epoch it was made for. In any other epoch the session
   * that it was meant for has ended, and the patch changes nothing.
   */
  readonly epoch: number;
  /** SHA-256 of the current ticket's secret: 32 bytes. */
  readonly verifier: Uint8Array;
  /** When the current ticket was issued. */
  readonly ticketAt: number;
  /** Who is logged in, or `null`. `list` searches this column. */
  readonly subject: string | null;
  readonly createdAt: number;
  /** When the subject logged in; `null` if nobody is logged in. */
  readonly authenticatedAt: number | null;
  readonly lastSeenAt: number;
  /** How long the session may stay unused, in milliseconds. */
  readonly idleTimeout: number;
  /** When the session ends, no matter how much it is used. */
  readonly absoluteDeadline: number;
  /** Whether its cookie is kept after the browser is closed. */
  readonly permanent: boolean;
}

/** What a store keeps under an id. */
export interface SessionRecord extends RecordColumns {
  /** 22 base64url characters. */
  readonly id: string;
  /** 1 when created, incremented by every applied patch. */
  readonly revision: number;
  readonly fields: Fields;
}

/** Returns when a record expires unless it is used again: the earlier of its two deadlines. */
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
 *
 * @internal
 */
export function isSoundRecord(record: UncheckedRecord): record is SessionRecord {
  return (
    typeof record.id === "string" &&
    record.verifier instanceof Uint8Array &&
    record.verifier.length === 32 &&
    (record.subject === null || typeof record.subject === "string") &&
    isWhole(record.epoch) &&
    isWhole(record.revision) &&
    isTime(record.ticketAt) &&
    isTime(record.createdAt) &&
    (record.authenticatedAt === null || isTime(record.authenticatedAt)) &&
    isTime(record.lastSeenAt) &&
    isTime(record.idleTimeout) &&
    isTime(record.absoluteDeadline)
  );
}

/** Whether a value is a safe integer from 0 up. */
export function isWhole(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && Number.isSafeInteger(value);
}

/** In milliseconds, possibly with a fraction. The limit is far beyond any date, so that sums of times are times, too. */
function isTime(value: unknown): boolean {
  return typeof value === "number" && Math.abs(value) <= 2 ** 55;
}
