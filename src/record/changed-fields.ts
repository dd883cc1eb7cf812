import { bytesOf, eachLength, LazyFields } from "./fields.ts";
import { latin1Of } from "./binary/bytes.ts";
import type { Fields } from "./record.ts";

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

  latin1(name: string): string | undefined {
    const changed = this.#changes.get(name);
    return changed === undefined ? bytesOf(this.#before, name) : latin1Of(changed ?? undefined);
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
