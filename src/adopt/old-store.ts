import { assertOption } from "../runtime/check-options.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import { checkedOldData, parseOldData } from "./old-data.ts";

/** Where the system before kept its records. */
export interface OldStore {
  /**
   * Returns the record with this id, as an object or its JSON; `null` or `undefined` if there is none or it has
   * expired. If it throws, the visitor gets a 503, since they are then unknown and not anonymous.
   *
   * @param id has a good signature, but may be any text. Pass it as a parameter, never inside a query's text.
   */
  read(id: string): unknown;
  /**
   * Removes the record. Called when our own record has been written. If it throws, an event says so, and the record
   * stays until the system before would have removed it.
   */
  remove?(id: string): unknown;
}

/** @throws ConfigError CONFIG_INVALID */
export function assertOldStore(store: unknown, caller: string): void {
  assertOption(
    typeof store === "object" && store !== null && typeof Reflect.get(store, "read") === "function",
    `${caller}: store is missing: pass connectRedis({ client }), connectPgSimple({ client }) or { read(id) { … } }.`,
  );
}

/** Returns a record as an object; `undefined` if there is none, or it can't be read. */
export async function readOldRecord(store: OldStore, id: string): Promise<object | undefined> {
  const record: unknown = await store.read(id);
  return typeof record === "string" ? parseOldData(record) : checkedOldData(record);
}

/** Returns what removes a record, if the store can. */
export function removeOldRecord(store: OldStore, id: string): (() => MaybePromise<unknown>) | undefined {
  return store.remove === undefined ? undefined : async () => store.remove?.(id);
}
