import { packedExpiry, packRecord, unpackRecord } from "../record/binary/record.ts";
import { layPatch } from "../record/patch.ts";
import type { Patch, PatchOutcome } from "../record/patch.ts";
import { expiresAt } from "../record/record.ts";
import type { SessionRecord } from "../record/record.ts";
import type { Store } from "../record/store.ts";
import type { MaybePromise } from "../runtime/maybe-promise.ts";
import { recordsAtOnce, turn } from "../runtime/time-slices.ts";
import { assertKnownOptions, assertOption } from "../runtime/check-options.ts";

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
  assertKnownOptions(options, ["maxRecords"], "memoryStore");
  const { maxRecords = 100_000 } = options;
  assertOption(
    Number.isSafeInteger(maxRecords) && maxRecords >= 1,
    "maxRecords must be a whole number above zero.",
  );
  return new MemoryStore(maxRecords);
}

/** Records are kept packed: that takes a fraction of the memory of objects, and every reader gets a copy. */
class MemoryStore implements Store {
  readonly name = "memory";
  readonly inProcess = true;
  readonly #maxRecords: number;
  /** Packed records by id, in the order of the last write. */
  readonly #anonymous = new Queue<string>();
  readonly #loggedIn = new Queue<string>();
  /** The ids of each subject. Most subjects have one, and a map for one id would take more memory than its record. */
  readonly #subjects = new Map<string, string | Queue<null>>();
  /** At index n, the subjects that have n ids, for n from 2. None is empty, and the last is not undefined. */
  readonly #bySize: (Queue<Queue<null>> | undefined)[] = [];
  #rounds: Generator<[string, string], never> | undefined;

  constructor(maxRecords: number) {
    this.#maxRecords = maxRecords;
  }

  create(record: SessionRecord): boolean {
    if (this.#find(record.id) !== null) return false;
    if (this.#size >= this.#maxRecords) this.#evict(record.lastSeenAt);
    this.#write(record);
    return true;
  }

  read(id: string, now: number): SessionRecord | null {
    const record = this.#find(id);
    return record === null || expiresAt(record) <= now ? null : record;
  }

  patch(id: string, patch: Patch, now: number): PatchOutcome {
    const record = this.#find(id);
    const { outcome, next } = layPatch(record, patch, now);
    if (record !== null && next !== undefined) {
      if (next.subject !== record.subject) this.#delete(record);
      this.#write(next);
    }
    return outcome;
  }

  list(subject: string, now: number): MaybePromise<SessionRecord[]> {
    const held = this.#subjects.get(subject);
    const ids = typeof held === "string" ? [held] : [...(held?.keys() ?? [])];
    if (ids.length > recordsAtOnce) return this.#listInTurns(ids, subject, now);
    return this.#listed(ids, subject, now);
  }

  sweep(now: number, limit: number): number {
    // Continues where the last sweep stopped: otherwise every batch would look at all unexpired records again.
    const rounds = (this.#rounds ??= this.#all());
    let deleted = 0;
    for (let left = this.#size; left > 0; left--) {
      if (deleted === limit) return deleted;
      const [id, packed] = rounds.next().value;
      if (packedExpiry(packed) > now) continue;
      this.#delete(unpack(id, packed));
      deleted++;
    }
    this.#rounds = undefined;
    return deleted;
  }

  close(): void {
    for (const map of [this.#anonymous, this.#loggedIn, this.#subjects]) map.clear();
    this.#bySize.length = 0;
  }

  get #size(): number {
    return this.#anonymous.size + this.#loggedIn.size;
  }

  /** All records, over and over. Must not be asked for one when there is none. */
  *#all(): Generator<[string, string], never> {
    for (;;) {
      yield* this.#anonymous;
      yield* this.#loggedIn;
    }
  }

  #find(id: string): SessionRecord | null {
    const packed = this.#loggedIn.get(id) ?? this.#anonymous.get(id);
    return packed === undefined ? null : unpack(id, packed);
  }

  #listed(ids: readonly string[], subject: string, now: number): SessionRecord[] {
    const records = ids.map((id) => this.read(id, now)).filter((record) => record !== null);
    // It may have another subject by now.
    return records.filter((record) => record.subject === subject);
  }

  async #listInTurns(ids: readonly string[], subject: string, now: number): Promise<SessionRecord[]> {
    const records: SessionRecord[] = [];
    for (let at = 0; at < ids.length; at += recordsAtOnce) {
      if (at > 0) await turn();
      records.push(...this.#listed(ids.slice(at, at + recordsAtOnce), subject, now));
    }
    return records;
  }

  /** Writes a record that is new, or still has the same subject, and moves it to the end of each queue. */
  #write(record: SessionRecord): void {
    const id = copy(record.id);
    (record.subject === null ? this.#anonymous : this.#loggedIn).set(id, packRecord(record));
    if (record.subject === null) return;
    const subject = copy(record.subject);
    const held = this.#subjects.get(subject);
    if (held === undefined || held === id) this.#subjects.set(subject, id);
    else {
      const ids = typeof held === "string" ? new Queue<null>().set(held, null) : held;
      this.#subjects.set(subject, ids);
      this.#resize(subject, ids, () => ids.set(id, null));
    }
  }

  #delete({ id, subject }: SessionRecord): void {
    if (subject === null) {
      this.#anonymous.delete(id);
      return;
    }
    this.#loggedIn.delete(id);
    const held = this.#subjects.get(subject);
    if (!(held instanceof Queue)) this.#subjects.delete(subject);
    else {
      this.#resize(subject, held, () => held.delete(id));
      if (held.size === 1) for (const last of held.keys()) this.#subjects.set(subject, last);
    }
  }

