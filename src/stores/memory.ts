import { expiresAt } from "../record/record.ts";
import { layPatch } from "../record/patch.ts";
import type { SessionRecord } from "../record/record.ts";
import type { Patch, PatchOutcome } from "../record/patch.ts";
import type { Store } from "../record/store.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import { recordsAtOnce, turn } from "../runtime/time-slices.ts";
import { ConfigError } from "../errors.ts";
import { Slots } from "./memory/slots.ts";

/** The options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /**
   * How many records it holds at most; default 100,000. At the limit a new record takes the place of the
   * anonymous one that was written least recently. Where all are logged in, the subject with the most sessions
   * loses the one that was written least recently, and only where each has one, whoever was away the longest.
   */
  readonly maxRecords?: number;
}

/**
 * Keeps records in this process: for tests, development, and sites of one process that may forget
 * everybody at a restart. Fields are not sealed, since they never leave the process.
 *
 * @throws ConfigError CONFIG_INVALID for a `maxRecords` that is not a whole number above zero.
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  const { maxRecords = 100_000 } = options;
  if (!Number.isSafeInteger(maxRecords) || maxRecords < 1) {
    throw new ConfigError("CONFIG_INVALID", "maxRecords must be a whole number above zero.");
  }
  return new MemoryStore(maxRecords);
}

class MemoryStore implements Store {
  readonly name = "memory";
  readonly inProcess = true;
  readonly #maxRecords: number;
  #slots = new Slots();

  constructor(maxRecords: number) {
    this.#maxRecords = maxRecords;
  }

  create(record: SessionRecord): boolean {
    if (this.#slots.find(record.id) !== 0) return false;
    if (this.#slots.size >= this.#maxRecords) this.#evict(record.lastSeenAt);
    this.#slots.add(record);
    return true;
  }

  read(id: string, now: number): SessionRecord | null {
    const slot = this.#slots.find(id);
    if (slot === 0) return null;
    const record = this.#slots.read(slot, id);
    return expiresAt(record) <= now ? null : record;
  }

  patch(id: string, patch: Patch, now: number): PatchOutcome {
    const slot = this.#slots.find(id);
    const record = slot === 0 ? null : this.#slots.read(slot, id);
    const { outcome, next } = layPatch(record, patch, now);
    if (record !== null && next !== undefined) this.#slots.write(slot, record, next);
    return outcome;
  }

  list(subject: string, now: number): MaybePromise<SessionRecord[]> {
    const slots = this.#slots.of(subject);
    const records = this.#listed(subject, now, slots.slice(0, recordsAtOnce));
    return slots.length <= recordsAtOnce ? records : this.#listOn(subject, now, slots, records);
  }

  /** So many that everything else must get its turn between them. */
  async #listOn(
    subject: string,
    now: number,
    slots: readonly number[],
    records: SessionRecord[],
  ): Promise<SessionRecord[]> {
    for (let at = recordsAtOnce; at < slots.length; at += recordsAtOnce) {
      await turn();
      records.push(...this.#listed(subject, now, slots.slice(at, at + recordsAtOnce)));
    }
    return records;
  }

  /** A slot that was the subject's may be another's by now, or free. */
  #listed(subject: string, now: number, slots: readonly number[]): SessionRecord[] {
    const held = slots.filter((slot) => this.#slots.isTaken(slot)).map((slot) => this.#slots.read(slot));
    return held.filter((record) => record.subject === subject && expiresAt(record) > now);
  }

  sweep(now: number, limit: number): number {
    let deleted = 0;
    for (const ring of [this.#slots.anonymous, this.#slots.loggedIn]) {
      for (let left = ring.size; left > 0 && deleted < limit; left--) {
        const slot = ring.step();
        if (this.#slots.expiry(slot) > now) continue;
        const record = this.#slots.read(slot);
        if (expiresAt(record) > now) continue;
        this.#slots.remove(slot, record);
        deleted++;
      }
    }
    return deleted;
  }

  close(): void {
    this.#slots = new Slots();
  }

  #evict(now: number): void {
    const slot = this.#slots.dispensable(now);
    if (slot !== 0) this.#slots.remove(slot, this.#slots.read(slot));
  }
}
