/**
 * What was worked out a moment ago, by text, so that it need not be worked out again: between one and
 * two times as much as fits into a generation. When the young generation is full it becomes the old
 * one, and what was in the old one and not asked for since is forgotten.
 */
export class Recent<Value> {
  readonly #room: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();
  #weight = 0;

  /** @param room the weight of a generation; values weigh 1 unless they are given with a weight. */
  constructor(room: number) {
    this.#room = room;
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined || this.#old.size === 0) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.#young.set(key, old);
    return old;
  }

  /** Keeps a value, in place of one that may be there. The key must be a text of its own, not cut out of a longer one. */
  set(key: string, value: Value, weight = 1): void {
    this.#weight += weight;
    if (this.#weight > this.#room) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#weight = weight;
    }
    this.#young.set(key, value);
  }
}
