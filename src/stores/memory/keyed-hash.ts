import { randomBytes } from "node:crypto";

/**
 * Hashes texts under a key that is drawn anew in each process: HalfSipHash with one round for a word and
 * three at the end, 32 bits. Visitors choose their names, and whatever they have learnt elsewhere, they
 * can't choose names that lie in each other's way in a table. A seed alone would not do for that: with FNV
 * or Murmur there are texts that collide under every seed.
 */
export class KeyedHash {
  /** Drawn when it is needed first: at the start of a program Cloudflare's Workers give no random numbers. */
  #key: { readonly one: number; readonly other: number } | undefined;

  of(text: string): number {
    const { one, other } = (this.#key ??= newKey());
    let v0 = one;
    let v1 = other;
    let v2 = one ^ 0x6c796765;
    let v3 = other ^ 0x74656462;
    const { length } = text;
    const words = (length + 1) >> 1;
    // The words of two characters, one with the length, and three that are empty.
    for (let turn = 0; turn < words + 4; turn++) {
      let word = 0;
      if (turn < words) {
        const at = turn * 2;
        word = text.charCodeAt(at);
        if (at + 1 < length) word |= text.charCodeAt(at + 1) << 16;
      } else if (turn === words) word = length;
      else if (turn === words + 1) v2 ^= 0xff;
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    return v1 ^ v3;
  }
}

function newKey(): { readonly one: number; readonly other: number } {
  const bytes = randomBytes(8);
  return { one: bytes.readInt32LE(0), other: bytes.readInt32LE(4) };
}
