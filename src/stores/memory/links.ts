/**
 * Rings of slots, each slot with the one before it and the one after it: a slot goes in and out at once,
 * however long its ring is. Slots are numbers from 0; one that is in no ring has 0 on both sides.
 */
export class Links {
  #next: Int32Array;
  #previous: Int32Array;

  /** @param slots how many there may be before it has to grow. */
  constructor(slots: number) {
    this.#next = new Int32Array(slots);
    this.#previous = new Int32Array(slots);
  }

  grow(slots: number): void {
    this.#next = grown(this.#next, slots);
    this.#previous = grown(this.#previous, slots);
  }

  next(slot: number): number {
    return this.#next[slot] ?? 0;
  }

  previous(slot: number): number {
    return this.#previous[slot] ?? 0;
  }

  /** A ring of one. */
  begin(slot: number): void {
    this.#next[slot] = slot;
    this.#previous[slot] = slot;
  }

  insertBefore(slot: number, later: number): void {
    const earlier = this.previous(later);
    this.#next[earlier] = slot;
    this.#previous[slot] = earlier;
    this.#next[slot] = later;
    this.#previous[later] = slot;
  }

  remove(slot: number): void {
    const [earlier, later] = [this.previous(slot), this.next(slot)];
    this.#next[earlier] = later;
    this.#previous[later] = earlier;
    this.#next[slot] = 0;
    this.#previous[slot] = 0;
  }
}

/** The same numbers with room for more. */
export function grown(numbers: Int32Array, length: number): Int32Array {
  const larger = new Int32Array(length);
  larger.set(numbers);
  return larger;
}
