/**
 * Bytes as a string, with one character (U+0000 to U+00FF) for each byte. `atob` returns such strings; the name is
 * the DOM's.
 */
export type BinaryString = string;

/** ASCII text is its own binary string. */
const nonAscii = /[^\0-\u007f]/;

/** Encodes text as UTF-8. */
export function encodeUtf8(text: string): BinaryString {
  return nonAscii.test(text) ? Buffer.from(text).toString("latin1") : text;
}

/** Decodes UTF-8 bytes. */
export function decodeUtf8(bytes: BinaryString): string {
  return nonAscii.test(bytes) ? Buffer.from(bytes, "latin1").toString() : bytes;
}

/** Copies bytes into a binary string. */
export function toBinaryString(bytes: Uint8Array): BinaryString;
export function toBinaryString(bytes: Uint8Array | undefined): BinaryString | undefined;
export function toBinaryString(bytes: Uint8Array | undefined): BinaryString | undefined {
  if (bytes === undefined) return undefined;
  const { buffer, byteOffset, length } = bytes;
  return (bytes instanceof Buffer ? bytes : Buffer.from(buffer, byteOffset, length)).toString("latin1");
}
