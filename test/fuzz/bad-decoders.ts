import type { Decoders } from "./decoders.ts";

const seeds = [Buffer.from("valid")];

/** Decoders with a fault each, to show that a hunt finds such. */
export const decoders: Decoders = {
  "never ends": () => ({
    seeds,
    decode(input) {
      let at = 0;
      while (input.length > 100 && at < input.length) at += input[at] === 0xff ? 0 : 1;
    },
  }),
  throws: () => ({
    seeds,
    decode(input) {
      if (input.includes(0)) throw new TypeError("on purpose");
    },
  }),
  "believes lengths": () => ({
    seeds,
    decode(input) {
      if (input.length > 4) kept = Buffer.alloc(input.readUInt32BE() % 2 ** 28);
    },
  }),
  "keeps everything": () => ({
    seeds,
    decode: () => void pile.push("x".repeat(1000).split("")),
  }),
};

const pile: unknown[] = [];
/** So that it is not optimised away. */
export let kept: unknown;
