interface Weighed<Value> {
  readonly value: Value;
  readonly weight: number;
}

/**
 * What was worked out a moment ago, so that it need not be worked out again: between one and two times
 * as much as fits into a generation. When the young generation is full it becomes the old one, and what
 * was in the old one and not asked for since is forgotten.
 *
 * Kept by fingerprint: a number is found several times as fast as a text. Two things with the same one push
 * each other out, and whoever finds something here must look whether it is what they meant.
 */
export class TwoGenerationCache<Value> {
  readonly #room: number;
  #young = new Map<number, Weighed<Value>>();
  #old = new Map<number, Weighed<Value>>();
  #weight = 0;

  /** @param room the weight of a generation; values weigh 1 unless they are given with a weight. */
  constructor(room: number) {
    this.#room = room;
  }

  get(fingerprint: number): Value | undefined {
    const young = this.#young.get(fingerprint);
    if (young !== undefined) return young.value;
    const old = this.#old.get(fingerprint);
    if (old === undefined) return undefined;
    this.#take(fingerprint, old);
    return old.value;
  }

  /** Keeps a value, in place of one that may be there. */
  set(fingerprint: number, value: Value, weight = 1): void {
    this.#take(fingerprint, { value, weight });
  }

  #take(fingerprint: number, weighed: Weighed<Value>): void {
    this.#weight += weighed.weight;
    if (this.#weight > this.#room) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#weight = weighed.weight;
    }
    this.#young.set(fingerprint, weighed);
  }
}

/** Thirty bits of a text that is random from `at` on, as ids and nonces are: five characters, six bits of each. */
export function fingerprintOf(text: string, at: number): number {
  let bits = 0;
  for (let place = at; place < at + 5; place++) bits = bits * 64 + (text.charCodeAt(place) & 63);
  return bits;
}
