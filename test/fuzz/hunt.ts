import { join } from "node:path";
import { Worker } from "node:worker_threads";

/** What a thread is told. */
export interface Hunt {
  /** Where the decoders are. */
  readonly module: string;
  /** Of the decoder. */
  readonly name: string;
  readonly seed: number;
  readonly milliseconds: number;
  /** How many inputs at most. */
  readonly atMost: number;
  /** Two numbers: how many inputs there were, and how long the current one is. */
  readonly progress: SharedArrayBuffer;
  /** The current input. */
  readonly current: SharedArrayBuffer;
}

/** An input that a decoder did not stand. */
export interface Found {
  readonly what: string;
  /** In hexadecimal. */
  readonly input: string;
}

/** What came of a hunt. */
export interface Outcome {
  /** How many inputs there were. */
  readonly count: number;
  readonly found: Found | undefined;
}

/** No input is larger. */
const largest = 2 ** 21;

/** How long a decoder may take for one input, in milliseconds: what takes longer does not end, or as good as. */
const patience = 20_000;

/**
 * Feeds a decoder in a thread of its own, which is stopped where it does not come back, and which has little memory.
 *
 * @returns when it has found something, and otherwise after so long, or so many inputs.
 */
export function hunt(
  name: string,
  seed: number,
  { milliseconds = Infinity, atMost = Infinity, impatience = patience, module = "./decoders.ts" } = {},
): Promise<Outcome> {
  const progress = new SharedArrayBuffer(8);
  const current = new SharedArrayBuffer(largest);
  const count = new Int32Array(progress);
  const workerData: Hunt = { module, name, seed, milliseconds, atMost, progress, current };
  const thread = new Worker(join(import.meta.dirname, "decoder-process.ts"), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 64 },
  });
  const done = (): number => Atomics.load(count, 0);
  const here = (what: string): Found => {
    const bytes = new Uint8Array(current).slice(0, Atomics.load(count, 1));
    return { what, input: Buffer.from(bytes).toString("hex") };
  };
  return new Promise((resolve) => {
    let before = -1;
    const watch = setInterval(() => {
      // A busy machine may take its time to start a thread.
      if (done() === before && before > 0)
        end({ count: done(), found: here(`it did not come back in ${impatience} ms`) });
      before = done();
    }, impatience);
    const end = (outcome: Outcome): void => {
      clearInterval(watch);
      void thread.terminate();
      resolve(outcome);
    };
    thread.once("message", (found: Found | undefined) => end({ count: done(), found }));
    thread.once("error", (error) => end({ count: done(), found: here(String(error)) }));
  });
}
