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

/**
 * Whether a record's numbers can be reckoned with. With a time that is NaN or infinite, which only damaged bytes can
 * hold, a session would never end; with such a revision, or one below 0, it can't be packed.
 */
export function hasSoundNumbers(record: SessionRecord): boolean {
  return (
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

function isCount(value: number): boolean {
  return value >= 0 && Number.isSafeInteger(value);
}

/** In milliseconds, with a fraction where a clock has one; far beyond any date, so that sums of such are times, too. */
function isTime(value: number): boolean {
  return Math.abs(value) <= 2 ** 55;
}
