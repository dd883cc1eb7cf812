import { decodeUtf8 } from "../../runtime/binary-string.ts";
import type { BinaryString } from "../../runtime/binary-string.ts";

/** Writes numbers, bytes and texts one after the other. */
export class BinaryWriter {
  #buffer = Buffer.alloc(4096);
  #at = 0;

  /** Begins anew. */
  begin(): void {
    this.#at = 0;
  }

  /** Returns what was written. */
  end(): BinaryString {
    return this.#buffer.toString("latin1", 0, this.#at);
  }

  byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#at++] = value;
  }

  /** A whole number from 0 up: seven bits a byte, the low ones first. */
  number(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 128) {
      this.#buffer[this.#at++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#at++] = rest;
  }

  double(value: number): void {
    this.#room(8);
    this.#at = this.#buffer.writeDoubleBE(value, this.#at);
  }

  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  binary(bytes: BinaryString): void {
    this.#room(bytes.length);
    this.#at += this.#buffer.write(bytes, this.#at, "latin1");
  }

  /** A text with its length in front, in UTF-8. */
  text(text: string): void {
    if (text.length < 64 && this.#ascii(text)) return;
    const length = Buffer.byteLength(text);
    this.number(length);
    this.#room(length);
    this.#buffer.write(text, this.#at);
    this.#at += length;
  }

  /** A short text of ASCII, one by one: for those, faster than two calls of Buffer's. @returns `false` for any other. */
  #ascii(text: string): boolean {
    const { length } = text;
    this.#room(length + 1);
    this.#buffer[this.#at] = length;
    for (let at = 0; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code > 127) return false;
      this.#buffer[this.#at + 1 + at] = code;
    }
    this.#at += length + 1;
    return true;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.alloc(2 * (this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

/** What the last of the bytes counts that a number may have: there are 53 bits in it. */
const largestScale = 2 ** 49;

/** Reads what a `BinaryWriter` has written. Past the end everything is 0, and the reader says that it is broken. */
export class BinaryReader {
  readonly packed: BinaryString;
  at: number;
  isBroken = false;

  constructor(packed: BinaryString, at = 0) {
    this.packed = packed;
    this.at = at;
  }

  get isAtEnd(): boolean {
    return this.at === this.packed.length;
  }

  byte(): number {
    if (this.at >= this.packed.length) {
      this.isBroken = true;
      return 0;
    }
    return this.packed.charCodeAt(this.at++);
  }

  /** A whole number up to `Number.MAX_SAFE_INTEGER`: what goes on for longer was not written by a `BinaryWriter`. */
  number(): number {
    let value = 0;
    for (let scale = 1; scale <= largestScale; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) this.isBroken = true;
        return value;
      }
    }
    this.isBroken = true;
    return 0;
  }

  double(): number {
    const bytes = this.bytes(8);
    return this.isBroken ? 0 : bytes.readDoubleBE();
  }

  /** Bytes of their own. They are few: hundreds would be faster by `Buffer.from`. */
  bytes(length: number): Buffer {
    const start = this.skip(length);
    const bytes = Buffer.allocUnsafe(this.at - start);
    for (let at = start; at < this.at; at++) bytes[at - start] = this.packed.charCodeAt(at);
    return bytes;
  }

  binary(length: number): BinaryString {
    return this.packed.slice(this.skip(length), this.at);
  }

  text(): string {
    return decodeUtf8(this.binary(this.number()));
  }

  /** Passes over so many bytes. @returns where they begin. */
  skip(length: number): number {
    const start = this.at;
    this.at = Math.min(start + length, this.packed.length);
    if (start + length > this.packed.length) this.isBroken = true;
    return start;
  }
}
