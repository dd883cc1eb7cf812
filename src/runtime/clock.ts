/** Where the time comes from: everything here that asks for the time or waits takes one of these. */
export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number;
  /** Calls `run` once, `milliseconds` from now, unless the returned function is called first. */
  after(milliseconds: number, run: () => void): () => void;
}

/** The machine's own clock; its timers never keep a process alive. */
export const systemClock: Clock = {
  now: Date.now,
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds);
    // Browsers' and workers' timers are numbers, which need no unref.
    if (typeof timer === "object") timer.unref();
    return () => clearTimeout(timer);
  },
};
