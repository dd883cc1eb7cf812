import { LimitError, MisuseError } from "../errors.ts";
import { ChangedFields } from "./changed-fields.ts";
import { dataKeyOf, dataPrefix, fieldName } from "./field-codec.ts";
import type { FieldCodec } from "./field-codec.ts";
import { passed, sizeOf, totalOf } from "./field-limits.ts";
import type { FieldLimits, FieldTotal } from "./field-limits.ts";
import { bytesOf, eachLength } from "./lazy-fields.ts";
import { limitError } from "./limits.ts";
import type { Limits } from "./limits.ts";
import type { Fields, SessionRecord } from "./record.ts";
import { decodeValue, deepestJson, encodeValue } from "./values.ts";

/** A value with the text it had when it was read or set: another text now means that it was changed inside. */
interface Held {
  readonly value: unknown;
  readonly text: string;
}

/** What a commit has to do to a record's data fields. */
export interface DataChanges {
  /** Field names and the texts of their values. */
  readonly set: ReadonlyMap<string, string>;
  readonly remove: readonly string[];
}

// Most requests read a text or a number and change nothing: they share these, in which nothing is ever put.
const noFields: Fields = new Map();
const noObjects = new Map<string, Held>();
const noChanges = new Map<string, Held | null>();

/** The dictionary of a session in one request: a record's data fields with this request's changes over them. */
export class SessionData {
  readonly #codec: FieldCodec;
  readonly #limits: Limits;
  #id = "";
  #fields: Fields = noFields;
  /** Objects read in this request, which may be changed inside. */
  #read = noObjects;
  /** Changes not yet committed; `null` is a deletion. */
  #changed = noChanges;
  /** Whether it is known that all of them fit. */
  #isCounted = true;

  constructor(codec: FieldCodec, limits: Limits) {
    this.#codec = codec;
    this.#limits = limits;
  }

  /** Lays the dictionary over a record, or over nothing. Values read before are read again; changes stay. */
  show(record: SessionRecord | null): void {
    this.#id = record?.id ?? "";
    this.#fields = record?.fields ?? noFields;
    this.#read = noObjects;
    // They were counted beside what another record holds, or less of this one.
    if (this.#changed.size > 0) this.#isCounted = false;
  }

  get(key: string): unknown {
    const changed = this.#changed.get(key);
    if (changed !== undefined) return changed?.value;
    const read = this.#read.get(key);
    if (read !== undefined) return read.value;
    const name = fieldName.data(key);
    const bytes = bytesOf(this.#fields, name);
    const held = bytes === undefined ? undefined : this.#codec.decode(this.#id, name, bytes);
    if (held === undefined) return undefined;
    if (isObject(held.value)) this.#keep(key, held);
    return held.value;
  }

  /** A copy of a value that may be changed without anybody noticing. */
  copy(key: string): unknown {
    const changed = this.#changed.get(key);
    if (changed === null) return undefined;
    if (changed !== undefined) return decodeValue(this.#encoded(key, changed.value).text);
    const name = fieldName.data(key);
    const bytes = bytesOf(this.#fields, name);
    return bytes === undefined ? undefined : this.#codec.decode(this.#id, name, bytes)?.value;
  }

  has(key: string): boolean {
    const changed = this.#changed.get(key);
    return changed === undefined ? this.#fields.has(fieldName.data(key)) : changed !== null;
  }

  keys(): string[] {
    const keys = new Set<string>();
    for (const name of this.#fields.keys()) {
      const key = dataKeyOf(name);
      if (key !== undefined) keys.add(key);
    }
    for (const [key, held] of this.#changed) {
      if (held === null) keys.delete(key);
      else keys.add(key);
    }
    return [...keys];
  }

  set(key: string, value: unknown): void {
    this.#change(key, this.checked(key, value));
  }

  delete(key: string): boolean {
    const had = this.has(key);
    if (had) this.#change(key, null);
    return had;
  }

  /** Takes note of what the store now holds under a key; a change of it that waited is settled. */
  written(key: string, id: string, bytes: Uint8Array | null): void {
    this.#id = id;
    this.#fields = new ChangedFields(this.#fields, new Map([[fieldName.data(key), bytes]]));
    this.#read.delete(key);
    this.#changed.delete(key);
  }

  /** Nothing was set, and nothing was read that could have been changed inside. */
  get isUntouched(): boolean {
    return this.#changed.size === 0 && this.#read.size === 0;
  }

  /** Turns what was changed inside the objects of these keys into changes of their own. @throws MisuseError, LimitError */
  noticeChanges(keys: readonly string[]): void {
    for (const key of keys) {
      const read = this.#read.get(key);
      if (read === undefined || this.#changed.has(key)) continue;
      // Limits hold for changes: what was stored under wider ones can still be read.
      if (encodeValue(read.value, key, deepestJson) === read.text) continue;
      this.#change(key, this.#encoded(key, read.value));
      this.#isCounted = false;
    }
  }

  /** The field's bytes as they were read, or `null` where there is none: what an update expects to find. */
  bytesOf(key: string): Uint8Array | null {
    return this.#fields.get(fieldName.data(key)) ?? null;
  }

  hasPendingChange(key: string): boolean {
    return this.#changed.has(key);
  }

  /** Checks a key and a value against what can be kept. @throws MisuseError, LimitError */
  checked(key: string, value: unknown): Held {
    const held = this.#encoded(key, value);
    this.#assertFits(this.#total(key, held.text));
    return held;
  }

  /**
   * What this request changed, also inside the objects that it got or set.
   * @throws MisuseError, LimitError when such an object now holds something that can't be kept.
   */
  changes(): DataChanges {
    this.noticeChanges([...this.#read.keys()]);
    const set = new Map<string, string>();
    const remove: string[] = [];
    for (const [key, held] of this.#changed) {
      if (held === null) remove.push(fieldName.data(key));
      else {
        const now = isObject(held.value) ? this.#encoded(key, held.value) : held;
        if (now.text !== held.text) this.#isCounted = false;
        this.#change(key, now);
        set.set(fieldName.data(key), now.text);
      }
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

  #change(key: string, held: Held | null): void {
    if (this.#changed === noChanges) this.#changed = new Map();
    this.#changed.set(key, held);
  }

  #keep(key: string, held: Held): void {
    if (this.#read === noObjects) this.#read = new Map();
    this.#read.set(key, held);
  }

  get #limitTotal(): FieldTotal {
    return { bytes: this.#limits.bytes, fields: this.#limits.keys };
  }

  #encoded(key: string, value: unknown): Held {
    this.#checkKey(key);
    return { value, text: encodeValue(value, key, this.#limits.depth) };
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
    for (const [other, held] of this.#changed) {
      if (held !== null && other !== key) count(fieldName.data(other), this.#codec.lengthOf(held.text));
    }
    if (key !== undefined) count(fieldName.data(key), this.#codec.lengthOf(text));
    return { bytes, fields };
  }

  #checkKey(key: unknown): void {
    if (typeof key !== "string" || key === "" || !key.isWellFormed() || /\p{Cc}/u.test(key)) {
      throw new MisuseError(
        "KEY_INVALID",
        "A session's keys are non-empty strings without control characters.",
      );
    }
    if (key === "__proto__") {
      throw new MisuseError("KEY_INVALID", 'A session can\'t keep the key "__proto__".');
    }
    if (key.length > this.#limits.keyLength) {
      throw new LimitError(
        "KEY_TOO_LONG",
        `A session's keys have at most ${this.#limits.keyLength} characters.`,
      );
    }
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
