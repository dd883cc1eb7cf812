import { randomFrom } from "../support/random.ts";

/** Whole numbers as the packing writes them, seven bits a byte: what lies at the ends of every range, and beyond. */
const numbers: readonly Buffer[] = [
  ...Array.from({ length: 12 }, (_, bytes) => Buffer.from([...Array<number>(bytes).fill(0xff), 0x7f])),
  ...Array.from({ length: 12 }, (_, bytes) => Buffer.from([...Array<number>(bytes).fill(0x80), 0x01])),
  ...Array.from({ length: 12 }, (_, bytes) => Buffer.from([...Array<number>(bytes).fill(0x80), 0x00])),
  // 2 ** 53 - 1, 2 ** 53, 2 ** 31 and its neighbours, doubled as lengths are.
  Buffer.from("ffffffffffffff0f", "hex"),
  Buffer.from("8080808080808010", "hex"),
  Buffer.from("ffffffff07", "hex"),
  Buffer.from("8080808008", "hex"),
  Buffer.from("feffffff0f", "hex"),
];

/** Doubles that are no times. */
const doubles = [Number.NaN, Infinity, -Infinity, -0, -1, 1e308, 5e-324].map((value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
});

const words = [
  ...'\0 | |\n|"|\\|[|]|{|}|,|:|;|=|.|%|-|&|/|$'.split("|"),
  "\\u",
  "\\\\",
  '{"$',
  '{"$Map":[[',
  '{"$Set":[',
  '{"$bigint":"',
  '{"$bytes":"',
  '{"$URL":"',
  '{"$Date":',
  '{"$number":"',
  '{"$undefined":',
  '{"$$',
  '"__proto__":',
  '"\\u005f_proto__":',
  "1e999",
  "-0",
  "1e-999",
  "9007199254740993",
  "NaN",
  "Infinity",
  "-",
  "0x10",
  "\u007f",
  "\ud800",
  "ü",
  "%",
  "%f0%9f",
].map((word) => Buffer.from(word));

const pieces: readonly Buffer[] = [...numbers, ...doubles, ...words];

/** How long runs are; the longest are there to tell what grows with the square of its input. */
const lengths = [
  1, 2, 3, 7, 8, 9, 31, 32, 33, 127, 128, 146, 147, 148, 255, 256, 1024, 4096, 65_536, 1_000_000,
];

/**
 * Inputs for a decoder, without end: first every truncation and every damaged bit of what is valid and runs of each
 * byte, alone and after each beginning of something valid; then whatever chance makes of all that.
 *
 * @param seeds what is valid.
 */
export function* inputs(seeds: readonly Buffer[], seed: number): Generator<Buffer> {
  const chance = randomFrom(seed);
  yield* seeds;
  // A long hunt sees all of these at its beginning; a short one sees as many of each kind as it has time for.
  const kinds = [truncations(seeds), flips(seeds), insertions(seeds), runs(), runsAfter(seeds, chance)];
  for (let open = kinds.length; open > 0;) {
    open = kinds.length;
    for (const kind of kinds) {
      const { value, done } = kind.next();
      if (done === true) open--;
      else yield value;
    }
    if (chance(4) === 0) yield mixed(seeds, chance);
  }
  for (;;) yield mixed(seeds, chance);
}

function* truncations(seeds: readonly Buffer[]): Generator<Buffer, void> {
  for (const seed of seeds) {
    for (let at = 0; at < seed.length; at++) {
      yield seed.subarray(0, at);
      yield seed.subarray(at);
    }
  }
}

function* flips(seeds: readonly Buffer[]): Generator<Buffer, void> {
  for (const seed of seeds) {
    for (let at = 0; at < seed.length * 8; at++) {
      const flipped = Buffer.from(seed);
      flipped[at >> 3] = (flipped[at >> 3] ?? 0) ^ (1 << (at & 7));
      yield flipped;
    }
  }
}

function* insertions(seeds: readonly Buffer[]): Generator<Buffer, void> {
  for (const piece of pieces) {
    for (const seed of seeds) {
      for (let at = 0; at <= seed.length; at++) {
        yield Buffer.concat([seed.subarray(0, at), piece, seed.subarray(at)]);
        yield Buffer.concat([seed.subarray(0, at), piece, seed.subarray(at + piece.length)]);
      }
    }
  }
}

function* runs(): Generator<Buffer, void> {
  for (const length of lengths) {
    for (let byte = 0; byte < 256; byte++) {
      if (length <= 65_536 || interesting.has(byte)) yield Buffer.alloc(length, byte);
    }
    for (const word of words) yield Buffer.alloc(length, word);
  }
}

/** What a long run of could mean something: numbers that never end, and what nests, quotes and separates. */
const interesting = new Set([0, 1, 0x7f, 0x80, 0xfe, 0xff, ...Buffer.from(' "\\[{,;=.%-1aA_')]);

function* runsAfter(seeds: readonly Buffer[], chance: (count: number) => number): Generator<Buffer, void> {
  for (const length of lengths.slice(0, -1)) {
    for (const byte of interesting) {
      for (const seed of seeds) {
        const at = chance(seed.length + 1);
        yield Buffer.concat([seed.subarray(0, at), Buffer.alloc(length, byte), seed.subarray(at)]);
        yield Buffer.concat([seed.subarray(0, at), Buffer.alloc(length, byte), Buffer.of(0)]);
      }
    }
  }
}

/** A few changes at once. */
function mixed(seeds: readonly Buffer[], chance: (count: number) => number): Buffer {
  const one = (list: readonly Buffer[]): Buffer => list[chance(list.length)] ?? Buffer.alloc(0);
  let input = Buffer.from(one(seeds));
  for (let changes = 1 + chance(6); changes > 0; changes--) {
    const at = chance(input.length + 1);
    const rest = input.subarray(at);
    switch (chance(8)) {
      case 0: // a bit
        if (at < input.length) input[at] = (input[at] ?? 0) ^ (1 << chance(8));
        break;
      case 1: // another byte
        if (at < input.length) input[at] = chance(256);
        break;
      case 2: // nothing from here on
        input = Buffer.from(input.subarray(0, at));
        break;
      case 3: // something less
        input = Buffer.concat([input.subarray(0, at), rest.subarray(chance(9))]);
        break;
      case 4: // something more
        input = Buffer.concat([input.subarray(0, at), one(pieces), rest]);
        break;
      case 5: {
        // the rest of another
        const other = one(seeds);
        input = Buffer.concat([input.subarray(0, at), other.subarray(chance(other.length + 1))]);
        break;
      }
      case 6: // a run
        input = Buffer.concat([input.subarray(0, at), Buffer.alloc(chance(300), chance(256)), rest]);
        break;
      default: // a part of itself, again and again
        input = Buffer.concat([
          input.subarray(0, at),
          Buffer.alloc(chance(2000), rest.length === 0 ? 65 : rest.subarray(0, 1 + chance(12))),
          rest,
        ]);
    }
  }
  return input;
}
