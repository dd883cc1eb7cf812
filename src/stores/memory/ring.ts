import type { Links } from "./links.ts";

/** Slots in the order in which they were appended. */
export class Ring {
  readonly #links: Links;
  /** A slot without a record: what the first and the last are linked to. */
  readonly #anchor: number;
  #size = 0;
  /** Where the round stands: on the slot that it came to last. */
  #cursor: number;

  constructor(links: Links, anchor: number) {
    this.#links = links;
    this.#anchor = anchor;
    this.#cursor = anchor;
    links.begin(anchor);
  }

  get size(): number {
    return this.#size;
  }

  /** The one that was appended first. There must be one. */
  get first(): number {
    return this.#links.next(this.#anchor);
  }

  append(slot: number): void {
    this.#links.insertBefore(slot, this.#anchor);
    this.#size++;
  }

  remove(slot: number): void {
    if (this.#cursor === slot) this.#cursor = this.#links.previous(slot);
    this.#links.remove(slot);
    this.#size--;
  }

  /**
   * The next one of a round that never ends; `size` steps lead once around. There must be one. A sweep goes
   * on where the one before it stopped: if each began at the beginning, all that have not expired would be
   * looked at again for every batch of those that have.
   */
  step(): number {
    const next = this.#links.next(this.#cursor);
    this.#cursor = next === this.#anchor ? this.first : next;
    return this.#cursor;
  }
}
