import { expiresAt } from "../../core/record.ts";
import type { SessionRecord } from "../../core/record.ts";

/*
 * A record as a string of bytes: a character for each, which is what V8 keeps in the least memory. As an
 * object with its buffers and maps a record takes several times as much, and would have to be copied
 * whenever it comes in or goes out.
 *
 * expires at (6 bytes) | flags (1) | epoch (4) | revision (4) | times (5 x 8) | authenticated at (8) |
 * verifier (32) | subject (2 of length, UTF-8) | for each field its name (2 of length, UTF-8) and its
 * bytes (4 of length).
 */
const flag = { permanent: 1, subject: 2, authenticated: 4 } as const;
const expiryLength = 6;
const verifierLength = 32;
const headLength = expiryLength + 1 + 4 + 4 + 6 * 8 + verifierLength;

/** Packs a record; its id is left out. */
export function packRecord(record: SessionRecord): string {
  const names = Array.from(record.fields.keys(), (name) => Buffer.from(name));
  const subject = Buffer.from(record.subject ?? "");
  let length = headLength + 2 + subject.length;
  for (const name of names) length += 2 + name.length + 4;
  for (const bytes of record.fields.values()) length += bytes.length;
  const packed = Buffer.allocUnsafe(length);
  let at = packed.writeUIntBE(expiryOfRecord(record), 0, expiryLength);
  at = packed.writeUInt8(
    (record.permanent ? flag.permanent : 0) |
      (record.subject === null ? 0 : flag.subject) |
      (record.authenticatedAt === null ? 0 : flag.authenticated),
    at,
  );
  at = packed.writeUInt32BE(record.epoch, at);
  at = packed.writeUInt32BE(record.revision, at);
  for (const time of [
    record.ticketAt,
    record.createdAt,
    record.lastSeenAt,
    record.idleTimeout,
    record.absoluteDeadline,
    record.authenticatedAt ?? 0,
  ])
    at = packed.writeDoubleBE(time, at);
  packed.set(record.verifier, at);
  at = packed.writeUInt16BE(subject.length, at + verifierLength);
  packed.set(subject, at);
  at += subject.length;
  let field = 0;
  for (const bytes of record.fields.values()) {
    const name = names[field++] ?? subject;
    at = packed.writeUInt16BE(name.length, at);
    packed.set(name, at);
    at = packed.writeUInt32BE(bytes.length, at + name.length);
    packed.set(bytes, at);
    at += bytes.length;
  }
  return packed.toString("latin1");
}

/** A record of its own. */
export function unpackRecord(id: string, text: string): SessionRecord {
  const packed = Buffer.from(text, "latin1");
  const flags = packed.readUInt8(expiryLength);
  let at = expiryLength + 1 + 4 + 4;
  const time = (which: number): number => packed.readDoubleBE(at + which * 8);
  const columns = {
    id,
    epoch: packed.readUInt32BE(expiryLength + 1),
    revision: packed.readUInt32BE(expiryLength + 5),
    ticketAt: time(0),
    createdAt: time(1),
    lastSeenAt: time(2),
    idleTimeout: time(3),
    absoluteDeadline: time(4),
    authenticatedAt: (flags & flag.authenticated) === 0 ? null : time(5),
    permanent: (flags & flag.permanent) !== 0,
  };
  at += 6 * 8;
  const verifier = packed.subarray(at, at + verifierLength);
  const subjectEnd = at + verifierLength + 2 + packed.readUInt16BE(at + verifierLength);
  const subject =
    (flags & flag.subject) === 0 ? null : packed.toString("utf8", at + verifierLength + 2, subjectEnd);
  at = subjectEnd;
  const fields = new Map<string, Uint8Array>();
  while (at < packed.length) {
    const nameEnd = at + 2 + packed.readUInt16BE(at);
    const end = nameEnd + 4 + packed.readUInt32BE(nameEnd);
    fields.set(packed.toString("utf8", at + 2, nameEnd), packed.subarray(nameEnd + 4, end));
    at = end;
  }
  return { ...columns, verifier, subject, fields };
}

/** In whole milliseconds, and as large as fits in six bytes: the year 10889. */
function expiryOfRecord(record: SessionRecord): number {
  return Math.min(Math.max(0, Math.floor(expiresAt(record))), 2 ** (8 * expiryLength) - 1);
}

/** When a packed record expires, to the millisecond before; looked at without unpacking it. */
export function expiryOf(text: string): number {
  let expiry = 0;
  for (let at = 0; at < expiryLength; at++) expiry = expiry * 256 + text.charCodeAt(at);
  return expiry;
}
