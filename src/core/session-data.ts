import { LimitError, MisuseError } from "../errors.ts";
import { ChangedFields } from "./changed-fields.ts";
import { dataKeyOf, fieldName } from "./field-codec.ts";
import type { FieldCodec } from "./field-codec.ts";
import { bytesOf, eachLength } from "./lazy-fields.ts";
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

  constructor(codec: FieldCodec, limits: Limits) {
    this.#codec = codec;
    this.#limits = limits;
  }

  /** Lays the dictionary over a record, or over nothing. Values read before are read again; changes stay. */
  show(record: SessionRecord | null): void {
    this.#id = record?.id ?? "";
    this.#fields = record?.fields ?? noFields;
    this.#read = noObjects;
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
    if (changed !== undefined) return decodeValue(this.checked(key, changed.value).text);
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

  /** Turns what was changed inside the objects of these keys into changes of their own. */
  noticeChanges(keys: readonly string[]): void {
    for (const key of keys) {
      const read = this.#read.get(key);
      if (read === undefined || this.#changed.has(key)) continue;
      // Limits hold for changes: what was stored under wider ones can still be read.
      if (encodeValue(read.value, key, deepestJson) === read.text) continue;
      this.#change(key, this.checked(key, read.value));
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
    this.#checkKey(key);
    const text = encodeValue(value, key, this.#limits.depth);
    const bytes = this.#bytesWithout(key) + Buffer.byteLength(text) + Buffer.byteLength(key);
    if (bytes > this.#limits.bytes) {
      throw new LimitError(
        "SESSION_TOO_LARGE",
        `With ${key} the session would hold ${bytes} bytes; the limit is ${this.#limits.bytes} (limits.bytes). ` +
          "Keep large things in a database, and their id in the session.",
      );
    }
    if (!this.has(key) && this.keys().length >= this.#limits.keys) {
      throw new LimitError(
        "KEYS_TOO_MANY",
        `The session already holds ${this.#limits.keys} keys (limits.keys).`,
      );
    }
    return { value, text };
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
      else
        set.set(fieldName.data(key), isObject(held.value) ? this.checked(key, held.value).text : held.text);
    }
    return { set, remove };
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

  #bytesWithout(key: string): number {
    let bytes = 0;
    eachLength(this.#fields, (name, length) => {
      const other = dataKeyOf(name);
      if (other !== undefined && other !== key && !this.#changed.has(other)) bytes += length + name.length;
    });
    for (const [other, held] of this.#changed) {
      if (held !== null && other !== key) bytes += Buffer.byteLength(held.text) + other.length;
    }
    return bytes;
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
