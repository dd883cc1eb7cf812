import type { MaybePromise, SessionRecord } from "coatcheck/store";
import type { ProbedCall, StoreProbe } from "coatcheck/testing";

type Around = StoreProbe["around"];

/** For a probe: every call does what it does. */
export const untouched: Around = (_, run) => run();

/** For a probe: this comes before each call, and may throw, or wait for ever. */
export function precededBy(act: (call: ProbedCall) => MaybePromise<void>): Around {
  return async (call, run) => {
    await act(call);
    return run();
  };
}

/** For a probe: every call is made in a later turn of the event loop, as over a network. */
export const inLaterTurn: Around = precededBy(
  async () =>
    new Promise((resolve) => {
      setImmediate(resolve);
    }),
);

/** For a probe: a read finds something else than what is kept. */
export function tampered(change: (record: SessionRecord) => SessionRecord): Around {
  return async <T>(call: ProbedCall, run: () => Promise<T>) => {
    const found = await run();
    return call.operation === "read" && found !== null ? (change(found as SessionRecord) as T) : found;
  };
}

/** For a probe: every call fails, but those that let a server stop. */
export const broken: Around = precededBy(({ operation }) => {
  if (operation !== "sweep" && operation !== "close") throw new Error("the disk is gone");
});
