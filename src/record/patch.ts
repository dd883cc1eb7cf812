import { beyondNewest, passedLimit } from "./field-limits.ts";
import type { FieldLimits, NewestFields } from "./field-limits.ts";
import { ChangedFields } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { expiresAt } from "./record.ts";
import type { RecordColumns, SessionRecord } from "./record.ts";

/** The only way to change a record. It is applied as a whole or not at all. */
export interface Patch {
  /** The epoch of the record when the patch was made. If it has changed, the outcome is `gone`. */
  readonly epoch: number;
  /** What must still be true. If it is not, the outcome is `conflict`. */
  readonly expect?: {
    readonly verifier?: Uint8Array;
    /** Field names with the bytes they must have; `null` if there must be no such field. */
    readonly fields?: ReadonlyMap<string, Uint8Array | null>;
  };
  /** Removes every field that is not named here. Applied first. */
  readonly retain?: readonly string[];
  /** Removes fields. Fields that do not exist are ignored. */
  readonly remove?: readonly string[];
  /** Sets fields. Applied after `retain` and `remove`. */
  readonly set?: Fields;
  /** How much the record may hold afterwards. If it would hold more, the outcome is `full`. */
  readonly limits?: FieldLimits;
  /** How many fields of one kind may remain. Applied last: the fields whose names sort first are removed. */
  readonly newest?: NewestFields;
  /** The columns to change. */
  readonly columns?: Partial<RecordColumns>;
}

/** The outcome of a patch. */
export type PatchOutcome =
  | {
      readonly kind: "applied";
      /** The record's new revision. */
      readonly revision: number;
      /**
       * The names in `patch.remove` whose fields existed, and the names of the fields that `patch.newest` removed.
       * If several patches remove the same field, only one of them reports it.
       */
      readonly removed: readonly string[];
    }
  /** Something that `expect` names has changed. Nothing was done. */
  | { readonly kind: "conflict"; readonly record: SessionRecord }
  /** The record would hold more than `limits` allows, and more than before. Nothing was done. */
  | { readonly kind: "full"; readonly limit: "bytes" | "fields" }
  /** There is no such record, it has expired, or its epoch has changed. Nothing was done. */
  | { readonly kind: "gone" };

/**
 * Applies a patch, for stores that read, change and write a record under their own lock. Returns the outcome
 * and, if it is `applied`, the record that the store must write.
 */
export function applyPatch(record: SessionRecord | null, patch: Patch, now: number): PatchResult {
  const { outcome, next } = layPatch(record, patch, now);
  return next === undefined ? { outcome } : { outcome, next: { ...next, fields: new Map(next.fields) } };
}

/** The outcome of a patch and, if it was applied, the changed record. */
export interface PatchResult {
  readonly outcome: PatchOutcome;
  readonly next?: SessionRecord;
}

/**
 * As `applyPatch`, but for stores that pack the result immediately: its fields are a layer over those of the record,
 * not a map.
 */
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
 * Returns the record after a patch whose conditions hold, and the names of the fields that were removed.
 *
 * @param revision the record's new revision.
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
    const exists = !changes.has(name) && fields.has(name);
    if (exists) changes.set(name, null);
    return exists;
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
    const current = record.fields.get(name);
    if (bytes === null ? current !== undefined : current === undefined || !bytesEqual(current, bytes))
      return false;
  }
  return true;
}

/** Not in constant time: stores compare hashes and ciphertexts, which reveal nothing to a stranger. */
function bytesEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
