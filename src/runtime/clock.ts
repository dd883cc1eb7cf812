/** The source of the current time and of timers. All code of this package that needs either takes a `Clock`. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number;
  /** Calls `run` once, `milliseconds` from now. Call the returned function to cancel. */
  after(milliseconds: number, run: () => void): () => void;
}

/** The system clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: Date.now,
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds);
    // In browsers and workers a timer is a number, which has no unref.
    if (typeof timer === "object") timer.unref();
    return () => clearTimeout(timer);
  },
};

/** The `Date` of a time in milliseconds, if there is one. */
export function toDate(time: number | null | undefined): Date | undefined {
  return time === null || time === undefined ? undefined : new Date(time);
}
