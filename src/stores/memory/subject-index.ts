import { Crowd } from "./crowd.ts";
import { Links } from "./links.ts";
import { SlotTable } from "./slot-table.ts";

/**
 * The slots of each subject, in a ring of their own: a table knows the one that was added last, so that a subject
 * with one session takes no more than that, and one with thousands loses any of them at once.
 */
export class SubjectIndex {
  readonly #links = new Links(0);
  readonly #table: SlotTable;
  readonly #crowd = new Crowd();

  /** @param isOf whether a slot's record is a subject's, given that their hashes are equal. */
  constructor(isOf: (slot: number, subject: string) => boolean) {
    this.#table = new SlotTable(isOf);
  }

  /** @param slots one more than the highest number of one. */
  grow(slots: number): void {
    this.#links.grow(slots);
    this.#table.grow(slots);
  }

  has(slot: number): boolean {
    return this.#links.next(slot) !== 0;
  }

  add(hash: number, subject: string, slot: number): void {
    const known = this.#table.find(hash, subject);
    if (known === 0) {
      this.#links.begin(slot);
      this.#table.add(hash, slot);
    } else {
      this.#links.insertBefore(slot, known);
      this.#table.replace(known, slot);
      this.#crowd.add(subject);
    }
  }

  remove(subject: string, slot: number): void {
    const next = this.#links.next(slot);
    if (next === slot) this.#table.remove(slot);
    else {
      this.#table.replace(slot, next);
      this.#crowd.remove(subject);
    }
    this.#links.remove(slot);
  }

  /** Whether a slot is one of several of its subject. */
  hasCompany(slot: number): boolean {
    return this.#links.next(slot) !== slot;
  }

  /** The subject with the most slots, if any has more than one. */
  get largest(): string | undefined {
    return this.#crowd.largest;
  }

  /** The slot of a subject that was added before all others of it, or 0. */
  first(hash: number, subject: string): number {
    const last = this.#table.find(hash, subject);
    return last === 0 ? 0 : this.#links.previous(last);
  }

  /** All slots of a subject. */
  of(hash: number, subject: string): number[] {
    const first = this.#table.find(hash, subject);
    if (first === 0) return [];
    const slots = [first];
    for (let slot = this.#links.next(first); slot !== first; slot = this.#links.next(slot)) slots.push(slot);
    return slots;
  }
}
