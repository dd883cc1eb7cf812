import type { SessionRecord } from "../record/record.ts";
import type { Patch } from "../record/patch.ts";
import type { Store } from "../record/store.ts";

/** A call that a store got: enough to count calls, and to tell a write of data from a touch. */
export type ProbedCall =
  | { readonly operation: "create"; readonly record: SessionRecord }
  | { readonly operation: "read"; readonly id: string }
  | { readonly operation: "patch"; readonly id: string; readonly patch: Patch }
  | { readonly operation: "list" | "sweep" | "close" };

/** A store with a lookout. */
export interface StoreProbe {
  /** Give this one to `createSessions`. */
  readonly store: Store;
  /** The calls so far, in order; empty it to begin anew. */
  readonly calls: ProbedCall[];
  /**
   * Stands around each call; `run` does it. May wait before or after (a slow store), throw instead
   * (one that fails) or after (an answer that got lost). Default: just runs it.
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
