import { StoreError } from "coatcheck";
import type { Store, StoreOperation } from "coatcheck";

/** A store as the core calls it: after `patience` milliseconds a call counts as failed, and its late answer as none. */
export function inTime(store: Store, patience: number): Store {
  const timed = async <T>(operation: StoreOperation, answer: T | Promise<T>): Promise<T> => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new StoreError("STORE_TIMEOUT", operation, "too late", { transient: true }));
      }, patience);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    name: store.name,
    inProcess: store.inProcess,
    create: async (record) => timed("create", store.create(record)),
    read: async (id, now, authoritative) => timed("read", store.read(id, now, authoritative)),
    patch: async (id, patch, now) => timed("patch", store.patch(id, patch, now)),
    list: async (subject, now) => timed("list", store.list(subject, now)),
    sweep: async (now, limit) => timed("sweep", store.sweep(now, limit)),
    close: () => store.close(),
  };
}
