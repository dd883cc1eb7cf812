import { StoreError } from "../errors.ts";
import type { Clock } from "./clock.ts";
import type { SessionRecord } from "./record.ts";
import type { StoreCalls } from "./store-calls.ts";
import { endOf } from "./timeouts.ts";
import type { Timeouts } from "./timeouts.ts";

/** A session that somebody holds a signal of: one epoch of one record. */
interface Watched {
  readonly epoch: number;
  readonly controller: AbortController;
}

/**
 * Tells long-lived connections that their session has ended. What ends in this process is told at
 * once; what ends elsewhere, or expires, is found by asking the store now and then, one read for
 * each session that has a signal.
 */
export class SessionWatch {
  readonly #calls: StoreCalls;
  readonly #clock: Clock;
  readonly #timeouts: Timeouts;
  readonly #interval: number;
  readonly #watched = new Map<string, Watched>();
  #isAsking = false;

  /** @param interval how often the store is asked, in milliseconds: the longest that an end elsewhere goes unnoticed. */
  constructor(calls: StoreCalls, clock: Clock, timeouts: Timeouts, interval: number) {
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
      this.#askLater();
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

  #askLater(): void {
    this.#clock.after(this.#interval, () => {
      void this.#ask();
    });
  }

  async #ask(): Promise<void> {
    for (const [id, watched] of this.#watched) {
      if (!(await this.#goesOn(id, watched))) this.#end(id, watched);
    }
    this.#isAsking = this.#watched.size > 0;
    if (this.#isAsking) this.#askLater();
  }

  async #goesOn(id: string, { epoch }: Watched): Promise<boolean> {
    try {
      const record = await this.#calls.read(id, true);
      return record !== null && record.epoch === epoch && endOf(record, this.#timeouts) > this.#clock.now();
    } catch (error) {
      // Unknown is not ended: the next round asks again. A damaged record can't be used any more.
      if (error instanceof StoreError) return error.code !== "RECORD_UNREADABLE";
      throw error;
    }
  }
}
