import type { Clock } from "./clock.ts";
import type { MaybePromise } from "./maybe-promise.ts";

/** How long a loop may keep everything else waiting, in milliseconds. */
const slice = 5;

/** Divides the work of a long loop: where a store answers at once, nothing else would get its turn before the end. */
export class TimeSlices {
  readonly #clock: Clock;
  #start: number;
  #turn: Promise<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#start = clock.now();
  }

  /** Whether everything else should have its turn before the next step: see `turn`. */
  get areOver(): boolean {
    const spent = this.#clock.now() - this.#start;
    // Clocks are set back at times.
    return spent < 0 || spent >= slice;
  }

  /** Everything else gets its turn, and another slice begins. Where several wait for it, the first may use that up. */
  async turn(): Promise<void> {
    return (this.#turn ??= this.#takeTurn());
  }

  async #takeTurn(): Promise<void> {
    await turn();
    this.#start = this.#clock.now();
    this.#turn = undefined;
  }
}

/** Everything else that waits gets its turn. */
export async function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** How many records a store may read at once before everything else gets its turn: a few milliseconds' worth. */
export const recordsAtOnce = 200;

/**
 * Does work for each of many, for at most so many at a time. Where one fails, no more are begun.
 *
 * @param work answers `false` where nothing more should go the way it went: then one less goes on at a time, and
 *   what is left when none does is left undone.
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
