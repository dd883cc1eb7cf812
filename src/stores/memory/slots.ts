import { PackedFields } from "../../record/binary/fields.ts";
import { encodeUtf8 } from "../../runtime/binary-string.ts";
import type { SessionRecord } from "../../record/record.ts";
import { idHash } from "./id-hash.ts";
import { KeyedHash } from "./keyed-hash.ts";
import { Links } from "./links.ts";
import { Ring } from "./ring.ts";
import { SharedValues } from "./shared-values.ts";
import { SlotTable } from "./slot-table.ts";
import { expiryIn, isIdIn, recordIn, slotText } from "./slot-text.ts";
import { SubjectIndex } from "./subject-index.ts";

/** The slots without records that the rings begin with. So no record is in slot 0, and that can mean "none". */
const anchor = { free: 0, anonymous: 1, loggedIn: 2 } as const;
const anchors = 3;

/** How many slots there are at first, and how many times as many when they are all taken. */
const slotsAtFirst = 16;
const growth = 1.25;

/**
 * Records in numbered slots, each packed as one text. All that is known of a slot besides lies in arrays of
 * numbers: maps with an id and a subject for their keys take as much memory again as the records do.
 */
export class Slots {
  #capacity = 0;
  readonly #texts: string[] = Array.from({ length: anchors }, () => "");
  readonly #shared = new SharedValues();
  readonly #hash = new KeyedHash();
  readonly #links = new Links(anchors);
  readonly #free = new Ring(this.#links, anchor.free);
  /** Anonymous and logged-in records apart, each in the order of their last write. */
  readonly anonymous: Ring = new Ring(this.#links, anchor.anonymous);
  readonly loggedIn: Ring = new Ring(this.#links, anchor.loggedIn);
  readonly #ids = new SlotTable((slot, id) => isIdIn(this.#text(slot), id));
  readonly #subjects = new SubjectIndex((slot, subject) => this.#isOf(slot, subject));

  get size(): number {
    return this.anonymous.size + this.loggedIn.size;
  }

  /** The slot of a record, or 0. */
  find(id: string): number {
    return this.#ids.find(idHash(id), id);
  }

  /** The slots of a subject's records. */
  of(subject: string): readonly number[] {
    return this.#subjects.of(this.#hash.of(subject), subject);
  }

  /** @param id the record's, where it is known. */
  read(slot: number, id?: string): SessionRecord {
    return recordIn(this.#text(slot), this.#shared, id);
  }

  /** Whether a slot holds a record. */
  isTaken(slot: number): boolean {
    return this.#text(slot) !== "";
  }

  /** When a slot's record expires, to the millisecond before. */
  expiry(slot: number): number {
    return expiryIn(this.#text(slot));
  }

  /**
   * The slot that makes room when all are taken: one whose record has expired, as far as that is seen at once;
   * else the anonymous one that was written least recently; else that of the subject who has the most; else that of
   * whoever has been away the longest.
   */
  dispensable(now: number): number {
    const rings = [this.anonymous, this.loggedIn].filter(({ size }) => size > 0);
    const expired = rings.find(({ first }) => this.expiry(first) <= now);
    if (expired !== undefined) return expired.first;
    const { largest } = this.#subjects;
    if (this.anonymous.size > 0 || largest === undefined) return rings[0]?.first ?? 0;
    return this.#subjects.first(this.#hash.of(largest), largest);
  }

  /** Takes up a record whose id is in no slot. */
  add(record: SessionRecord): void {
    const text = slotText(record, this.#shared);
    const slot = this.#takeSlot();
    this.#texts[slot] = text;
    this.#ids.add(idHash(record.id), slot);
    this.#enlist(slot, record.subject);
  }

  /** @param before what was read from the slot. @param next the same record as it is to be. */
  write(slot: number, before: SessionRecord, next: SessionRecord): void {
    // First the new: what both share stays.
    const text = slotText(next, this.#shared);
    this.#release(before);
    this.#texts[slot] = text;
    const ring = this.#ringOf(slot);
    ring.remove(slot);
    // A subject's slots are in the order of their last write, too.
    if (next.subject === before.subject && (next.subject === null || !this.#subjects.hasCompany(slot))) {
      ring.append(slot);
    } else {
      if (before.subject !== null) this.#subjects.remove(before.subject, slot);
      this.#enlist(slot, next.subject);
    }
  }

  /** @param record what was read from the slot. */
  remove(slot: number, record: SessionRecord): void {
    this.#release(record);
    this.#ringOf(slot).remove(slot);
    if (record.subject !== null) this.#subjects.remove(record.subject, slot);
    this.#ids.remove(slot);
    this.#texts[slot] = "";
    this.#free.append(slot);
  }

  #enlist(slot: number, subject: string | null): void {
    if (subject !== null) this.#subjects.add(this.#hash.of(subject), subject, slot);
    this.#ringOf(slot).append(slot);
  }

  #ringOf(slot: number): Ring {
    return this.#subjects.has(slot) ? this.loggedIn : this.anonymous;
  }

  /** As they are packed: there, halves of characters are all the same. */
  #isOf(slot: number, subject: string): boolean {
    return encodeUtf8(this.read(slot).subject ?? "") === encodeUtf8(subject);
  }

  #release({ fields }: SessionRecord): void {
    if (fields instanceof PackedFields)
      for (const number of fields.sharedNumbers) this.#shared.release(number);
  }

  #text(slot: number): string {
    return this.#texts[slot] ?? "";
  }

  /** A free slot, that is free no more. */
  #takeSlot(): number {
    if (this.#free.size > 0) {
      const slot = this.#free.first;
      this.#free.remove(slot);
      return slot;
    }
    const slot = this.#texts.length;
    if (slot >= this.#capacity) this.#grow();
    this.#texts.push("");
    return slot;
  }

  #grow(): void {
    this.#capacity = Math.max(slotsAtFirst, Math.ceil(this.#capacity * growth));
    this.#links.grow(this.#capacity);
    this.#ids.grow(this.#capacity);
    this.#subjects.grow(this.#capacity);
  }
}
