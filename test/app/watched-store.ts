import type { Store } from "coatcheck";
import { memoryStore } from "coatcheck/memory";

/** A store that counts the records which are made, and can be out of order. */
export interface WatchedStore {
  readonly store: Store;
  /** How many records were made. */
  readonly made: number;
  /** While it is, every call fails. */
  isBroken: boolean;
}

/** A memory store that is watched. */
export function watchedStore(): WatchedStore {
  const inner = memoryStore();
  let made = 0;
  const works = (): void => {
    if (watched.isBroken) throw new Error("the disk is gone");
  };
  const store: Store = {
    ...inner,
    create: (...args) => (works(), (made += 1), inner.create(...args)),
    read: (...args) => (works(), inner.read(...args)),
    patch: (...args) => (works(), inner.patch(...args)),
    list: (...args) => (works(), inner.list(...args)),
    sweep: (...args) => inner.sweep(...args),
    close: () => inner.close(),
  };
  const watched = {
    store,
    isBroken: false,
    get made() {
      return made;
    },
  };
  return watched;
}
