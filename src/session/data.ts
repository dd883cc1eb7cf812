import { ChangedFields, binaryField, eachLength } from "../record/fields.ts";
import type { Change, DataChanges, Held, OpenUpdate } from "./data-changes.ts";
import { LimitError, MisuseError } from "../errors.ts";
import { dataKeyOf, dataPrefix, fieldName } from "../services/field-codec.ts";
import type { FieldCodec } from "../services/field-codec.ts";
import { passed, sizeOf, totalOf } from "../record/field-limits.ts";
import type { FieldLimits, FieldTotal } from "../record/field-limits.ts";
import { limitError } from "../services/limits.ts";
import type { Limits } from "../services/limits.ts";
import type { SessionRecord } from "../record/record.ts";
import type { Fields } from "../record/fields.ts";
import { decodeValue, deepestJson, encodeValue } from "../services/values.ts";

// Shared empty collections, never added to. Most requests read a string or a number and change nothing.
const noFields: Fields = new Map();
const noObjects = new Map<string, Held>();
const noChanges = new Map<string, Change>();
const noUpdates = new Set<OpenUpdate>();

/** The data of a session in one request: a record's data fields with this request's changes on top. */
export class SessionData {
  readonly #codec: FieldCodec;
  readonly #limits: Limits;
  #id = "";
  #fields: Fields = noFields;
  /** Objects that were read in this request and may have been mutated. */
  #read = noObjects;
  #changed = noChanges;
  /** Updates that have been called and are not finished. */
  #updates = noUpdates;
  /** Whether the changes are known to fit into the limits. */
  #isCounted = true;

  constructor(codec: FieldCodec, limits: Limits) {
    this.#codec = codec;
    this.#limits = limits;
  }

