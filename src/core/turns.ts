/**
 * One after the other: work on the same key waits for the work before it, work on different keys
 * does not. It spares the updates of one process from colliding in the store; what decides between
 * processes is the store's patch alone.
 */
export class Turns {
  readonly #last = new Map<unknown, Promise<unknown>>();

  /** Whether nothing is under way for a key. */
  isFree(key: unknown): boolean {
    return !this.#last.has(key);
  }

  /** @param afterFailure what to do instead where the work before it failed. */
  async take<T>(key: unknown, work: () => Promise<T>, afterFailure = work): Promise<T> {
    const before = this.#last.get(key);
    const mine = before === undefined ? work() : before.then(work, afterFailure);
    this.#last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    }
  }
}
