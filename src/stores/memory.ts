import { PackedFields } from "../core/packed-fields.ts";
import { packRecord, unpackRecord } from "../core/packed-record.ts";
import { layPatch, expiresAt } from "../core/record.ts";
import type { Patch, PatchOutcome, SessionRecord } from "../core/record.ts";
import type { Store } from "../core/store.ts";
import { ConfigError } from "../errors.ts";
import { SharedValues } from "./memory/shared-values.ts";

/** The options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /**
   * How many records it holds at most; default 100,000. At the limit a new record takes the place of
   * the anonymous one that was written least recently, and of a logged-in one only when there is no other.
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

/** What is packed begins with when it expires, so that a sweep need not unpack it: this many bytes. */
const expiryLength = 6;

/** In whole milliseconds, and as large as fits: the year 10889. */
function packedExpiry(record: SessionRecord): string {
  const expiry = Math.min(Math.max(0, Math.floor(expiresAt(record))), 2 ** (8 * expiryLength) - 1);
  const [high, low] = [Math.floor(expiry / 2 ** 24), expiry % 2 ** 24];
  const byte = (of: number, at: number): number => (of >> at) & 255;
  return String.fromCharCode(
    byte(high, 16),
    byte(high, 8),
    byte(high, 0),
    byte(low, 16),
    byte(low, 8),
    byte(low, 0),
  );
}

/** To the millisecond before. */
function expiryOf(packed: string): number {
  let expiry = 0;
  for (let at = 0; at < expiryLength; at++) expiry = expiry * 256 + packed.charCodeAt(at);
  return expiry;
}

class MemoryStore implements Store {
  readonly name = "memory";
  readonly inProcess = true;
  readonly #maxRecords: number;
  /** Anonymous and logged-in records apart, packed, each in the order of their last write. */
  readonly #anonymous = new Map<string, string>();
  readonly #loggedIn = new Map<string, string>();
  readonly #shared = new SharedValues();
  readonly #rounds = [new Round(this.#anonymous), new Round(this.#loggedIn)];
  /** Most subjects have one session, and a set takes more memory than a record. */
  readonly #idsBySubject = new Map<string, string | Set<string>>();

  constructor(maxRecords: number) {
    this.#maxRecords = maxRecords;
  }

  create(record: SessionRecord): boolean {
    if (this.#find(record.id) !== undefined) return false;
    if (this.#anonymous.size + this.#loggedIn.size >= this.#maxRecords) this.#evict();
    this.#put(record, this.#pack(record));
    this.#enlist(record);
    return true;
  }

  read(id: string, now: number): SessionRecord | null {
    const packed = this.#find(id);
    if (packed === undefined) return null;
    const record = this.#unpack(id, packed);
    return expiresAt(record) <= now ? null : record;
  }

  patch(id: string, patch: Patch, now: number): PatchOutcome {
    const packed = this.#find(id);
    const record = packed === undefined ? null : this.#unpack(id, packed);
    const { outcome, next } = layPatch(record, patch, now);
    if (record !== null && next !== undefined) {
      // First the new: what both share stays.
      const text = this.#pack(next);
      this.#takeOut(record);
      this.#put(next, text);
      if (next.subject !== record.subject) {
        this.#unlist(record);
        this.#enlist(next);
      }
    }
    return outcome;
  }

  list(subject: string, now: number): SessionRecord[] {
    const ids = this.#idsBySubject.get(subject) ?? [];
    return Array.from(typeof ids === "string" ? [ids] : ids, (id) => this.read(id, now)).filter(
      (record) => record !== null,
    );
  }

  sweep(now: number, limit: number): number {
    let deleted = 0;
    for (const round of this.#rounds) {
      for (let left = round.length; left > 0 && deleted < limit; left--) {
        const [id, packed] = round.next();
        if (expiryOf(packed) > now) continue;
        const record = this.#unpack(id, packed);
        if (expiresAt(record) > now) continue;
        this.#remove(record);
        deleted++;
      }
    }
    return deleted;
  }

  close(): void {
    this.#anonymous.clear();
    this.#loggedIn.clear();
    this.#idsBySubject.clear();
  }

  #find(id: string): string | undefined {
    return this.#loggedIn.get(id) ?? this.#anonymous.get(id);
  }

  #pack(record: SessionRecord): string {
    return packRecord(record, this.#shared, packedExpiry(record));
  }

  #unpack(id: string, packed: string): SessionRecord {
    const record = unpackRecord(id, packed, expiryLength, this.#shared);
    if (record === undefined) throw new TypeError("What was packed here is never damaged.");
    return record;
  }

  #put({ id, subject }: SessionRecord, packed: string): void {
    (subject === null ? this.#anonymous : this.#loggedIn).set(id, packed);
  }

  /** @param record as it was read here. */
  #takeOut({ id, fields }: SessionRecord): void {
    this.#anonymous.delete(id);
    this.#loggedIn.delete(id);
    if (fields instanceof PackedFields)
      for (const number of fields.sharedNumbers) this.#shared.release(number);
  }

  #enlist({ id, subject }: SessionRecord): void {
    if (subject === null) return;
    const ids = this.#idsBySubject.get(subject);
    if (ids === undefined) this.#idsBySubject.set(subject, id);
    else if (typeof ids === "string") this.#idsBySubject.set(subject, new Set([ids, id]));
    else ids.add(id);
  }

  #unlist({ id, subject }: SessionRecord): void {
    if (subject === null) return;
    const ids = this.#idsBySubject.get(subject);
    if (typeof ids === "string") {
      if (ids === id) this.#idsBySubject.delete(subject);
      return;
    }
    ids?.delete(id);
    if (ids?.size === 0) this.#idsBySubject.delete(subject);
  }

  #remove(record: SessionRecord): void {
    this.#takeOut(record);
    this.#unlist(record);
  }

  #evict(): void {
    const [oldest] = this.#anonymous.size > 0 ? this.#anonymous : this.#loggedIn;
    if (oldest !== undefined) this.#remove(this.#unpack(...oldest));
  }
}

/**
 * Goes round and round in a map. A sweep goes on where the one before it stopped: if each began at the
 * beginning, all that have not expired would be looked at again for every batch of those that have.
 */
class Round {
  readonly #records: ReadonlyMap<string, string>;
  #cursor: Iterator<[string, string]>;

  constructor(records: ReadonlyMap<string, string>) {
    this.#records = records;
    this.#cursor = records.entries();
  }

  /** How many steps lead once around. */
  get length(): number {
    return this.#records.size;
  }

  /** The next record's id and what is packed. The map must not be empty. */
  next(): [string, string] {
    for (;;) {
      const step = this.#cursor.next();
      if (step.done !== true) return step.value;
      this.#cursor = this.#records.entries();
    }
  }
}
