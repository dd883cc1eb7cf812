import { ChangedFields } from "./changed-fields.ts";
import { beyondNewest, passedLimit } from "./field-limits.ts";
import type { FieldLimits, NewestFields } from "./field-limits.ts";

/** The fields of a record: from name (`d:user`, `f:…`, `m:agent`) to bytes that only the core can read. */
export type Fields = ReadonlyMap<string, Uint8Array>;

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

/** The only way to change a record. Applied as a whole or not at all. */
export interface Patch {
  /** The epoch it was made under; in any other the outcome is `gone`. */
  readonly epoch: number;
  /** What must still hold, or the outcome is `conflict`. */
  readonly expect?: {
    readonly verifier?: Uint8Array;
    /** Field names with the bytes they must hold; `null` where there must be no such field. */
    readonly fields?: ReadonlyMap<string, Uint8Array | null>;
  };
  /** Removes every field that is not named here (first of all). */
  readonly retain?: readonly string[];
  /** Removes fields; removing one that is not there is no error. */
  readonly remove?: readonly string[];
  /** Sets fields (last of all). */
  readonly set?: Fields;
  /** What the record may hold afterwards, or the outcome is `full`. */
  readonly limits?: FieldLimits;
  /** Of which fields only so many may be left: after all else, those whose names come first are removed. */
  readonly newest?: NewestFields;
  /** Columns that change. */
  readonly columns?: Partial<RecordColumns>;
}

/** What became of a patch. */
export type PatchOutcome =
  | {
      readonly kind: "applied";
      /** The record's revision now. */
      readonly revision: number;
      /**
       * The names in `patch.remove` that were there, and those of the fields that `patch.newest` removed: of
       * all patches that remove a field, one is told so.
       */
      readonly removed: readonly string[];
    }
  /** Something that `expect` names has changed; nothing was done. */
  | { readonly kind: "conflict"; readonly record: SessionRecord }
  /** The record would hold more than `limits` allows, and more than it does; nothing was done. */
  | { readonly kind: "full"; readonly limit: "bytes" | "fields" }
  /** No such record, or it has expired, or its epoch is another; nothing was done. */
  | { readonly kind: "gone" };

/** When a record ends unless it is used again: the earlier of its two deadlines. */
export function expiresAt(
  columns: Pick<RecordColumns, "lastSeenAt" | "idleTimeout" | "absoluteDeadline">,
): number {
  return Math.min(columns.lastSeenAt + columns.idleTimeout, columns.absoluteDeadline);
}

/**
 * Whether a record's numbers can be reckoned with. With a time that is NaN or infinite, which only damaged bytes can
 * hold, a session would never end; with such a revision, or one below 0, it can't be packed.
 *
 * @internal
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

/**
 * The rules of a patch in one place, for stores that read, change and write a record under a lock
 * of their own: answers the outcome and, where it is `applied`, the record as it must be written.
 */
export function applyPatch(record: SessionRecord | null, patch: Patch, now: number): PatchResult {
  const { outcome, next } = layPatch(record, patch, now);
  return next === undefined ? { outcome } : { outcome, next: { ...next, fields: new Map(next.fields) } };
}

/** What a patch does to a record, and leaves of it where it is applied. */
export interface PatchResult {
  readonly outcome: PatchOutcome;
  readonly next?: SessionRecord;
}

/** The same for stores that pack what comes of it at once: its fields lie over those of the record, and are no map. */
export function layPatch(record: SessionRecord | null, patch: Patch, now: number): PatchResult {
  if (record === null || record.epoch !== patch.epoch || expiresAt(record) <= now) {
    return { outcome: { kind: "gone" } };
  }
  if (!holds(record, patch)) return { outcome: { kind: "conflict", record } };
  const { next, removed } = patched(record, patch);
  const limit = passedLimit(record, next.fields, patch.limits);
  if (limit !== undefined) return { outcome: { kind: "full", limit } };
  return { outcome: { kind: "applied", revision: next.revision, removed }, next };
}

/**
 * The record after a patch whose conditions hold, and which of the patch's removals found something.
 *
 * @param revision the one it has then.
 *
 * @internal
 */
export function patched(
  record: SessionRecord,
  patch: Patch,
  revision: number = record.revision + 1,
): { readonly next: SessionRecord; readonly removed: readonly string[] } {
  const { fields } = record;
  const changes = new Map<string, Uint8Array | null>();
  if (patch.retain !== undefined) {
    const kept = new Set(patch.retain);
    for (const name of fields.keys()) if (!kept.has(name)) changes.set(name, null);
  }
  const removed = (patch.remove ?? []).filter((name) => {
    const isHeld = !changes.has(name) && fields.has(name);
    if (isHeld) changes.set(name, null);
    return isHeld;
  });
  for (const [name, bytes] of patch.set ?? []) changes.set(name, bytes);
  if (patch.newest !== undefined) {
    for (const name of beyondNewest(new ChangedFields(fields, changes), patch.newest)) {
      changes.set(name, null);
      removed.push(name);
    }
  }
  const changed = changes.size === 0 ? fields : new ChangedFields(fields, changes);
  return { next: { ...record, ...patch.columns, revision, fields: changed }, removed };
}

function holds(record: SessionRecord, patch: Patch): boolean {
  const { verifier, fields } = patch.expect ?? {};
  if (verifier !== undefined && !bytesEqual(record.verifier, verifier)) return false;
  for (const [name, bytes] of fields ?? []) {
    const held = record.fields.get(name);
    if (bytes === null ? held !== undefined : held === undefined || !bytesEqual(held, bytes)) return false;
  }
  return true;
}

/** Not in constant time: stores compare hashes and ciphertexts, which tell a stranger nothing. */
function bytesEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
