import type { BinaryString } from "../../runtime/binary-string.ts";
import { layersOf, LazyFields } from "../fields.ts";
import type { FieldChanges, Fields } from "../fields.ts";
import { BinaryReader } from "./bytes.ts";
import { toBinaryString, encodeUtf8 } from "../../runtime/binary-string.ts";
import type { BinaryWriter, StringPool } from "./bytes.ts";

/** A field's bytes, or the number of a text that many records hold: the lowest bit of their length tells. */
const ofItsOwn = 0;
const ofAll = 1;

/** How long bytes are that are worth sharing. */
const leastShared = 32;
const mostShared = 512;

/**
 * A record's fields where they lie in its packing, one after the other: name, length, bytes. A request
 * wants one or two of them, so a field is taken out when it is asked for.
 */
export class PackedFields extends LazyFields {
  readonly #packed: string;
  readonly #start: number;
  /** The shared texts among them, in turn, with their numbers: a number may be another text's by the time it is asked for. */
  readonly #shared: { readonly number: number; readonly text: string }[] = [];

  private constructor(packed: string, start: number) {
    super();
    this.#packed = packed;
    this.#start = start;
  }

  static write(writer: BinaryWriter, fields: Fields, shared: StringPool | undefined): void {
    const { before, changes } = layersOf(fields);
    if (before instanceof PackedFields) {
      // What lies packed under changes and does not change is copied as it lies.
      before.#copy(writer, changes, shared);
      for (const [name, bytes] of changes)
        if (bytes !== null && !before.has(name)) writeField(writer, name, bytes, shared);
    } else for (const [name, bytes] of fields) writeField(writer, name, bytes, shared);
  }

  /** The fields up to the end of what is packed, or `undefined` where that are none. */
  static read(reader: BinaryReader, shared: StringPool | undefined): PackedFields | undefined {
    const fields = new PackedFields(reader.packed, reader.at);
    while (!reader.isAtEnd) {
      reader.skip(reader.number());
      const tag = reader.number();
      if (tag % 2 === ofItsOwn) reader.skip(tag / 2);
      else {
        const number = (tag - ofAll) / 2;
        const text = shared?.at(number);
        if (text === undefined) return undefined;
        fields.#shared.push({ number, text });
      }
      if (reader.isBroken) return undefined;
    }
    return fields;
  }

  binary(name: string): BinaryString | undefined {
    const label = encodeUtf8(name);
    const reader = new BinaryReader(this.#packed, this.#start);
    for (let passed = 0; !reader.isAtEnd;) {
      const length = reader.number();
      const isIt = length === label.length && this.#packed.startsWith(label, reader.at);
      reader.skip(length);
      const tag = reader.number();
      if (isIt) return this.#value(reader, tag, passed);
      if (tag % 2 === ofItsOwn) reader.skip(tag / 2);
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
      if (tag % 2 === ofItsOwn) {
        reader.skip(tag / 2);
        visit(name, tag / 2);
      } else visit(name, this.#shared[passed++]?.text.length ?? 0);
    }
  }

  /** The numbers of the shared texts among the fields. */
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
      if (tag % 2 === ofAll) passed++;
    }
    return map;
  }

  /** Writes them with the changes of those that are here, each at its place. */
  #copy(writer: BinaryWriter, changes: FieldChanges, shared: StringPool | undefined): void {
    const reader = new BinaryReader(this.#packed, this.#start);
    for (let passed = 0; !reader.isAtEnd;) {
      const start = reader.at;
      const name = reader.text();
      const tag = reader.number();
      const isOfItsOwn = tag % 2 === ofItsOwn;
      if (isOfItsOwn) reader.skip(tag / 2);
      else passed++;
      const changed = changes.get(name);
      if (changed !== undefined) {
        if (changed !== null) writeField(writer, name, changed, shared);
      } else if (isOfItsOwn) writer.binary(this.#packed.slice(start, reader.at));
      else writeField(writer, name, this.#value(reader, tag, passed - 1), shared);
    }
  }

  /** @param passed how many shared texts came before. */
  #value(reader: BinaryReader, tag: number, passed: number): string {
    return tag % 2 === ofItsOwn ? reader.binary(tag / 2) : (this.#shared[passed]?.text ?? "");
  }
}

/** @param value as bytes, or with a character for each. */
function writeField(
  writer: BinaryWriter,
  name: string,
  value: Uint8Array | string,
  shared: StringPool | undefined,
): void {
  const { length } = value;
  const mayBeShared = length >= leastShared && length <= mostShared;
  const number = mayBeShared
    ? shared?.use(typeof value === "string" ? value : toBinaryString(value))
    : undefined;
  writer.text(name);
  writer.number(number === undefined ? length * 2 + ofItsOwn : number * 2 + ofAll);
  if (number !== undefined) return;
  if (typeof value === "string") writer.binary(value);
  else writer.bytes(value);
}
