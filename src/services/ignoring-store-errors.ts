import { StoreError } from "../errors.ts";
import { orElse } from "../runtime/maybe-async.ts";
import type { Awaitable } from "../runtime/maybe-async.ts";

/** Calls the store for what no visitor should suffer from; its trouble has been told as an event. @returns `undefined` where it failed. */
export function quietly<T>(work: () => Awaitable<T>): Awaitable<T | undefined> {
  return orElse<T | undefined>(work, (error) => {
    if (error instanceof StoreError) return undefined;
    throw error;
  });
}
