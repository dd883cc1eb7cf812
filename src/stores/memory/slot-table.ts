import { grown } from "./links.ts";

/** How many places there are for a slot: with fewer, what is looked for is found after more steps. */
const placesPerSlot = 1.5;

/**
 * Finds slots by what is written in them. A slot lies at the place that the hash says, or at the first free
 * one after it. It never fills up, since it has more places than there are slots, so every search ends.
 */
export class SlotTable {
  /** Slots, or 0. */
  #places: Int32Array = new Int32Array(1);
  /** By slot. */
  #hashes: Int32Array = new Int32Array(0);
  readonly #isIn: (slot: number, text: string) => boolean;

  /** @param isIn whether a text is what is written in a slot, given that their hashes are equal. */
  constructor(isIn: (slot: number, text: string) => boolean) {
    this.#isIn = isIn;
  }

  /** @param slots one more than the highest number of one. */
  grow(slots: number): void {
    const before = this.#places;
    this.#hashes = grown(this.#hashes, slots);
    this.#places = new Int32Array(Math.ceil(slots * placesPerSlot));
    for (const slot of before) if (slot !== 0) this.#places[this.#freePlace(this.#hashOf(slot))] = slot;
  }

  /** The slot in which a text is written, or 0. */
  find(hash: number, text: string): number {
    for (let place = this.#home(hash); ; place = this.#after(place)) {
      const slot = this.#at(place);
      if (slot === 0 || (this.#hashOf(slot) === hash && this.#isIn(slot, text))) return slot;
    }
  }

  /** Takes up a slot for a text that it does not find. */
  add(hash: number, slot: number): void {
    this.#hashes[slot] = hash;
    this.#places[this.#freePlace(hash)] = slot;
  }

  /** Has another slot where it has this one, of the same text; does nothing where it does not have this one. */
  replace(slot: number, other: number): void {
    const place = this.#placeOf(slot);
    this.#hashes[other] = this.#hashOf(slot);
    if (this.#at(place) === slot) this.#places[place] = other;
  }

  /** Those behind it move up, so that no search stops too early at the free place. */
  remove(slot: number): void {
    let free = this.#placeOf(slot);
    for (let place = this.#after(free); this.#at(place) !== 0; place = this.#after(place)) {
      const moving = this.#at(place);
      const home = this.#home(this.#hashOf(moving));
      if (this.#steps(home, place) < this.#steps(free, place)) continue;
      this.#places[free] = moving;
      free = place;
    }
    this.#places[free] = 0;
  }

  #placeOf(slot: number): number {
    let place = this.#home(this.#hashOf(slot));
    while (this.#at(place) !== slot && this.#at(place) !== 0) place = this.#after(place);
    return place;
  }

  #freePlace(hash: number): number {
    let place = this.#home(hash);
    while (this.#at(place) !== 0) place = this.#after(place);
    return place;
  }

  #at(place: number): number {
    return this.#places[place] ?? 0;
  }

  #hashOf(slot: number): number {
    return this.#hashes[slot] ?? 0;
  }

  /** The hash as a fraction, of all places. */
  #home(hash: number): number {
    return Math.floor((hash >>> 0) * (this.#places.length / 2 ** 32));
  }

  #after(place: number): number {
    return place + 1 === this.#places.length ? 0 : place + 1;
  }

  /** How many steps lead from a place to another. */
  #steps(from: number, to: number): number {
    return to >= from ? to - from : to - from + this.#places.length;
  }
}