  /**
   * Applies this request's changes to another record, or to none. Objects that were read stay if the record still has
   * them.
   */
  rebase(record: SessionRecord | null): void {
    const before = this.#fields;
    const read = this.#read;
    this.#id = record?.id ?? "";
    this.#fields = record?.fields ?? noFields;
    // They were counted together with the fields of another record, or of an earlier revision.
    if (this.#changed.size > 0) this.#isCounted = false;
    if (read === noObjects) return;
    this.#read = noObjects;
    for (const [key, held] of read) {
      const name = fieldName.data(key);
      if (binaryField(before, name) === binaryField(this.#fields, name)) this.#keep(key, held);
    }
  }

  get(key: string): unknown {
    const changed = this.#changed.get(key);
    if (changed !== undefined) return changed.value;
    const read = this.#read.get(key);
    if (read !== undefined) return read.value;
    const name = fieldName.data(key);
    const bytes = binaryField(this.#fields, name);
    const held = bytes === undefined ? undefined : this.#codec.decode(this.#id, name, bytes);
    if (held === undefined) return undefined;
    if (isObject(held.value)) this.#keep(key, held);
    return held.value;
  }

  has(key: string): boolean {
    const changed = this.#changed.get(key);
    return changed === undefined ? this.#fields.has(fieldName.data(key)) : changed.text !== null;
  }

  keys(): string[] {
    const keys = new Set<string>();
    for (const name of this.#fields.keys()) {
      const key = dataKeyOf(name);
      if (key !== undefined) keys.add(key);
    }
    for (const [key, { text }] of this.#changed) {
      if (text === null) keys.delete(key);
      else keys.add(key);
    }
    return [...keys];
  }

  /** @param value `undefined` removes the key. */
  set(key: string, value: unknown): void {
    if (value !== undefined) return this.#change(key, value, this.checked(key, value));
    checkKey(key, this.#limits);
    this.delete(key);
  }

  delete(key: string): boolean {
    const had = this.has(key);
    // A pending update that was called earlier is about to write the key, so it must be removed as well.
    const will = this.#updates.size > 0 && Array.from(this.#updates).some((update) => update.key === key);
    if (had || will) this.#change(key, undefined, null);
    return had;
  }

  clear(): void {
    for (const { key } of this.#updates) this.delete(key);
    for (const key of this.keys()) this.delete(key);
  }

  /** Call it when an update is called: this fixes the value it starts from. Later changes take effect after it. */
  openUpdate(key: string): OpenUpdate {
    this.noticeChanges([key]);
    const update = { key, from: this.#changed.get(key) };
    if (this.#updates === noUpdates) this.#updates = new Set();
    this.#updates.add(update);
    return update;
  }

  /** Call it when an update has finished or failed. */
  closeUpdate(update: OpenUpdate): void {
    this.#updates.delete(update);
  }

  /**
   * Returns a copy of the value that an update starts from. If it is the stored value, also returns the bytes that
   * the store must still have, or `null` if it must have none.
   */
  before({ key, from }: OpenUpdate): { readonly value: unknown; readonly expected?: Uint8Array | null } {
    // A change of this request that is not written yet replaces the stored value, whatever it is.
    if (from !== undefined && !from.isWritten)
      return { value: from.text === null ? undefined : decodeValue(from.text) };
    const name = fieldName.data(key);
    const expected = this.#fields.get(name) ?? null;
    const bytes = binaryField(this.#fields, name);
    const held = bytes === undefined ? undefined : this.#codec.decode(this.#id, name, bytes);
    return { value: held?.value, expected };
  }

  /** Notes what the store has under a key. */
  found(key: string, id: string, bytes: Uint8Array | null): void {
    this.#id = id;
    this.#fields = new ChangedFields(this.#fields, new Map([[fieldName.data(key), bytes]]));
    if (this.#changed.size > 0) this.#isCounted = false;
  }

  /** Notes what an update has written. The change that it started from is done; a later one is still to be written. */
  written({ key, from }: OpenUpdate, id: string, bytes: Uint8Array | null): void {
    this.#noticeLater(key);
    this.found(key, id, bytes);
    this.#read.delete(key);
    if (from === undefined) return;
    from.isWritten = true;
    if (this.#changed.get(key) === from) this.#changed.delete(key);
  }

  /** Whether nothing was set, and no object was read that could have been mutated. */
  get isUnmodified(): boolean {
    return this.#changed.size === 0 && this.#read.size === 0;
  }

  /** Records mutations of the objects under these keys as changes. @throws MisuseError, LimitError */
  noticeChanges(keys: Iterable<string>): void {
    for (const key of keys) {
      const held = this.#changed.get(key) ?? this.#read.get(key);
      if (held === undefined || !isObject(held.value)) continue;
      // Limits apply only to changes, so values stored under higher limits can still be read.
      const text = encodeValue(held.value, key, deepestJson);
      if (text === held.text || (held.text !== null && isWrittenAs(held.text, text, key))) continue;
      this.#change(key, held.value, this.#encoded(key, held.value));
      this.#isCounted = false;
    }
  }

  /** Encodes a value and checks it and its key against the limits. @throws MisuseError, LimitError */
  checked(key: string, value: unknown): string {
    const text = this.#encoded(key, value);
    this.#assertFits(this.#total(key, text));
    return text;
  }

  /**
   * Returns this request's changes, including mutations of objects that it got or set.
   * @throws MisuseError, LimitError if such an object now contains something that can't be stored.
   */
  changes(): DataChanges {
    this.noticeChanges(this.#changed.keys());
    if (this.#read !== noObjects) this.noticeChanges(this.#read.keys());
    const set = new Map<string, string>();
    const remove: string[] = [];
    for (const [key, { text }] of this.#changed) {
      if (text === null) remove.push(fieldName.data(key));
      else set.set(fieldName.data(key), text);
    }
    // Checked in total, because one value may have grown while another shrank.
    if (!this.#isCounted && set.size > 0) this.#assertFits(this.#total());
    return { set, remove };
  }

  /** Returns this request's changes so far, as objects that are replaced by later changes. */
  changesSoFar(): readonly Change[] {
    for (const key of [...this.#changed.keys(), ...this.#read.keys()]) this.#noticeLater(key);
    return [...this.#changed.values()];
  }

  /**
   * Returns the limits for a patch that sets data. This request has counted only what it knows; if other requests
   * have written meanwhile, the store counts.
   *
   * @param countedAt the record's revision, if this request knows all of its fields.
   */
  limitsAt(countedAt: number | undefined): FieldLimits {
    return { prefix: dataPrefix, ...this.#limitTotal, countedAt };
  }

  /** The changes so far, for `saved`. Mutations of objects are not among them until `changes` has noticed them. */
  get pendingChanges(): ReadonlyMap<string, Change> {
    return new Map(this.#changed);
  }

  /**
   * Notes that these changes are in the record now. Changes made since remain. Objects stay the same objects, and if
   * they are mutated later, that is another change.
   */
  saved(changes: ReadonlyMap<string, Change>, record: SessionRecord): void {
    for (const [key, change] of changes) if (this.#changed.get(key) === change) this.#changed.delete(key);
    this.rebase(record);
    for (const [key, { value, text }] of changes)
      if (text !== null && isObject(value) && !this.#changed.has(key)) this.#keep(key, { value, text });
  }

  /** Drops everything that this request knows and has changed, and begins with another record, or with none. */
  reset(record: SessionRecord | null): void {
    this.#changed = noChanges;
    this.#read = noObjects;
    this.rebase(record);
  }

  /** Drops the changes, which have been committed or never will be. */
  forgetChanges(): void {
    this.#changed = noChanges;
  }

  #change(key: string, value: unknown, text: string | null): void {
    if (this.#changed === noChanges) this.#changed = new Map();
    this.#changed.set(key, { value, text, isWritten: false });
  }

  /** Records a mutation of an object that happened while its key was being updated as a later change. */
  #noticeLater(key: string): void {
    try {
      this.noticeChanges([key]);
    } catch {
      // The value can't be stored, which does not concern the update. No value has the text "", so the commit
      // encodes this one again and throws.
      const held = this.#changed.get(key) ?? this.#read.get(key);
      this.#change(key, held?.value, "");
    }
  }

  #keep(key: string, held: Held): void {
    if (this.#read === noObjects) this.#read = new Map();
    this.#read.set(key, held);
  }

  get #limitTotal(): FieldTotal {
    return { bytes: this.#limits.bytes, fields: this.#limits.keys };
  }

  #encoded(key: string, value: unknown): string {
    checkKey(key, this.#limits);
    return encodeValue(value, key, this.#limits.depth);
  }

  #assertFits(total: FieldTotal): void {
    const { bytes, keys } = this.#limits;
    if (total.bytes <= bytes && total.fields <= keys) return;
    const limit = passed(total, this.#limitTotal, totalOf(this.#fields, dataPrefix));
    if (limit !== undefined) throw limitError(limit, this.#limits);
  }

  /** Returns the size of the record's data with this request's changes, and with `text` under `key` if given. */
  #total(key?: string, text = ""): FieldTotal {
    let [bytes, fields] = [0, 0];
    const count = (name: string, length: number): void => {
      bytes += sizeOf(name, length);
      fields++;
    };
    eachLength(this.#fields, (name, length) => {
      const other = dataKeyOf(name);
      if (other !== undefined && other !== key && !this.#changed.has(other)) count(name, length);
    });
    for (const [other, { text: changed }] of this.#changed) {
      if (changed !== null && other !== key) count(fieldName.data(other), this.#codec.lengthOf(changed));
    }
    if (key !== undefined) count(fieldName.data(key), this.#codec.lengthOf(text));
    return { bytes, fields };
  }
}

/** Whether a text is another encoding of the same value, as older versions and other programs may have written. */
function isWrittenAs(held: string, text: string, key: string): boolean {
  return held !== "" && encodeValue(decodeValue(held), key, deepestJson) === text;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** Checks a data key. @throws MisuseError KEY_INVALID; LimitError KEY_TOO_LONG */
function checkKey(key: unknown, limits: Limits): void {
  if (typeof key !== "string" || key === "" || !key.isWellFormed() || /\p{Cc}/u.test(key)) {
    throw new MisuseError(
      "KEY_INVALID",
      "A session key must be a well-formed, non-empty string without control characters.",
    );
  }
  if (key === "__proto__") {
    throw new MisuseError("KEY_INVALID", 'A session key must not be "__proto__".');
  }
  if (key.length > limits.keyLength) {
    throw new LimitError(
      "KEY_TOO_LONG",
      `A session key must have at most ${limits.keyLength} characters (limits.keyLength).`,
    );
  }
}
