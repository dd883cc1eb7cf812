import type { Clock } from "./clock.ts";
import type { MaybePromise } from "./maybe-promise.ts";

/** How long a loop may block the event loop, in milliseconds. */
const slice = 5;

/**
 * Divides a long loop into slices: with a store that answers synchronously, the loop would block the event loop until
 * its end.
 */
export class TimeSlices {
  readonly #clock: Clock;
  #start: number;
  #turn: Promise<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#start = clock.now();
  }

  /** Whether the slice is used up, so that the loop should wait for `turn` before its next step. */
  get areOver(): boolean {
    const spent = this.#clock.now() - this.#start;
    // The clock may be set back.
    return spent < 0 || spent >= slice;
  }

  /** Lets the event loop run, then begins a new slice. If several callers wait, the first may use up the slice. */
  async turn(): Promise<void> {
    return (this.#turn ??= this.#takeTurn());
  }

  async #takeTurn(): Promise<void> {
    await turn();
    this.#start = this.#clock.now();
    this.#turn = undefined;
  }
}

/** Lets the event loop run its other work. */
export async function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** How many records a store may read before it lets the event loop run: a few milliseconds of work. */
export const recordsAtOnce = 200;

/**
 * Calls `work` for each item, for at most `lanes` items at a time. After a failure no further item is started.
 *
 * @param work returns `false` to close its lane: from then on one item fewer runs at a time. Items that remain
 *   when all lanes are closed are skipped.
 */
export async function forEachLimited<T>(
  items: Iterable<T>,
  lanes: number,
  clock: Clock,
  work: (item: T) => MaybePromise<boolean>,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  const slices = new TimeSlices(clock);
  const state = { hasFailed: false };
  const lane = async (): Promise<void> => {
    try {
      for (let next = rest.next(); next.done !== true && !state.hasFailed; next = rest.next()) {
        while (slices.areOver) await slices.turn();
        if (!(await work(next.value))) return;
      }
    } catch (error) {
      state.hasFailed = true;
      throw error;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
