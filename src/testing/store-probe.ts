import type { SessionRecord } from "../record/record.ts";
import type { Patch } from "../record/patch.ts";
import type { Store } from "../record/store.ts";

/**
 * A call to a store, with enough detail to tell a write of data from a touch. `timeout` is how long the caller waits,
 * in milliseconds.
 */
export type ProbedCall =
  | { readonly operation: "create"; readonly record: SessionRecord; readonly timeout: number | undefined }
  | { readonly operation: "read"; readonly id: string }
  | {
      readonly operation: "patch";
      readonly id: string;
      readonly patch: Patch;
      readonly timeout: number | undefined;
    }
  | { readonly operation: "list" | "sweep" | "close" };

/** A store whose calls a test can observe and change. */
export interface StoreProbe {
  /** The wrapped store, to pass to `createSessions`. */
  readonly store: Store;
  /** The calls so far, in order. Set its `length` to 0 to start over. */
  readonly calls: ProbedCall[];
  /** How many of the calls in `calls` were of these operations. */
  count(...operations: readonly ProbedCall["operation"][]): number;
  /** What the store holds of all records that were created through the probe, expired or not. */
  records(): Promise<SessionRecord[]>;
  /**
   * Wraps each call, which `run` executes. May wait before or after it (a slow store), throw instead (a failing
   * store) or afterwards (a lost answer). Default: only runs it.
   */
  around: <T>(call: ProbedCall, run: () => Promise<T>) => Promise<T>;
}

/** Wraps a store so that a test can count, delay, reorder and fail its calls. */
export function probeStore(store: Store): StoreProbe {
  const created = new Set<string>();
  const seen = async <T>(call: ProbedCall, run: () => T | Promise<T>): Promise<T> => {
    probe.calls.push(call);
    return probe.around(call, async () => run());
  };
  const probe: StoreProbe = {
    calls: [],
    count: (...operations) => probe.calls.filter(({ operation }) => operations.includes(operation)).length,
    async records() {
      const found: SessionRecord[] = [];
      for (const id of created) {
        const record = await store.read(id, 0);
        if (record !== null) found.push(record);
      }
      return found;
    },
    around: (_, run) => run(),
    store: {
      name: store.name,
      inProcess: store.inProcess,
      create(record, timeout) {
        created.add(record.id);
        return seen({ operation: "create", record, timeout }, () => store.create(record, timeout));
      },
      read: (id, now, authoritative) =>
        seen({ operation: "read", id }, () => store.read(id, now, authoritative)),
      patch: (id, patch, now, timeout) =>
        seen({ operation: "patch", id, patch, timeout }, () => store.patch(id, patch, now, timeout)),
      list: (subject, now) => seen({ operation: "list" }, () => store.list(subject, now)),
      sweep: (now, limit) => seen({ operation: "sweep" }, () => store.sweep(now, limit)),
      close: () => seen({ operation: "close" }, () => store.close()),
    },
  };
  return probe;
}
