import { toBinaryString } from "../runtime/binary-string.ts";
import type { BinaryString } from "../runtime/binary-string.ts";

/** The fields of a record: their names (`d:user`, `f:…`, `m:agent`) and bytes that have no meaning for a store. */
export type Fields = ReadonlyMap<string, Uint8Array>;

/** @internal Fields that create a map only when all of them are needed. Most requests read one field, which needs no map. */
export abstract class LazyFields implements Fields {
  #map: ReadonlyMap<string, Uint8Array> | undefined;

  /** Returns a field's bytes, or `undefined` if there is no such field. */
  abstract binary(name: string): BinaryString | undefined;

  abstract has(name: string): boolean;

  /** Calls `visit` with each field's name and length in bytes. */
  abstract eachLength(visit: (name: string, length: number) => void): void;

  /** Returns a field's bytes without the map. */
  protected abstract find(name: string): Uint8Array | undefined;

  /** Creates the map of all fields. */
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

/** @internal Returns a field's bytes, or `undefined` if there is no such field. */
export function binaryField(fields: Fields, name: string): BinaryString | undefined {
  return fields instanceof LazyFields ? fields.binary(name) : toBinaryString(fields.get(name));
}

/** @internal Calls `visit` with each field's name and length in bytes. */
export function eachLength(fields: Fields, visit: (name: string, length: number) => void): void {
  if (fields instanceof LazyFields) fields.eachLength(visit);
  else for (const [name, bytes] of fields) visit(name, bytes.length);
}

/** Changes to fields, by name. `null` removes a field. */
export type FieldChanges = ReadonlyMap<string, Uint8Array | null>;

/** @internal Fields with changes on top of them. Fields that a patch does not change need not be copied or unpacked. */
export class ChangedFields extends LazyFields {
  readonly #before: Fields;
  readonly #changes: FieldChanges;

  constructor(before: Fields, changes: FieldChanges) {
    super();
    // Changes to changed fields are merged, so that there is always only one layer.
    const isOver = before instanceof ChangedFields;
    this.#before = isOver ? before.#before : before;
    this.#changes = isOver ? new Map([...before.#changes, ...changes]) : changes;
  }

  /** Returns the original fields and the changes separately. */
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

/**
 * Returns the original fields and the changes separately. There are no changes unless the fields are `ChangedFields`.
 *
 * @internal
 */
export function layersOf(fields: Fields): { readonly before: Fields; readonly changes: FieldChanges } {
  return fields instanceof ChangedFields ? fields.layers : { before: fields, changes: noChanges };
}
