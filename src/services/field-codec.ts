import type { Events } from "./events.ts";
import { decodeUtf8, toBinaryString } from "../runtime/binary-string.ts";
import { fingerprintOf, TwoGenerationCache } from "../runtime/two-generation-cache.ts";
import { nonceAt, sealOverhead } from "../crypto/sealer.ts";
import type { Sealer } from "../crypto/sealer.ts";
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

/** What the names of data fields, and of messages, begin with. */
export const dataPrefix: string = fieldName.data("");
export const flashPrefix: string = fieldName.flash("");

/** The data key of a field, or `undefined` when it is not a data field. */
export function dataKeyOf(name: string): string | undefined {
  return name.startsWith(dataPrefix) ? name.slice(dataPrefix.length) : undefined;
}

/** Whether a field holds a flash message. */
export function isFlashField(name: string): boolean {
  return name.startsWith(flashPrefix);
}

/** A text that was sealed or unsealed a moment ago, and where it belongs. */
interface Known {
  /** The bytes, with a character for each. */
  readonly sealed: string;
  readonly id: string;
  readonly name: string;
  readonly text: string;
}

/** How much of these is kept in mind, in characters and twice at most; what is longer than that alone is not. */
const recentRoom = 2 ** 20;
const longestKnown = 4096;

/** KeyedQueue the text of values into the bytes of fields and back, sealed where records leave the process. */
export class FieldCodec {
  /** `undefined` where records never leave the process. */
  readonly sealer: Sealer | undefined;
  readonly #events: Events;
  /**
   * By the sealed bytes. The same bytes in the same place always hold the same text, and a session is read
   * far more often than written; to open a cipher takes more time than all else that a read does here.
   */
  readonly #recent = new TwoGenerationCache<Known>(recentRoom);

  constructor(sealer: Sealer | undefined, events: Events) {
    this.sealer = sealer;
    this.#events = events;
  }

  /** The bytes of a text, bound to the record and the field when sealed. */
  encode(id: string, name: string, text: string): Uint8Array {
    const plain = Buffer.from(text);
    if (this.sealer === undefined) return plain;
    const sealed = this.sealer.seal(id, name, plain);
    this.#know({ sealed: toBinaryString(sealed), id, name, text });
    return sealed;
  }

  /** How many bytes `encode` makes of a text. */
  lengthOf(text: string): number {
    return Buffer.byteLength(text) + (this.sealer === undefined ? 0 : sealOverhead);
  }

  /**
   * The text and its value, or `undefined` (and an event) when the bytes are not what `encode` made for this place.
   *
   * @param bytes with a character for each, as `binaryField` gives them.
   */
  decode(
    id: string,
    name: string,
    bytes: string,
  ): { readonly text: string; readonly value: unknown } | undefined {
    const text = this.sealer === undefined ? decodeUtf8(bytes) : this.#unsealed(id, name, bytes);
    if (text !== undefined) {
      try {
        return { text, value: decodeValue(text) };
      } catch {
        // Falls through: bytes that hold no value are as unreadable as bytes that do not open.
      }
    }
    this.#events.emit({ type: "field-unreadable", id, field: name });
    return undefined;
  }

  /** @param sealed the bytes, with a character for each. */
  #unsealed(id: string, name: string, sealed: string): string | undefined {
    const known = this.#recent.get(fingerprintOf(sealed, nonceAt));
    if (known !== undefined && known.sealed === sealed && known.id === id && known.name === name)
      return known.text;
    const bytes = Buffer.from(sealed, "latin1");
    const plain = this.sealer?.unseal(id, name, bytes);
    if (plain === undefined) return undefined;
    const text = decodeUtf8(toBinaryString(plain));
    // A text of its own: one that is cut out of a record keeps all of it.
    this.#know({ sealed: toBinaryString(bytes), id, name, text });
    return text;
  }

  #know(known: Known): void {
    const { sealed, text } = known;
    if (sealed.length > longestKnown) return;
    const overhead = 200;
    this.#recent.set(fingerprintOf(sealed, nonceAt), known, sealed.length + text.length + overhead);
  }
}
