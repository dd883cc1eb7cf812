/**
 * The server's clock, as far as its answers tell. Nothing here decides when a session ends: it is for
 * telling the server until when a command is still wanted, and so runs on this machine's steady clock.
 */
export class ServerTime {
  /** How far the server's clock is before `performance.now()`: at least that much. */
  #ahead = 0;
  #learntAt = Number.NEGATIVE_INFINITY;

  /** `until` (of `performance.now()`) by the server's clock; long ago while nothing is known of it. */
  deadline(until: number): number {
    return this.#learntAt === Number.NEGATIVE_INFINITY ? 0 : Math.floor(until + this.#ahead);
  }

  /** Takes in the time that an answer brought. */
  learn(time: number): void {
    const now = performance.now();
    const ahead = time - now;
    // An answer that was long on its way tells less than the one before, but clocks are set back, too.
    if (ahead < this.#ahead && now - this.#learntAt < memory) return;
    this.#ahead = ahead;
    this.#learntAt = now;
  }
}

/** For how many milliseconds the best measurement counts. */
const memory = 5_000;
