import { AsyncLocalStorage } from "node:async_hooks";
import { StoreError } from "coatcheck";
import type { Store, StoreOperation } from "coatcheck";
import type { MaybePromise } from "coatcheck/store";

/** One call of the store, as it was measured. */
export type StoreCall = { operation: StoreOperation; milliseconds: number; failed: boolean };

/** What one request has done so far. */
export type Measurement = {
  readonly calls: StoreCall[];
  /** The id of the record that it wrote last. */
  written: string | undefined;
  /** The id of the session whose page it shows. */
  shown: string | undefined;
  /** The id of the session that it logged out. */
  loggedOut: string | undefined;
  /** The visitor who watches their own events on `/break`. */
  visitor: string | undefined;
  /** Whether this visitor has taken the store away from themselves, on `/break`. */
  isStoreAway: boolean;
  isOver: boolean;
};

const running = new AsyncLocalStorage<Measurement>();

/**
 * The measurement of the request that is running. `undefined` outside of a request and once its response has begun:
 * timers that a request started run on, for other visitors too, and are not its own.
 */
export function currentMeasurement(): Measurement | undefined {
  const measurement = running.getStore();
  return measurement?.isOver === false ? measurement : undefined;
}

/** Runs a request and measures it, until the returned promise settles. */
export async function measured(run: (measurement: Measurement) => Promise<void>): Promise<void> {
  const measurement: Measurement = {
    calls: [],
    written: undefined,
    shown: undefined,
    loggedOut: undefined,
    visitor: undefined,
    isStoreAway: false,
    isOver: false,
  };
  try {
    await running.run(measurement, run, measurement);
  } finally {
    measurement.isOver = true;
  }
}

/** The cause of the failures that a visitor wished for on `/break`. Nobody has to be told of them. */
export class StoreTakenAway extends Error {
  override readonly name = "StoreTakenAway";
}

/** Wraps the site's store, so that each request counts its own calls, and can be without a store for itself. */
export function measuredStore(store: Store): Store {
  const call = <T>(operation: StoreOperation, run: () => MaybePromise<T>, id?: string): MaybePromise<T> => {
    const measurement = currentMeasurement();
    if (measurement === undefined) return run();
    const start = performance.now();
    const note = (failed: boolean): void => {
      measurement.calls.push({ operation, milliseconds: performance.now() - start, failed });
      if (!failed && id !== undefined) measurement.written = id;
    };
    try {
      if (measurement.isStoreAway) throw takenAway(store, operation);
      const result = run();
      if (!(result instanceof Promise)) {
        note(false);
        return result;
      }
      return result.then(
        (value) => {
          note(false);
          return value;
        },
        (error: unknown) => {
          note(true);
          throw error;
        },
      );
    } catch (error) {
      note(true);
      throw error;
    }
  };
  return {
    name: store.name,
    inProcess: store.inProcess,
    create: (record, timeout) => call("create", () => store.create(record, timeout), record.id),
    read: (id, now, authoritative) => call("read", () => store.read(id, now, authoritative)),
    patch: (id, patch, now, timeout) => call("patch", () => store.patch(id, patch, now, timeout), id),
    list: (subject, now) => call("list", () => store.list(subject, now)),
    sweep: (now, limit) => call("sweep", () => store.sweep(now, limit)),
    close: () => store.close(),
  };
}

function takenAway(store: Store, operation: StoreOperation): StoreError {
  const message = `The ${store.name} store was taken away from one visitor, who asked for it on /break.`;
  return new StoreError("STORE_UNAVAILABLE", operation, message, {
    transient: true,
    cause: new StoreTakenAway(message),
  });
}
