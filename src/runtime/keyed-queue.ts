import { isThenable } from "./maybe-promise.ts";
import type { MaybePromise } from "./maybe-promise.ts";

/**
 * Whether the requests of one process can't wait for each other, as in workerd: there, a request that waits for a promise of
 * another one may go on as a part of that one, or never, if that one has ended.
 */
export function requestsAreIsolated(): boolean {
  return typeof navigator === "object" && navigator.userAgent === "Cloudflare-Workers";
}

/**
 * Runs tasks with the same key one after the other; tasks with different keys do not wait for each other.
 * This avoids conflicts in the store between updates of one process. Between processes, only the store's
 * patch decides.
 */
export class KeyedQueue {
  readonly #last = new Map<unknown, Promise<unknown>>();
  readonly #isOff: boolean;

  /** @param isOff `true` to run every task at once. */
  constructor(isOff = false) {
    this.#isOff = isOff;
  }

  /** Whether no task with this key is running or waiting. */
  isIdle(key: unknown): boolean {
    return !this.#last.has(key);
  }

  /**
   * Runs `work` after the earlier tasks with this key. If there are none it runs now, and its value is returned
   * without a promise unless `work` returns one.
   *
   * @param afterFailure runs instead of `work` if the task before it failed.
   */
  run<T>(key: unknown, work: () => MaybePromise<T>, afterFailure = work): MaybePromise<T> {
    const before = this.#isOff ? undefined : this.#last.get(key);
    const result = before === undefined ? work() : before.then(work, afterFailure);
    return isThenable(result) ? this.#add(key, result) : result;
  }

  #add<T>(key: unknown, result: Promise<T>): Promise<T> {
    this.#last.set(key, result);
    const remove = (): void => {
      if (this.#last.get(key) === result) this.#last.delete(key);
    };
    result.then(remove, remove);
    return result;
  }
}