  /** Changes how many ids a subject has. */
  #resize(subject: string, ids: Queue<null>, change: () => unknown): void {
    const before = this.#bySize[ids.size];
    before?.delete(subject);
    if (before?.size === 0) this.#bySize[ids.size] = undefined;
    change();
    if (ids.size > 1) (this.#bySize[ids.size] ??= new Queue()).set(subject, ids);
    while (this.#bySize.length > 0 && this.#bySize.at(-1) === undefined) this.#bySize.pop();
  }

  /** Makes room for one record. */
  #evict(now: number): void {
    const [stranger, away] = [this.#anonymous.first, this.#loggedIn.first];
    const expired = [stranger, away].find((one) => one !== undefined && packedExpiry(one[1]) <= now);
    const [, largest] = this.#bySize.at(-1)?.first ?? [];
    const [id = ""] = expired ?? stranger ?? largest?.first ?? away ?? [];
    const record = this.#find(id);
    if (record !== null) this.#delete(record);
  }
}

/** How many keys a queue looks up at once. */
const lookahead = 500;

/**
 * A map in the order in which its keys were last set. It finds the first one without a search: a new iterator has to
 * skip every deleted entry that the engine has not cleared away yet, up to a few times as many as the map holds.
 */
class Queue<V> extends Map<string, V> {
  #ahead: Set<string> | undefined;

  get first(): [string, V] | undefined {
    const ahead = (this.#ahead ??= new Set());
    if (ahead.size === 0) for (const next of this.keys()) if (ahead.add(next).size === lookahead) break;
    const [key] = ahead;
    const value = key === undefined ? undefined : this.get(key);
    return key === undefined || value === undefined ? undefined : [key, value];
  }

  override set(key: string, value: V): this {
    this.delete(key);
    return super.set(key, value);
  }

  override delete(key: string): boolean {
    this.#ahead?.delete(key);
    return super.delete(key);
  }

  override clear(): void {
    this.#ahead = undefined;
    super.clear();
  }
}

function unpack(id: string, packed: string): SessionRecord {
  const record = unpackRecord(id, packed);
  if (record === undefined) throw new TypeError("What was packed here is never damaged.");
  return record;
}

/** In V8, a string that was cut out of a larger one, such as a header, keeps the larger one in memory. A copy does not. */
function copy(text: string): string {
  return Buffer.from(text).toString();
}
