// For authors of stores: see docs/stores.md.

export { StoreError } from "./errors.ts";
export type { StoreErrorCode, StoreOperation } from "./errors.ts";
export { casStore } from "./record/compare-and-set.ts";
export type { CasRow, CasStoreOptions } from "./record/compare-and-set.ts";
export type { FieldLimits, NewestFields } from "./record/field-limits.ts";
export type { Fields } from "./record/fields.ts";
export { applyPatch } from "./record/patch.ts";
export type { Patch, PatchOutcome, PatchResult } from "./record/patch.ts";
export { expiresAt } from "./record/record.ts";
export type { RecordColumns, SessionRecord } from "./record/record.ts";
export type { Store } from "./record/store.ts";
export type { MaybePromise } from "./runtime/maybe-promise.ts";
