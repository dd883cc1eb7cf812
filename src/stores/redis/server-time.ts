/**
 * Estimates the server's clock from its replies, to tell the server the deadline of a command. It never
 * decides when a session ends, and so runs on this machine's monotonic clock.
 */
export class ServerTime {
  /** How many milliseconds the server's clock is ahead of `performance.now()`, at least. */
  #ahead = 0;
  #learntAt = Number.NEGATIVE_INFINITY;

  /** Converts `until` from `performance.now()` to the server's clock. Returns 0 while that is unknown. */
  deadline(until: number): number {
    return this.#learntAt === Number.NEGATIVE_INFINITY ? 0 : Math.floor(until + this.#ahead);
  }

  /** Updates the estimate with the time in a reply. */
  learn(time: number): void {
    const now = performance.now();
    const ahead = time - now;
    // A smaller value usually means a slow reply, not a better estimate. But a clock may also be set back.
    if (ahead < this.#ahead && now - this.#learntAt < memory) return;
    this.#ahead = ahead;
    this.#learntAt = now;
  }
}

/** For how many milliseconds the best estimate is kept. */
const memory = 5_000;
