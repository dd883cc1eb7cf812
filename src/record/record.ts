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

/**
 * Whether a record's numbers are valid. With a time that is NaN or infinite, which only damaged bytes can contain,
 * a session would never end. With such a revision, or a negative one, the record can't be packed.
 */
export function hasSoundNumbers(record: SessionRecord): boolean {
  return (
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
export function isWhole(value: number): boolean {
  return value >= 0 && Number.isSafeInteger(value);
}

/**
 * Fractions of a millisecond are allowed, since a clock may have them. The bound is far beyond any date and leaves
 * room for sums.
 */
function isTime(value: number): boolean {
  return Math.abs(value) <= 2 ** 55;
}
