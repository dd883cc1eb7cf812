import { latin1Of } from "./binary/bytes.ts";
import type { Fields } from "./record.ts";

/** Fields that become a map when all of them are wanted; to find one, which is what most requests want, needs none. */
export abstract class LazyFields implements Fields {
  #map: ReadonlyMap<string, Uint8Array> | undefined;

  /** A field's bytes, with a character for each. */
  abstract latin1(name: string): string | undefined;

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

/** A field's bytes, with a character for each; `undefined` where there is no such field. */
export function bytesOf(fields: Fields, name: string): string | undefined {
  return fields instanceof LazyFields ? fields.latin1(name) : latin1Of(fields.get(name));
}

/** Calls with each field's name and the number of its bytes. */
export function eachLength(fields: Fields, visit: (name: string, length: number) => void): void {
  if (fields instanceof LazyFields) fields.eachLength(visit);
  else for (const [name, bytes] of fields) visit(name, bytes.length);
}
