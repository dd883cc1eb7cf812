import { decodeUtf8 } from "../../runtime/binary-string.ts";
import type { BinaryString } from "../../runtime/binary-string.ts";

/** Writes numbers, bytes and strings one after the other. */
export class BinaryWriter {
  #buffer = Buffer.alloc(4096);
  #at = 0;

  /** Starts over with an empty buffer. */
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

  /** Writes a whole number from 0 up: seven bits in each byte, low bits first. */
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

  /** Writes a string in UTF-8 after its length in bytes. */
  text(text: string): void {
    if (text.length < 64 && this.#ascii(text)) return;
    const length = Buffer.byteLength(text);
    this.number(length);
    this.#room(length);
    this.#buffer.write(text, this.#at);
    this.#at += length;
  }

  /**
   * Writes a short ASCII string character by character, which is faster than two Buffer calls.
   *
   * @returns `false` if it is not ASCII.
   */
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

/** The scale of the last byte that a number of 53 bits can have. */
const largestScale = 2 ** 49;

/** Reads what a `BinaryWriter` wrote. Past the end, numbers are 0, bytes are cut short, and `isBroken` is `true`. */
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

  /** Reads a whole number up to `Number.MAX_SAFE_INTEGER`. A larger one was not written by a `BinaryWriter`. */
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

  /** Returns a copy of the bytes. For hundreds of bytes, `Buffer.from` would be faster. */
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

  /** Skips this many bytes. @returns the position of the first. */
  skip(length: number): number {
    const start = this.at;
    this.at = Math.min(start + length, this.packed.length);
    if (start + length > this.packed.length) this.isBroken = true;
    return start;
  }
}
