// One decoder, fed until its time is over or something is found: hunt.ts starts this as a thread of its own.

import { getHeapStatistics } from "node:v8";
import { parentPort, workerData } from "node:worker_threads";
import type { Decoders } from "./decoders.ts";
import type { Found, Hunt } from "./hunt.ts";
import { inputs } from "./inputs.ts";

const { module, name, seed, milliseconds, atMost, progress, current }: Hunt = workerData;

/** How many bytes a decoder may allocate whatever it gets, and for each byte that it gets. */
const allowedAtAll = 2 ** 20;
const allowedForEach = 1024;

/** How often memory is looked at. */
const lookEvery = 4;

function allocated(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

async function hunt(): Promise<Found | undefined> {
  const { decoders }: { decoders: Decoders } = await import(module);
  const decoder = decoders[name]?.();
  if (decoder === undefined) return { what: "there is no such decoder", input: "" };
  const shown = new Uint8Array(current);
  const count = new Int32Array(progress);
  const end = performance.now() + milliseconds;
  for (const input of inputs(decoder.seeds, seed)) {
    if (performance.now() > end || (count[0] ?? 0) >= atMost) return undefined;
    // If this never comes back, hunt.ts finds here what it was.
    shown.set(input);
    Atomics.store(count, 1, input.length);
    Atomics.add(count, 0, 1);
    const looks = (count[0] ?? 0) % lookEvery === 0;
    const allowed = allowedAtAll + allowedForEach * input.length;
    // What V8 takes for itself once in a while, it does not take every time.
    let bytes = Infinity;
    for (let times = looks ? 3 : 1; times > 0 && bytes > allowed; times--) {
      const before = looks ? allocated() : 0;
      try {
        decoder.decode(input);
      } catch (error) {
        return {
          what: error instanceof Error ? (error.stack ?? error.message) : String(error),
          input: hex(input),
        };
      }
      // A garbage collection in between makes this less.
      bytes = looks ? allocated() - before : 0;
    }
    if (bytes > allowed)
      return { what: `it allocated ${bytes} bytes for ${input.length}`, input: hex(input) };
  }
  return undefined;
}

function hex(input: Buffer): string {
  return input.toString("hex");
}

const found = await hunt();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origins
parentPort?.postMessage(found);
