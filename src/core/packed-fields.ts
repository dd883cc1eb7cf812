import type { Fields } from "./record.ts";

/**
 * A record's fields as one run of bytes, for stores that keep them in one column: a format byte, then
 * for each field its name (2 bytes of length, UTF-8) and its bytes (4 bytes of length).
 */
const format = 1;

/** Packs fields. */
export function packFields(fields: Fields): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(format)];
  for (const [name, bytes] of fields) {
    const label = Buffer.from(name);
    const head = Buffer.alloc(2 + label.length + 4);
    head.writeUInt16BE(label.length);
    label.copy(head, 2);
    head.writeUInt32BE(bytes.length, 2 + label.length);
    parts.push(head, bytes);
  }
  return Buffer.concat(parts);
}

/** Unpacks fields; `undefined` for bytes that `packFields` did not make, such as truncated ones. */
export function unpackFields(packed: Uint8Array): Fields | undefined {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const fields = new Map<string, Uint8Array>();
  if (bytes[0] !== format) return undefined;
  let at = 1;
  while (at < bytes.length) {
    if (at + 2 > bytes.length) return undefined;
    const nameEnd = at + 2 + bytes.readUInt16BE(at);
    if (nameEnd + 4 > bytes.length) return undefined;
    const end = nameEnd + 4 + bytes.readUInt32BE(nameEnd);
    if (end > bytes.length) return undefined;
    fields.set(bytes.toString("utf8", at + 2, nameEnd), bytes.subarray(nameEnd + 4, end));
    at = end;
  }
  return fields;
}
