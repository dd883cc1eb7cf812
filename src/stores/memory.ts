import { ConfigError } from "../errors.ts";
import { applyPatch, expiresAt } from "../core/record.ts";
import type { Fields, Patch, PatchOutcome, SessionRecord } from "../core/record.ts";
import type { Store } from "../core/store.ts";

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

class MemoryStore implements Store {
  readonly name = "memory";
  readonly inProcess = true;
  readonly #maxRecords: number;
  /** Anonymous and logged-in records apart, each in the order of their last write. */
  readonly #anonymous = new Map<string, SessionRecord>();
  readonly #loggedIn = new Map<string, SessionRecord>();
  readonly #idsBySubject = new Map<string, Set<string>>();

  constructor(maxRecords: number) {
    this.#maxRecords = maxRecords;
  }

  create(record: SessionRecord): boolean {
    if (this.#find(record.id) !== undefined) return false;
    if (this.#anonymous.size + this.#loggedIn.size >= this.#maxRecords) this.#evict();
    this.#put(copied(record));
    return true;
  }

  read(id: string, now: number): SessionRecord | null {
    const record = this.#find(id);
    return record === undefined || expiresAt(record) <= now ? null : copied(record);
  }

  patch(id: string, patch: Patch, now: number): PatchOutcome {
    const record = this.#find(id);
    const own = patch.set === undefined ? patch : { ...patch, set: copiedFields(patch.set) };
    const { outcome, next } = applyPatch(record ?? null, own, now);
    if (record !== undefined && next !== undefined) {
      this.#remove(record);
      this.#put({ ...next, verifier: copiedBytes(next.verifier) });
    }
    return outcome.kind === "conflict" ? { kind: "conflict", record: copied(outcome.record) } : outcome;
  }

  list(subject: string, now: number): SessionRecord[] {
    const ids = this.#idsBySubject.get(subject) ?? [];
    return Array.from(ids, (id) => this.read(id, now)).filter((record) => record !== null);
  }

  sweep(now: number, limit: number): number {
    let deleted = 0;
    // Least recently written first, which is where the expired ones are.
    for (const records of [this.#anonymous, this.#loggedIn]) {
      for (const record of records.values()) {
        if (deleted === limit) return deleted;
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

  #find(id: string): SessionRecord | undefined {
    return this.#loggedIn.get(id) ?? this.#anonymous.get(id);
  }

  #put(record: SessionRecord): void {
    if (record.subject === null) {
      this.#anonymous.set(record.id, record);
      return;
    }
    this.#loggedIn.set(record.id, record);
    const ids = this.#idsBySubject.get(record.subject);
    if (ids === undefined) this.#idsBySubject.set(record.subject, new Set([record.id]));
    else ids.add(record.id);
  }

  #remove(record: SessionRecord): void {
    this.#anonymous.delete(record.id);
    this.#loggedIn.delete(record.id);
    if (record.subject === null) return;
    const ids = this.#idsBySubject.get(record.subject);
    ids?.delete(record.id);
    if (ids?.size === 0) this.#idsBySubject.delete(record.subject);
  }

  #evict(): void {
    const [oldest] = this.#anonymous.size > 0 ? this.#anonymous.values() : this.#loggedIn.values();
    if (oldest !== undefined) this.#remove(oldest);
  }
}

function copied(record: SessionRecord): SessionRecord {
  return { ...record, verifier: copiedBytes(record.verifier), fields: copiedFields(record.fields) };
}

function copiedFields(fields: Fields): Fields {
  const copy = new Map<string, Uint8Array>();
  for (const [name, bytes] of fields) copy.set(name, copiedBytes(bytes));
  return copy;
}

/** A Buffer, since Node makes small ones out of a pool. */
function copiedBytes(bytes: Uint8Array): Uint8Array {
  return Buffer.from(bytes);
}
