import { layersOf } from "./changed-fields.ts";
import type { FieldChanges } from "./changed-fields.ts";
import { LazyFields } from "./lazy-fields.ts";
import { latin1Of, PackReader, toLatin1 } from "./packing.ts";
import type { PackWriter, SharedTexts } from "./packing.ts";
import type { Fields } from "./record.ts";

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

  static write(writer: PackWriter, fields: Fields, shared: SharedTexts | undefined): void {
    const { before, changes } = layersOf(fields);
    if (before instanceof PackedFields) {
      // What lies packed under changes and does not change is copied as it lies.
      before.#copy(writer, changes, shared);
      for (const [name, bytes] of changes)
        if (bytes !== null && !before.has(name)) writeField(writer, name, bytes, shared);
    } else for (const [name, bytes] of fields) writeField(writer, name, bytes, shared);
  }

  /** The fields up to the end of what is packed, or `undefined` where that are none. */
  static read(reader: PackReader, shared: SharedTexts | undefined): PackedFields | undefined {
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

  latin1(name: string): string | undefined {
    const label = toLatin1(name);
    const reader = new PackReader(this.#packed, this.#start);
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
    return this.latin1(name) !== undefined;
  }

  eachLength(visit: (name: string, length: number) => void): void {
    const reader = new PackReader(this.#packed, this.#start);
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
    const text = this.latin1(name);
    return text === undefined ? undefined : Buffer.from(text, "latin1");
  }

  protected toMap(): ReadonlyMap<string, Uint8Array> {
    const map = new Map<string, Uint8Array>();
    const reader = new PackReader(this.#packed, this.#start);
    for (let passed = 0; !reader.isAtEnd;) {
      const name = reader.text();
      const tag = reader.number();
      map.set(name, Buffer.from(this.#value(reader, tag, passed), "latin1"));
      if (tag % 2 === ofAll) passed++;
    }
    return map;
  }

  /** Writes them with the changes of those that are here, each at its place. */
  #copy(writer: PackWriter, changes: FieldChanges, shared: SharedTexts | undefined): void {
    const reader = new PackReader(this.#packed, this.#start);
    // What is damaged may hold a name many times.
    const written = new Set<string>();
    for (let passed = 0; !reader.isAtEnd;) {
      const start = reader.at;
      const name = reader.text();
      const tag = reader.number();
      const isOfItsOwn = tag % 2 === ofItsOwn;
      if (isOfItsOwn) reader.skip(tag / 2);
      else passed++;
      const changed = changes.get(name);
      if (changed !== undefined) {
        if (changed !== null && !written.has(name)) writeField(writer, name, changed, shared);
        written.add(name);
      } else if (isOfItsOwn) writer.latin1(this.#packed.slice(start, reader.at));
      else writeField(writer, name, this.#value(reader, tag, passed - 1), shared);
    }
  }

  /** @param passed how many shared texts came before. */
  #value(reader: PackReader, tag: number, passed: number): string {
    return tag % 2 === ofItsOwn ? reader.latin1(tag / 2) : (this.#shared[passed]?.text ?? "");
  }
}

/** @param value as bytes, or with a character for each. */
function writeField(
  writer: PackWriter,
  name: string,
  value: Uint8Array | string,
  shared: SharedTexts | undefined,
): void {
  const { length } = value;
  const mayBeShared = length >= leastShared && length <= mostShared;
  const number = mayBeShared ? shared?.use(typeof value === "string" ? value : latin1Of(value)) : undefined;
  writer.text(name);
  writer.number(number === undefined ? length * 2 + ofItsOwn : number * 2 + ofAll);
  if (number !== undefined) return;
  if (typeof value === "string") writer.latin1(value);
  else writer.bytes(value);
}
