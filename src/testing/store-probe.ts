import type { SessionRecord } from "../record/record.ts";
import type { Patch } from "../record/patch.ts";
import type { Store } from "../record/store.ts";

/** A call to a store, with enough detail to tell a write of data from a touch. */
export type ProbedCall =
  | { readonly operation: "create"; readonly record: SessionRecord }
  | { readonly operation: "read"; readonly id: string }
  | { readonly operation: "patch"; readonly id: string; readonly patch: Patch }
  | { readonly operation: "list" | "sweep" | "close" };

/** A store whose calls a test can observe and change. */
export interface StoreProbe {
  /** The wrapped store, to pass to `createSessions`. */
  readonly store: Store;
  /** The calls so far, in order. Set its `length` to 0 to start over. */
  readonly calls: ProbedCall[];
  /**
   * Wraps each call, which `run` executes. May wait before or after it (a slow store), throw instead (a failing
   * store) or afterwards (a lost answer). Default: only runs it.
   */
  around: <T>(call: ProbedCall, run: () => Promise<T>) => Promise<T>;
}

/** Wraps a store so that a test can count, delay, reorder and fail its calls. */
export function probeStore(store: Store): StoreProbe {
  const seen = async <T>(call: ProbedCall, run: () => T | Promise<T>): Promise<T> => {
    probe.calls.push(call);
    return probe.around(call, async () => run());
  };
  const probe: StoreProbe = {
    calls: [],
    around: (_, run) => run(),
    store: {
      name: store.name,
      inProcess: store.inProcess,
      create: (record, timeout) => seen({ operation: "create", record }, () => store.create(record, timeout)),
      read: (id, now, authoritative) =>
        seen({ operation: "read", id }, () => store.read(id, now, authoritative)),
      patch: (id, patch, now, timeout) =>
        seen({ operation: "patch", id, patch }, () => store.patch(id, patch, now, timeout)),
      list: (subject, now) => seen({ operation: "list" }, () => store.list(subject, now)),
      sweep: (now, limit) => seen({ operation: "sweep" }, () => store.sweep(now, limit)),
      close: () => seen({ operation: "close" }, () => store.close()),
    },
  };
  return probe;
}
