import { hash } from "node:crypto";
import type { KeyObject } from "node:crypto";

/** The HMAC-SHA-256 of a text: 32 bytes, as 64 hexadecimal digits. */
export type Hmac = (text: string) => string;

/** SHA-256 works on blocks of this many bytes. */
const blockLength = 64;
/** Texts of more bytes than this get a buffer of their own. */
const usualLength = 512;

/**
 * HMAC-SHA-256 (RFC 2104) under one key, as two hashes of one call each.
 *
 * `createHmac` makes an object outside of JavaScript's heap for every text, which the garbage
 * collector pays for later, and a hash that answers a buffer makes one of these, too, and takes four
 * times as long as one that answers text. A request checks a mac every time, so this is worth its ten
 * lines. The tests hold it against `createHmac`.
 *
 * @param key at most 64 bytes.
 */
export function createHmacSha256(key: KeyObject): Hmac {
  const block = Buffer.alloc(blockLength);
  key.export().copy(block);
  const inner = Buffer.alloc(blockLength + usualLength);
  const outer = Buffer.alloc(blockLength + 32);
  for (const [at, byte] of block.entries()) {
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  }
  block.fill(0);
  return (text) => {
    // No character is longer than three bytes in UTF-8. All of this is done before anything else can run.
    const message =
      text.length * 3 <= usualLength
        ? inner.subarray(0, blockLength + inner.write(text, blockLength))
        : Buffer.concat([inner.subarray(0, blockLength), Buffer.from(text)]);
    outer.write(hash("sha256", message, "hex"), blockLength, "hex");
    return hash("sha256", outer, "hex");
  };
}
