import type { BinaryString } from "../../runtime/binary-string.ts";
import { layersOf, LazyFields } from "../fields.ts";
import type { FieldChanges, Fields } from "../fields.ts";
import { BinaryReader } from "./bytes.ts";
import { toBinaryString, encodeUtf8 } from "../../runtime/binary-string.ts";
import type { BinaryWriter, StringPool } from "./bytes.ts";

/**
 * The lowest bit of a field's tag: whether the field's own bytes follow, or the tag is the number of a pooled string.
 */
const own = 0;
const pooled = 1;

/** The lengths of values that are worth pooling. */
const minPooled = 32;
const maxPooled = 512;

/**
 * The fields of a packed record, one after the other: name, tag (the length, or a pool number), bytes. A
 * request needs one or two of them, so a field is read from the packed text when it is asked for.
 */
export class PackedFields extends LazyFields {
  readonly #packed: string;
  readonly #start: number;
  /**
   * The pooled strings among them, in order. They are kept with their numbers, because a number may be reused for
   * another string.
   */
  readonly #shared: { readonly number: number; readonly text: string }[] = [];

  private constructor(packed: string, start: number) {
    super();
    this.#packed = packed;
    this.#start = start;
  }

  static write(writer: BinaryWriter, fields: Fields, shared: StringPool | undefined): void {
    const { before, changes } = layersOf(fields);
    if (before instanceof PackedFields) {
      // Packed fields that do not change are copied as they are.
      before.#copy(writer, changes, shared);
      for (const [name, bytes] of changes)
        if (bytes !== null && !before.has(name)) writeField(writer, name, bytes, shared);
    } else for (const [name, bytes] of fields) writeField(writer, name, bytes, shared);
  }

  /** Reads the fields up to the end of the packed text, or returns `undefined` if the bytes are malformed. */
  static read(reader: BinaryReader, shared: StringPool | undefined): PackedFields | undefined {
    const fields = new PackedFields(reader.packed, reader.at);
    while (!reader.isAtEnd) {
      reader.skip(reader.number());
      const tag = reader.number();
      if (tag % 2 === own) reader.skip(tag / 2);
      else {
        const number = (tag - pooled) / 2;
        const text = shared?.at(number);
        if (text === undefined) return undefined;
        fields.#shared.push({ number, text });
      }
      if (reader.isBroken) return undefined;
    }
    return fields;
  }

  binary(name: string): BinaryString | undefined {
    const nameBytes = encodeUtf8(name);
    const reader = new BinaryReader(this.#packed, this.#start);
    for (let passed = 0; !reader.isAtEnd;) {
      const length = reader.number();
      const isMatch = length === nameBytes.length && this.#packed.startsWith(nameBytes, reader.at);
      reader.skip(length);
      const tag = reader.number();
      if (isMatch) return this.#value(reader, tag, passed);
      if (tag % 2 === own) reader.skip(tag / 2);
      else passed++;
    }
    return undefined;
  }

  has(name: string): boolean {
    return this.binary(name) !== undefined;
  }

  eachLength(visit: (name: string, length: number) => void): void {
    const reader = new BinaryReader(this.#packed, this.#start);
    for (let passed = 0; !reader.isAtEnd;) {
      const name = reader.text();
      const tag = reader.number();
      if (tag % 2 === own) {
        reader.skip(tag / 2);
        visit(name, tag / 2);
      } else visit(name, this.#shared[passed++]?.text.length ?? 0);
    }
  }

  /** The numbers of the pooled strings among the fields. */
  get sharedNumbers(): readonly number[] {
    return this.#shared.map(({ number }) => number);
  }

  protected find(name: string): Uint8Array | undefined {
    const text = this.binary(name);
    return text === undefined ? undefined : Buffer.from(text, "latin1");
  }

  protected toMap(): ReadonlyMap<string, Uint8Array> {
    const map = new Map<string, Uint8Array>();
    const reader = new BinaryReader(this.#packed, this.#start);
    for (let passed = 0; !reader.isAtEnd;) {
      const name = reader.text();
      const tag = reader.number();
      map.set(name, Buffer.from(this.#value(reader, tag, passed), "latin1"));
      if (tag % 2 === pooled) passed++;
    }
    return map;
  }

  /** Writes these fields in order, with the changes that apply to them. */
  #copy(writer: BinaryWriter, changes: FieldChanges, shared: StringPool | undefined): void {
    const reader = new BinaryReader(this.#packed, this.#start);
    for (let passed = 0; !reader.isAtEnd;) {
      const start = reader.at;
      const name = reader.text();
      const tag = reader.number();
      const isOwn = tag % 2 === own;
      if (isOwn) reader.skip(tag / 2);
      else passed++;
      const changed = changes.get(name);
      if (changed !== undefined) {
        if (changed !== null) writeField(writer, name, changed, shared);
      } else if (isOwn) writer.binary(this.#packed.slice(start, reader.at));
      else writeField(writer, name, this.#value(reader, tag, passed - 1), shared);
    }
  }

  /** @param passed how many pooled strings came before. */
  #value(reader: BinaryReader, tag: number, passed: number): string {
    return tag % 2 === own ? reader.binary(tag / 2) : (this.#shared[passed]?.text ?? "");
  }
}

/** @param value the bytes, or a binary string. */
function writeField(
  writer: BinaryWriter,
  name: string,
  value: Uint8Array | string,
  shared: StringPool | undefined,
): void {
  const { length } = value;
  const isPoolable = length >= minPooled && length <= maxPooled;
  const number = isPoolable
    ? shared?.use(typeof value === "string" ? value : toBinaryString(value))
    : undefined;
  writer.text(name);
  writer.number(number === undefined ? length * 2 + own : number * 2 + pooled);
  if (number !== undefined) return;
  if (typeof value === "string") writer.binary(value);
  else writer.bytes(value);
}
