import { StoreError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Events } from "./events.ts";
import type { StoreClient } from "./store-client.ts";
import { recordsAtOnce, turn } from "../runtime/time-slices.ts";

/** Deletes expired records. It sets no timer; instead, the creation of a session checks whether a sweep is due. */
export class Sweeper {
  readonly #store: StoreClient;
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #interval: number | undefined;
  #nextAt: number;

  /** @param interval in milliseconds; `undefined` to sweep only when `sweep` is called. */
  constructor(store: StoreClient, clock: Clock, events: Events, interval: number | undefined) {
    this.#store = store;
    this.#clock = clock;
    this.#events = events;
    this.#interval = interval;
    this.#nextAt = clock.now() + (interval ?? 0);
  }

  /** Deletes all expired records. @returns how many. @throws StoreError */
  async sweep(): Promise<number> {
    let deleted = 0;
    for (;;) {
      const count = await this.#store.sweep(recordsAtOnce);
      deleted += count;
      if (count < recordsAtOnce) break;
      // A store may be synchronous or hold locks during a batch, so requests must get a turn between batches.
      await turn();
    }
    this.#events.emit({ type: "swept", deleted });
    return deleted;
  }

  /** Starts a sweep in the background if the last one began at least an interval ago. */
  sweepIfDue(): void {
    const now = this.#clock.now();
    if (this.#interval === undefined || now < this.#nextAt) return;
    this.#nextAt = now + this.#interval;
    this.sweep().catch((error: unknown) => {
      // The store client has emitted an event; the next sweep tries again.
      if (!(error instanceof StoreError)) throw error;
    });
  }
}
