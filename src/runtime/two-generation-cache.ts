interface Weighed<Value> {
  readonly value: Value;
  readonly weight: number;
}

/**
 * A cache of recent results that holds between one and two generations. When the young generation is full it
 * becomes the old one, and values of the previous old one that were not used since are dropped.
 *
 * The key is a fingerprint, because a number is found several times as fast as a string. Values with the same
 * fingerprint replace each other, so a caller must check that the value it finds is the one it wants.
 */
export class TwoGenerationCache<Value> {
  readonly #room: number;
  #young = new Map<number, Weighed<Value>>();
  #old = new Map<number, Weighed<Value>>();
  #weight = 0;

  /** @param room the total weight that a generation can hold. */
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

  /** Adds or replaces a value. */
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

/**
 * Returns 30 bits of a text that is random from `at` on, as ids and nonces are: six bits of each of five characters.
 */
export function fingerprintOf(text: string, at: number): number {
  let bits = 0;
  for (let index = at; index < at + 5; index++) bits = bits * 64 + (text.charCodeAt(index) & 63);
  return bits;
}
