import { StoreError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import type { StoreClient } from "../services/store-client.ts";

/**
 * Waits for the store of the system before as long as the request may still wait for its own.
 *
 * @throws StoreError STORE_TIMEOUT; whatever `run` throws.
 */
export async function withinDeadline<T>(
  clock: Clock,
  calls: StoreClient,
  run: () => MaybePromise<T>,
): Promise<T> {
  const start = clock.now();
  let cancel = (): void => {};
  const timeout = new Promise<never>((_, reject) => {
    cancel = clock.after(Math.max(1, calls.remaining), () => {
      const message = "The store of the system before did not answer in time (storeTimeout).";
      reject(new StoreError("STORE_TIMEOUT", "read", message, { transient: true }));
    });
  });
  try {
    return await Promise.race([run(), timeout]);
  } finally {
    cancel();
    calls.addElapsedSince(start);
  }
}
