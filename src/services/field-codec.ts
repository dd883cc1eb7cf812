import type { Events } from "./events.ts";
import { decodeUtf8, toBinaryString } from "../runtime/binary-string.ts";
import { fingerprintOf, TwoGenerationCache } from "../runtime/two-generation-cache.ts";
import { nonceAt, sealOverhead } from "../crypto/sealer.ts";
import type { Sealer } from "../crypto/sealer.ts";
import { decodeValue } from "./values.ts";

/** The names of a record's fields for data, messages and the user agent. */
export const fieldName = {
  /** A data key's field. */
  data: (key: string): string => `d:${key}`,
  /** A flash message's field. The names sort in the order of the messages. */
  flash: (order: string): string => `f:${order}`,
  /** The user agent that logged in. */
  agent: "m:agent",
} as const;

/** The prefixes of the names of data fields and of message fields. */
export const dataPrefix: string = fieldName.data("");
export const flashPrefix: string = fieldName.flash("");

/** Returns the data key of a field, or `undefined` if it is not a data field. */
export function dataKeyOf(name: string): string | undefined {
  return name.startsWith(dataPrefix) ? name.slice(dataPrefix.length) : undefined;
}

/** Whether a field holds a flash message. */
export function isFlashField(name: string): boolean {
  return name.startsWith(flashPrefix);
}

/** A recently sealed or unsealed text, and the field that it belongs to. */
interface Known {
  /** The sealed bytes as a binary string. */
  readonly sealed: string;
  readonly id: string;
  readonly name: string;
  readonly text: string;
}

/** The size of a cache generation in characters (there are two), and the longest sealed value that is cached. */
const recentRoom = 2 ** 20;
const longestKnown = 4096;

/**
 * Encodes the text of values as the bytes of fields, and decodes it. Fields are sealed if records leave the process.
 */
export class FieldCodec {
  /** `undefined` if records never leave the process. */
  readonly sealer: Sealer | undefined;
  readonly #events: Pick<Events, "emit">;
  /**
   * Texts by their sealed bytes. The same bytes in the same field always contain the same text, and a session is
   * read far more often than written. Unsealing takes more time than everything else that a read does here.
   */
  readonly #recent = new TwoGenerationCache<Known>(recentRoom);

  constructor(sealer: Sealer | undefined, events: Pick<Events, "emit">) {
    this.sealer = sealer;
    this.#events = events;
  }

  /** Returns the bytes of a text. If they are sealed, they are bound to the record and the field. */
  encode(id: string, name: string, text: string): Uint8Array {
    const plain = Buffer.from(text);
    if (this.sealer === undefined) return plain;
    const sealed = this.sealer.seal(id, name, plain);
    this.#know({ sealed: toBinaryString(sealed), id, name, text });
    return sealed;
  }

  /** Returns how many bytes `encode` returns for a text. */
  lengthOf(text: string): number {
    return Buffer.byteLength(text) + (this.sealer === undefined ? 0 : sealOverhead);
  }

  /**
   * Returns the text and its value. If `encode` did not make the bytes for this field, it returns `undefined` and
   * emits an event.
   *
   * @param bytes a binary string, as `binaryField` returns it.
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
        // Falls through: bytes without a value are as unreadable as bytes that can't be unsealed.
      }
    }
    this.#events.emit({ type: "field-unreadable", id, field: name });
    return undefined;
  }

  /** @param sealed a binary string. */
  #unsealed(id: string, name: string, sealed: string): string | undefined {
    const known = this.#recent.get(fingerprintOf(sealed, nonceAt));
    if (known !== undefined && known.sealed === sealed && known.id === id && known.name === name)
      return known.text;
    const bytes = Buffer.from(sealed, "latin1");
    const plain = this.sealer?.unseal(id, name, bytes);
    if (plain === undefined) return undefined;
    const text = decodeUtf8(toBinaryString(plain));
    // A copy, because a slice of a string would keep the whole record in memory.
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
