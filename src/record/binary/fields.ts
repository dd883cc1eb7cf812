import { encodeUtf8 } from "../../runtime/binary-string.ts";
import type { BinaryString } from "../../runtime/binary-string.ts";
import { layersOf, LazyFields } from "../fields.ts";
import type { FieldChanges, Fields } from "../fields.ts";
import { BinaryReader } from "./bytes.ts";
import type { BinaryWriter } from "./bytes.ts";

/**
 * The fields of a packed record, one after the other: name, length, bytes. A request needs one or two of them, so a
 * field is read from the packed text when it is asked for.
 */
export class PackedFields extends LazyFields {
  readonly #packed: string;
  readonly #start: number;

  private constructor(packed: string, start: number) {
    super();
    this.#packed = packed;
    this.#start = start;
  }

  static write(writer: BinaryWriter, fields: Fields): void {
    const { before, changes } = layersOf(fields);
    if (before instanceof PackedFields) {
      // Packed fields that do not change are copied as they are.
      before.#copy(writer, changes);
      for (const [name, bytes] of changes)
        if (bytes !== null && !before.has(name)) writeField(writer, name, bytes);
    } else for (const [name, bytes] of fields) writeField(writer, name, bytes);
  }

  /** Reads the fields up to the end of the packed text, or returns `undefined` if the bytes are malformed. */
  static read(reader: BinaryReader): PackedFields | undefined {
    const fields = new PackedFields(reader.packed, reader.at);
    while (!reader.isAtEnd) {
      reader.skip(reader.number());
      reader.skip(readLength(reader));
      if (reader.isBroken) return undefined;
    }
    return fields;
  }

  binary(name: string): BinaryString | undefined {
    const nameBytes = encodeUtf8(name);
    const reader = new BinaryReader(this.#packed, this.#start);
    while (!reader.isAtEnd) {
      const length = reader.number();
      const isMatch = length === nameBytes.length && this.#packed.startsWith(nameBytes, reader.at);
      reader.skip(length);
      if (isMatch) return reader.binary(readLength(reader));
      reader.skip(readLength(reader));
    }
    return undefined;
  }

  has(name: string): boolean {
    return this.binary(name) !== undefined;
  }

  eachLength(visit: (name: string, length: number) => void): void {
    const reader = new BinaryReader(this.#packed, this.#start);
    while (!reader.isAtEnd) {
      const name = reader.text();
      const length = readLength(reader);
      reader.skip(length);
      visit(name, length);
    }
  }

  protected find(name: string): Uint8Array | undefined {
    const text = this.binary(name);
    return text === undefined ? undefined : Buffer.from(text, "latin1");
  }

  protected toMap(): ReadonlyMap<string, Uint8Array> {
    const map = new Map<string, Uint8Array>();
    const reader = new BinaryReader(this.#packed, this.#start);
    while (!reader.isAtEnd) {
      const name = reader.text();
      map.set(name, Buffer.from(reader.binary(readLength(reader)), "latin1"));
    }
    return map;
  }

  /** Writes these fields in order, with the changes that apply to them. */
  #copy(writer: BinaryWriter, changes: FieldChanges): void {
    const reader = new BinaryReader(this.#packed, this.#start);
    // A damaged record may have a name several times.
    const written = new Set<string>();
    while (!reader.isAtEnd) {
      const start = reader.at;
      const name = reader.text();
      reader.skip(readLength(reader));
      const changed = changes.get(name);
      if (changed === undefined) writer.binary(this.#packed.slice(start, reader.at));
      else if (changed !== null && !written.has(name)) writeField(writer, name, changed);
      if (changed !== undefined) written.add(name);
    }
  }
}

function writeField(writer: BinaryWriter, name: string, bytes: Uint8Array): void {
  writer.text(name);
  writer.number(bytes.length * 2);
  writer.bytes(bytes);
}

/** Reads a length. Lengths are stored doubled; odd numbers are reserved. */
function readLength(reader: BinaryReader): number {
  const doubled = reader.number();
  if (doubled % 2 !== 0) reader.isBroken = true;
  return doubled / 2;
}
