import type { Events } from "./events.ts";
import type { Sealer } from "./seal.ts";
import { decodeValue } from "./values.ts";

/** The names of fields: what a record's data, messages and device details are kept under. */
export const fieldName = {
  /** A data key's field. */
  data: (key: string): string => `d:${key}`,
  /** A flash message's field; fields sort as the messages were given. */
  flash: (order: string): string => `f:${order}`,
  /** The user agent that logged in. */
  agent: "m:agent",
} as const;

/** The data key of a field, or `undefined` when it is not a data field. */
export function dataKeyOf(name: string): string | undefined {
  return name.startsWith("d:") ? name.slice(2) : undefined;
}

/** Whether a field holds a flash message. */
export function isFlashField(name: string): boolean {
  return name.startsWith("f:");
}

/** Turns the text of values into the bytes of fields and back, sealed where records leave the process. */
export class FieldCodec {
  /** `undefined` where records never leave the process. */
  readonly sealer: Sealer | undefined;
  readonly #events: Events;

  constructor(sealer: Sealer | undefined, events: Events) {
    this.sealer = sealer;
    this.#events = events;
  }

  /** The bytes of a text, bound to the record and the field when sealed. */
  encode(id: string, name: string, text: string): Uint8Array {
    const plain = Buffer.from(text);
    return this.sealer === undefined ? plain : this.sealer.seal(id, name, plain);
  }

  /** The text and its value, or `undefined` (and an event) when the bytes are not what `encode` made for this place. */
  decode(
    id: string,
    name: string,
    bytes: Uint8Array,
  ): { readonly text: string; readonly value: unknown } | undefined {
    const plain = this.sealer === undefined ? bytes : this.sealer.unseal(id, name, bytes);
    if (plain !== undefined) {
      try {
        const text = textOf(plain);
        return { text, value: decodeValue(text) };
      } catch {
        // Falls through: bytes that hold no value are as unreadable as bytes that do not open.
      }
    }
    this.#events.emit({ type: "field-unreadable", id, field: name });
    return undefined;
  }
}

function textOf(bytes: Uint8Array): string {
  const buffer =
    bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString();
}
