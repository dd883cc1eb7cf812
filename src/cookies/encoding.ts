const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Percent-encodes what a cookie's value can't hold (RFC 6265bis 4.1.1), and `%` itself. */
export function encoded(value: string): string {
  return value.replace(/[^\x21\x23\x24\x26-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+/g, encodeURIComponent);
}

/** Undoes `encoded`; a value that others wrote, or the visitor edited, is given as it is. */
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
 * The text of a name as its bytes in a header, one a character, which is how servers give headers. Browsers
 * send what is no ASCII in UTF-8.
 */
export function headerBytesOf(name: string): string {
  return isAscii(name) ? name : Buffer.from(name).toString("latin1");
}

/** The text of bytes from a header where they are UTF-8; anything else, text that a server has decoded among it, stays. */
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
