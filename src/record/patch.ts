import { beyondNewest, passedLimit } from "./field-limits.ts";
import type { FieldLimits, NewestFields } from "./field-limits.ts";
import { ChangedFields } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { expiresAt } from "./record.ts";
import type { RecordColumns, SessionRecord } from "./record.ts";

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
