/** Bytes as a string with one character (U+0000 to U+00FF) for each byte, as `atob` returns and the DOM calls it. */
export type BinaryString = string;

/** Everything but ASCII. ASCII text is its own binary string. */
const beyondAscii = /[^\0-\u007f]/;

/** The bytes of a text in UTF-8. */
export function encodeUtf8(text: string): BinaryString {
  return beyondAscii.test(text) ? Buffer.from(text).toString("latin1") : text;
}

/** The text that these bytes are in UTF-8. */
export function decodeUtf8(bytes: BinaryString): string {
  return beyondAscii.test(bytes) ? Buffer.from(bytes, "latin1").toString() : bytes;
}

/** Copies bytes into a binary string. */
export function toBinaryString(bytes: Uint8Array): BinaryString;
export function toBinaryString(bytes: Uint8Array | undefined): BinaryString | undefined;
export function toBinaryString(bytes: Uint8Array | undefined): BinaryString | undefined {
  if (bytes === undefined) return undefined;
  const { buffer, byteOffset, length } = bytes;
  return (bytes instanceof Buffer ? bytes : Buffer.from(buffer, byteOffset, length)).toString("latin1");
}
