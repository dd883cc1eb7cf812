import { isThenable } from "./maybe-promise.ts";
import type { MaybePromise } from "./maybe-promise.ts";

/**
 * One after the other: work on the same key waits for the work before it, work on different keys
 * does not. It spares the updates of one process from colliding in the store; what decides between
 * processes is the store's patch alone.
 */
export class KeyedQueue {
  readonly #last = new Map<unknown, Promise<unknown>>();

  /** Whether nothing is under way for a key. */
  isIdle(key: unknown): boolean {
    return !this.#last.has(key);
  }

  /**
   * Does the work when it is its turn: at once where nothing is under way, and then it may answer at once, too.
   *
   * @param afterFailure what to do instead where the work before it failed.
   */
  run<T>(key: unknown, work: () => MaybePromise<T>, afterFailure = work): MaybePromise<T> {
    const before = this.#last.get(key);
    const answer = before === undefined ? work() : before.then(work, afterFailure);
    return isThenable(answer) ? this.#hold(key, answer) : answer;
  }

  #hold<T>(key: unknown, answer: Promise<T>): Promise<T> {
    this.#last.set(key, answer);
    const leave = (): void => {
      if (this.#last.get(key) === answer) this.#last.delete(key);
    };
    answer.then(leave, leave);
    return answer;
  }
}
