import { ChangedFields, binaryField, eachLength } from "../record/fields.ts";
import type { Change, DataChanges, Held, OpenUpdate } from "./data-changes.ts";
import { checkKey } from "./data-key.ts";
import { dataKeyOf, dataPrefix, fieldName } from "../services/field-codec.ts";
import type { FieldCodec } from "../services/field-codec.ts";
import { passed, sizeOf, totalOf } from "../record/field-limits.ts";
import type { FieldLimits, FieldTotal } from "../record/field-limits.ts";
import { limitError } from "../services/limits.ts";
import type { Limits } from "../services/limits.ts";
import type { SessionRecord } from "../record/record.ts";
import type { Fields } from "../record/fields.ts";
import { decodeValue, deepestJson, encodeValue } from "../services/values.ts";

// Most requests read a text or a number and change nothing: they share these, in which nothing is ever put.
const noFields: Fields = new Map();
const noObjects = new Map<string, Held>();
const noChanges = new Map<string, Change>();
const noUpdates = new Set<OpenUpdate>();

/** The dictionary of a session in one request: a record's data fields with this request's changes over them. */
export class SessionData {
  readonly #codec: FieldCodec;
  readonly #limits: Limits;
  #id = "";
  #fields: Fields = noFields;
  /** Objects read in this request, which may be changed inside. */
  #read = noObjects;
  #changed = noChanges;
  /** Updates that were called and not answered yet. */
  #updates = noUpdates;
  /** Whether it is known that all of them fit. */
  #isCounted = true;

  constructor(codec: FieldCodec, limits: Limits) {
    this.#codec = codec;
    this.#limits = limits;
  }

  /** Lays the dictionary over a record, or over nothing. Changes stay, and so do objects that are still what it holds. */
  rebase(record: SessionRecord | null): void {
    const before = this.#fields;
    const read = this.#read;
    this.#id = record?.id ?? "";
    this.#fields = record?.fields ?? noFields;
    // They were counted beside what another record holds, or less of this one.
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
    if (changed !== undefined) return changed?.value;
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
    // What an update that is under way is about to write is removed, too: it was called before this.
    const will = this.#updates.size > 0 && Array.from(this.#updates).some((update) => update.key === key);
    if (had || will) this.#change(key, undefined, null);
    return had;
  }

  clear(): void {
    for (const { key } of this.#updates) this.delete(key);
    for (const key of this.keys()) this.delete(key);
  }

  /** At the call of an update: what it goes on from is fixed here. What is changed from now on comes after it. */
  openUpdate(key: string): OpenUpdate {
    this.noticeChanges([key]);
    const update = { key, from: this.#changed.get(key) };
    if (this.#updates === noUpdates) this.#updates = new Set();
    this.#updates.add(update);
    return update;
  }

  /** At the answer of an update, whatever it is. */
  closeUpdate(update: OpenUpdate): void {
    this.#updates.delete(update);
  }

  /**
   * What an update goes on from: a value of its own, and the bytes that the store must still hold for it, if any must.
   * They are those that were read, or `null` for none.
   */
  before({ key, from }: OpenUpdate): { readonly value: unknown; readonly expected?: Uint8Array | null } {
    // A change of this request that is not written yet replaces whatever there is.
    if (from !== undefined && !from.isWritten)
      return { value: from.text === null ? undefined : decodeValue(from.text) };
    const name = fieldName.data(key);
    const expected = this.#fields.get(name) ?? null;
    const bytes = binaryField(this.#fields, name);
    const held = bytes === undefined ? undefined : this.#codec.decode(this.#id, name, bytes);
    return { value: held?.value, expected };
  }

  /** Takes note of what the store holds under a key. */
  found(key: string, id: string, bytes: Uint8Array | null): void {
    this.#id = id;
    this.#fields = new ChangedFields(this.#fields, new Map([[fieldName.data(key), bytes]]));
    if (this.#changed.size > 0) this.#isCounted = false;
  }

  /** Takes note of what an update has written: the change that it went on from is settled, and a later one is not. */
  written({ key, from }: OpenUpdate, id: string, bytes: Uint8Array | null): void {
    this.#noticeLater(key);
    this.found(key, id, bytes);
    this.#read.delete(key);
    if (from === undefined) return;
    from.isWritten = true;
    if (this.#changed.get(key) === from) this.#changed.delete(key);
  }

  /** Nothing was set, and nothing was read that could have been changed inside. */
  get isUnmodified(): boolean {
    return this.#changed.size === 0 && this.#read.size === 0;
  }

  /** Turns what was changed inside the objects of these keys into changes of their own. @throws MisuseError, LimitError */
  noticeChanges(keys: Iterable<string>): void {
    for (const key of keys) {
      const held = this.#changed.get(key) ?? this.#read.get(key);
      if (held === undefined || !isObject(held.value)) continue;
      // Limits hold for changes: what was stored under wider ones can still be read.
      const text = encodeValue(held.value, key, deepestJson);
      if (text === held.text || (held.text !== null && isWrittenAs(held.text, text, key))) continue;
      this.#change(key, held.value, this.#encoded(key, held.value));
      this.#isCounted = false;
    }
  }

  /** The text of a value, checked with its key against what can be kept. @throws MisuseError, LimitError */
  checked(key: string, value: unknown): string {
    const text = this.#encoded(key, value);
    this.#assertFits(this.#total(key, text));
    return text;
  }

  /**
   * What this request changed, also inside the objects that it got or set.
   * @throws MisuseError, LimitError when such an object now holds something that can't be kept.
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
    // All together: one may have grown where another shrank.
    if (!this.#isCounted && set.size > 0) this.#assertFits(this.#total());
    return { set, remove };
  }

  /**
   * The limits of a patch that sets data. This request has counted only what it knows of: where others have
   * written meanwhile, the store counts.
   *
   * @param countedAt the record's revision, if all that it holds is known here.
   */
  limitsAt(countedAt: number | undefined): FieldLimits {
    return { prefix: dataPrefix, ...this.#limitTotal, countedAt };
  }

  /** Drops the changes: they were committed, or never will be. */
  forgetChanges(): void {
    this.#changed = noChanges;
  }

  #change(key: string, value: unknown, text: string | null): void {
    if (this.#changed === noChanges) this.#changed = new Map();
    this.#changed.set(key, { value, text, isWritten: false });
  }

  /** Turns what was changed inside an object while its key was updated into a change of its own. */
  #noticeLater(key: string): void {
    try {
      this.noticeChanges([key]);
    } catch {
      // It can't be kept, which is nothing to the update. No value has this text, so the commit looks at it again.
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

  /** What the record will hold with this request's changes, and with this text under this key, if any. */
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

/** Whether a text is another writing of the same value, as older versions and other programs may have left it. */
function isWrittenAs(held: string, text: string, key: string): boolean {
  return held !== "" && encodeValue(decodeValue(held), key, deepestJson) === text;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
