import { toBinaryString } from "../runtime/binary-string.ts";
import type { BinaryString } from "../runtime/binary-string.ts";

/** The fields of a record: from name (`d:user`, `f:…`, `m:agent`) to bytes that only the core can read. */
export type Fields = ReadonlyMap<string, Uint8Array>;

/** Fields that become a map when all of them are wanted; to find one, which is what most requests want, needs none. */
export abstract class LazyFields implements Fields {
  #map: ReadonlyMap<string, Uint8Array> | undefined;

  /** A field's bytes, or `undefined` if there is no such field. */
  abstract binary(name: string): BinaryString | undefined;

  abstract has(name: string): boolean;

  /** Calls with each field's name and the number of its bytes. */
  abstract eachLength(visit: (name: string, length: number) => void): void;

  /** A field's bytes, while there is no map. */
  protected abstract find(name: string): Uint8Array | undefined;

  /** All of them. */
  protected abstract toMap(): ReadonlyMap<string, Uint8Array>;

  get(name: string): Uint8Array | undefined {
    return this.#map === undefined ? this.find(name) : this.#map.get(name);
  }

  get size(): number {
    return this.#all.size;
  }

  keys(): MapIterator<string> {
    return this.#all.keys();
  }

  values(): MapIterator<Uint8Array> {
    return this.#all.values();
  }

  entries(): MapIterator<[string, Uint8Array]> {
    return this.#all.entries();
  }

  [Symbol.iterator](): MapIterator<[string, Uint8Array]> {
    return this.entries();
  }

  forEach(
    callback: (bytes: Uint8Array, name: string, fields: ReadonlyMap<string, Uint8Array>) => void,
  ): void {
    for (const [name, bytes] of this) callback(bytes, name, this);
  }

  get #all(): ReadonlyMap<string, Uint8Array> {
    return (this.#map ??= this.toMap());
  }
}

/** A field's bytes, or `undefined` if there is no such field. */
export function binaryField(fields: Fields, name: string): BinaryString | undefined {
  return fields instanceof LazyFields ? fields.binary(name) : toBinaryString(fields.get(name));
}

/** Calls with each field's name and the number of its bytes. */
export function eachLength(fields: Fields, visit: (name: string, length: number) => void): void {
  if (fields instanceof LazyFields) fields.eachLength(visit);
  else for (const [name, bytes] of fields) visit(name, bytes.length);
}

/** What becomes of fields, by name; `null` is a removal. */
export type FieldChanges = ReadonlyMap<string, Uint8Array | null>;

/** Fields with changes laid over them: what a patch does not touch need not be copied, nor taken out of its packing. */
export class ChangedFields extends LazyFields {
  readonly #before: Fields;
  readonly #changes: FieldChanges;

  constructor(before: Fields, changes: FieldChanges) {
    super();
    // One layer, however many changes come one after the other.
    const isOver = before instanceof ChangedFields;
    this.#before = isOver ? before.#before : before;
    this.#changes = isOver ? new Map([...before.#changes, ...changes]) : changes;
  }

  /** What lies below the changes, and the changes. */
  get layers(): { readonly before: Fields; readonly changes: FieldChanges } {
    return { before: this.#before, changes: this.#changes };
  }

  has(name: string): boolean {
    const changed = this.#changes.get(name);
    return changed === undefined ? this.#before.has(name) : changed !== null;
  }

  binary(name: string): BinaryString | undefined {
    const changed = this.#changes.get(name);
    return changed === undefined ? binaryField(this.#before, name) : toBinaryString(changed ?? undefined);
  }

  eachLength(visit: (name: string, length: number) => void): void {
    eachLength(this.#before, (name, length) => {
      if (!this.#changes.has(name)) visit(name, length);
    });
    for (const [name, bytes] of this.#changes) if (bytes !== null) visit(name, bytes.length);
  }

  protected find(name: string): Uint8Array | undefined {
    const changed = this.#changes.get(name);
    return changed === undefined ? this.#before.get(name) : (changed ?? undefined);
  }

  protected toMap(): ReadonlyMap<string, Uint8Array> {
    const map = new Map(this.#before);
    for (const [name, bytes] of this.#changes) {
      if (bytes === null) map.delete(name);
      else map.set(name, bytes);
    }
    return map;
  }
}

const noChanges: FieldChanges = new Map();

/** Fields as what lies below changes, and the changes; none where they are of another kind. */
export function layersOf(fields: Fields): { readonly before: Fields; readonly changes: FieldChanges } {
  return fields instanceof ChangedFields ? fields.layers : { before: fields, changes: noChanges };
}
