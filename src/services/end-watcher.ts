import { StoreError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { SessionRecord } from "../record/record.ts";
import type { StoreClient } from "./store-client.ts";
import { endOf } from "./timeouts.ts";
import type { Timeouts } from "./timeouts.ts";
import { forEachLimited } from "../runtime/time-slices.ts";

/** How many reads are sent to the store at the same time. */
const readsAtOnce = 128;

/** A session whose signal is in use: one epoch of one record. */
interface Watched {
  readonly epoch: number;
  readonly controller: AbortController;
}

/**
 * Tells long-lived connections that their session has ended. If it ends in this process, they are told
 * immediately. If it ends in another process, or expires, that is found by polling the store in rounds, with one
 * read for each session that has a signal. A round never begins before the last one is over.
 */
export class EndWatcher {
  readonly #store: StoreClient;
  readonly #clock: Clock;
  readonly #timeouts: Timeouts;
  readonly #interval: number;
  readonly #watched = new Map<string, Watched>();
  #isAsking = false;

  /** @param interval in milliseconds: the longest time for which an end in another process can go unnoticed. */
  constructor(store: StoreClient, clock: Clock, timeouts: Timeouts, interval: number) {
    this.#store = store;
    this.#clock = clock;
    this.#timeouts = timeouts;
    this.#interval = interval;
  }

  /** Returns the signal of a record in its current epoch; always the same one during that epoch. */
  signalOf(record: SessionRecord): AbortSignal {
    const watched = this.#watched.get(record.id);
    if (watched !== undefined && watched.epoch === record.epoch) return watched.controller.signal;
    // The request loaded its session before a login or logout, so the session it knows has ended.
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

  /** Notes that a record is in this epoch now, and ends the signal of an earlier one. */
  noteEpoch(id: string, epoch: number): void {
    const watched = this.#watched.get(id);
    if (watched !== undefined && watched.epoch < epoch) this.#end(id, watched);
  }

  #end(id: string, watched: Watched): void {
    if (this.#watched.get(id) === watched) this.#watched.delete(id);
    watched.controller.abort();
  }

  /**
   * Schedules the next round so early that it ends within one interval of the start of the last one, if it takes
   * as long. Then no session waits longer than the interval from one read to the next.
   *
   * @param took how long the last round took, in milliseconds.
   * @param ahead how long the next one may take, in milliseconds.
   */
  #askLater(took: number, ahead: number): void {
    // Allow at least a tenth of the interval, because there may be more sessions by then.
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
    // Read one session alone first, so that a store that is down does not get a hundred reads in each interval.
    if (first !== undefined) {
      if (await ask(first)) await forEachLimited(others, readsAtOnce, this.#clock, ask);
      // Begin the next round with another session, in case only this one can't be read.
      else this.#settle(...first, true);
    }
    this.#isAsking = this.#watched.size > 0;
    // The clock may be set back.
    const took = Math.max(0, this.#clock.now() - start);
    if (this.#isAsking) this.#askLater(took, isAnswered ? took : 0);
  }

  /** Ends the signal of a session that has ended; moves one that goes on to the end of the next round. */
  #settle(id: string, watched: Watched, goesOn: boolean): void {
    if (!goesOn) this.#end(id, watched);
    else if (this.#watched.get(id) === watched) {
      // So sessions that a shortened round did not reach come first in the next one.
      this.#watched.delete(id);
      this.#watched.set(id, watched);
    }
  }

  /** Returns whether the session goes on, or `undefined` if the store can't tell. */
  async #goesOn(id: string, { epoch }: Watched): Promise<boolean | undefined> {
    try {
      const record = await this.#store.read(id, true);
      return record !== null && record.epoch === epoch && endOf(record, this.#timeouts) > this.#clock.now();
    } catch (error) {
      // Unknown does not mean ended: the next round asks again. A damaged record can no longer be used.
      if (error instanceof StoreError) return error.code === "RECORD_UNREADABLE" ? false : undefined;
      throw error;
    }
  }
}
