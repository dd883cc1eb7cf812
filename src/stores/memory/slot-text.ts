import { unpackRecord, writeRecord } from "../../record/binary/record.ts";
import { BinaryReader, BinaryWriter } from "../../record/binary/bytes.ts";
import { decodeUtf8, encodeUtf8 } from "../../runtime/binary-string.ts";
import type { StringPool } from "../../record/binary/bytes.ts";
import { expiresAt } from "../../record/record.ts";
import type { SessionRecord } from "../../record/record.ts";

/*
 * What is kept of a record, as one text with a character for each byte:
 *
 * when it expires (6 bytes: a sweep looks at nothing else) | the id's length in bytes, doubled, one more if they are
 * not all ASCII | id | the packed record
 */
const expiryLength = 6;
const latestExpiry = 2 ** (8 * expiryLength) - 1;

const writer = new BinaryWriter();

export function slotText(record: SessionRecord, shared: StringPool): string {
  writer.begin();
  // In whole milliseconds, and as large as fits: the year 10889.
  writer.uint48(Math.min(Math.max(0, Math.floor(expiresAt(record))), latestExpiry));
  const id = encodeUtf8(record.id);
  writer.number(lengthTag(id, record.id));
  writer.binary(id);
  writeRecord(writer, record, shared);
  return writer.end();
}

/** When the record expires, to the millisecond before. */
export function expiryIn(text: string): number {
  let expiry = 0;
  for (let at = 0; at < expiryLength; at++) expiry = expiry * 256 + text.charCodeAt(at);
  return expiry;
}

export function isIdIn(text: string, id: string): boolean {
  // An id as the core makes them: then nothing needs to be asked of its characters.
  if (text.charCodeAt(expiryLength) === id.length * 2 && id.length < 64) {
    return text.slice(expiryLength + 1, expiryLength + 1 + id.length) === id;
  }
  const bytes = encodeUtf8(id);
  const reader = new BinaryReader(text, expiryLength);
  return reader.number() === lengthTag(bytes, id) && text.startsWith(bytes, reader.at);
}

/** @param id where it is known, so that it need not be taken out. */
export function recordIn(text: string, shared: StringPool, id: string = idIn(text)): SessionRecord {
  const record = unpackRecord(id, text, endOfId(text), shared);
  if (record === undefined) throw new TypeError("What was packed here is never damaged.");
  return record;
}

function idIn(text: string): string {
  const reader = new BinaryReader(text, expiryLength);
  return decodeUtf8(reader.binary(Math.floor(reader.number() / 2)));
}

function endOfId(text: string): number {
  const tag = text.charCodeAt(expiryLength);
  // One byte, as for ids that the core makes: a reader takes as long as all the rest of finding a record.
  if (tag < 128) return expiryLength + 1 + (tag >> 1);
  const reader = new BinaryReader(text, expiryLength);
  reader.skip(Math.floor(reader.number() / 2));
  return reader.at;
}

function lengthTag(bytes: string, id: string): number {
  return bytes.length * 2 + (bytes === id ? 0 : 1);
}
