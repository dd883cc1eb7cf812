import { StoreError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { SessionRecord } from "../record/record.ts";
import type { StoreClient } from "./store-client.ts";
import { endOf } from "./timeouts.ts";
import type { Timeouts } from "./timeouts.ts";
import { forEachLimited } from "../runtime/time-slices.ts";

/** How many sessions the store is asked about at a time. */
const readsAtOnce = 128;

/** A session that somebody holds a signal of: one epoch of one record. */
interface Watched {
  readonly epoch: number;
  readonly controller: AbortController;
}

/**
 * Tells long-lived connections that their session has ended. What ends in this process is told at
 * once; what ends elsewhere, or expires, is found by asking the store in rounds, one read for
 * each session that has a signal. A round never begins before the last is over.
 */
export class EndWatcher {
  readonly #calls: StoreClient;
  readonly #clock: Clock;
  readonly #timeouts: Timeouts;
  readonly #interval: number;
  readonly #watched = new Map<string, Watched>();
  #isAsking = false;

  /** @param interval how often the store is asked, in milliseconds: the longest that an end elsewhere goes unnoticed. */
  constructor(calls: StoreClient, clock: Clock, timeouts: Timeouts, interval: number) {
    this.#calls = calls;
    this.#clock = clock;
    this.#timeouts = timeouts;
    this.#interval = interval;
  }

  /** The signal of a record in its present epoch; the same one as long as that lasts. */
  signalOf(record: SessionRecord): AbortSignal {
    const watched = this.#watched.get(record.id);
    if (watched !== undefined && watched.epoch === record.epoch) return watched.controller.signal;
    // A request that was opened before a login or logout: what it knows of has ended.
    if (watched !== undefined && watched.epoch > record.epoch) return AbortSignal.abort();
    watched?.controller.abort();
    const controller = new AbortController();
    this.#watched.set(record.id, { epoch: record.epoch, controller });
    if (!this.#isAsking) {
      this.#isAsking = true;
      this.#askLater(0, 0);
    }
    return controller.signal;
  }

  /** A record has gone on to another epoch: whoever watches an earlier one is told. */
  noteEpoch(id: string, epoch: number): void {
    const watched = this.#watched.get(id);
    if (watched !== undefined && watched.epoch < epoch) this.#end(id, watched);
  }

  #end(id: string, watched: Watched): void {
    if (this.#watched.get(id) === watched) this.#watched.delete(id);
    watched.controller.abort();
  }

  /**
   * A round begins so early that it is over within an interval of the last one's beginning, if it takes as long:
   * then no session waits longer than the interval from one read to the next.
   *
   * @param took how long the last round took, in milliseconds. @param ahead how long the next one may take.
   */
  #askLater(took: number, ahead: number): void {
    // A tenth at least, since there may be more sessions by then.
    const wait = this.#interval - Math.max(this.#interval / 10, ahead) - took;
    this.#clock.after(Math.max(0, wait), () => {
      void this.#ask();
    });
  }

  async #ask(): Promise<void> {
    const start = this.#clock.now();
    const [first, ...others] = this.#watched;
    let isAnswered = true;
    const ask = async ([id, watched]: [string, Watched]): Promise<boolean> => {
      const goesOn = await this.#goesOn(id, watched);
      if (goesOn === undefined) isAnswered = false;
      else this.#settle(id, watched, goesOn);
      return goesOn !== undefined;
    };
    // One alone at first: a store that does not answer is not asked a hundred times an interval.
    if (first !== undefined) {
      if (await ask(first)) await forEachLimited(others, readsAtOnce, this.#clock, ask);
      // Another is the first of the next round, should it be only this one that can't be read.
      else this.#settle(...first, true);
    }
    this.#isAsking = this.#watched.size > 0;
    // Clocks are set back at times.
    const took = Math.max(0, this.#clock.now() - start);
    if (this.#isAsking) this.#askLater(took, isAnswered ? took : 0);
  }

  /** Tells whoever watches a session that it has ended; one that goes on comes last in the next round. */
  #settle(id: string, watched: Watched, goesOn: boolean): void {
    if (!goesOn) this.#end(id, watched);
    else if (this.#watched.get(id) === watched) {
      // What a round that was cut short did not come to comes first.
      this.#watched.delete(id);
      this.#watched.set(id, watched);
    }
  }

  /** `undefined` where there is no telling. */
  async #goesOn(id: string, { epoch }: Watched): Promise<boolean | undefined> {
    try {
      const record = await this.#calls.read(id, true);
      return record !== null && record.epoch === epoch && endOf(record, this.#timeouts) > this.#clock.now();
    } catch (error) {
      // Unknown is not ended: the next round asks again. A damaged record can't be used any more.
      if (error instanceof StoreError) return error.code === "RECORD_UNREADABLE" ? false : undefined;
      throw error;
    }
  }
}
