import { StoreError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Events } from "./events.ts";
import type { StoreClient } from "./store-client.ts";
import { recordsAtOnce, turn } from "../runtime/time-slices.ts";

/** Deletes expired records. It sets no timer: the creation of a session is the moment to look whether it is time. */
export class Sweeper {
  readonly #calls: StoreClient;
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #interval: number | undefined;
  #nextAt: number;

  /** @param interval in milliseconds; `undefined` to sweep only when asked. */
  constructor(calls: StoreClient, clock: Clock, events: Events, interval: number | undefined) {
    this.#calls = calls;
    this.#clock = clock;
    this.#events = events;
    this.#interval = interval;
    this.#nextAt = clock.now() + (interval ?? 0);
  }

  /** Sweeps until nothing expired is left. @throws StoreError */
  async sweep(): Promise<number> {
    let deleted = 0;
    for (;;) {
      const count = await this.#calls.sweep(recordsAtOnce);
      deleted += count;
      if (count < recordsAtOnce) break;
      // Stores may answer at once, and hold locks meanwhile; requests must get their turn between batches.
      await turn();
    }
    this.#events.emit({ type: "swept", deleted });
    return deleted;
  }

  /** Starts a sweep in the background when the last is an interval ago. */
  sweepIfDue(): void {
    const now = this.#clock.now();
    if (this.#interval === undefined || now < this.#nextAt) return;
    this.#nextAt = now + this.#interval;
    this.sweep().catch((error: unknown) => {
      // The store's trouble has been told as an event; the next interval tries again.
      if (!(error instanceof StoreError)) throw error;
    });
  }
}
