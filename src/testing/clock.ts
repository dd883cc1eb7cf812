import type { Clock } from "../runtime/clock.ts";

/** A clock that only the test advances. */
export interface TestClock extends Clock {
  /** Advances the time and runs the timers that become due, in order. */
  advance(milliseconds: number): void;
}

/** Makes a clock for tests. @param start milliseconds since 1970 UTC; default 2026-01-01. */
export function testClock(start: number = Date.UTC(2026, 0, 1)): TestClock {
  let now = start;
  const waiting = new Set<{ readonly at: number; readonly run: () => void }>();
  return {
    now: () => now,
    after(milliseconds, run) {
      const timer = { at: now + milliseconds, run };
      waiting.add(timer);
      return () => waiting.delete(timer);
    },
    advance(milliseconds) {
      const end = now + milliseconds;
      for (;;) {
        const next = [...waiting]
          .filter(({ at }) => at <= end)
          .toSorted((one, other) => one.at - other.at)[0];
        if (next === undefined) break;
        waiting.delete(next);
        now = Math.max(now, next.at);
        next.run();
      }
      now = end;
    },
  };
}
