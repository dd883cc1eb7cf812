const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Percent-encodes the characters that a cookie's value can't contain (RFC 6265bis 4.1.1), and `%` itself. */
export function encoded(value: string): string {
  return value.replace(/[^\x21\x23\x24\x26-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+/g, encodeURIComponent);
}

/**
 * Reverses `encoded`. A value that can't be decoded, since others wrote it or the visitor edited it, is returned
 * unchanged.
 */
export function decoded(value: string): string {
  const text = textOf(value);
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Returns a name as it appears in a header: browsers send non-ASCII characters in UTF-8, and servers return
 * headers with one character for each byte.
 */
export function headerBytesOf(name: string): string {
  return isAscii(name) ? name : Buffer.from(name).toString("latin1");
}

/**
 * Decodes the bytes of a header if they are UTF-8. Anything else is returned unchanged, such as text that a server
 * has already decoded.
 */
function textOf(bytes: string): string {
  if (isAscii(bytes) || !isBytes(bytes)) return bytes;
  try {
    return utf8.decode(Buffer.from(bytes, "latin1"));
  } catch {
    return bytes;
  }
}

function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text);
}

function isBytes(text: string): boolean {
  return /^[\0-\xff]*$/.test(text);
}
