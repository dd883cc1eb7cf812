import { packFields, unpackFields } from "../../core/packed-fields.ts";
import { expiresAt } from "../../core/record.ts";
import type { SessionRecord } from "../../core/record.ts";

/*
 * A record as a string of bytes: a character for each, which is what V8 keeps in the least memory. As an
 * object with its buffers and maps a record takes several times as much, and would have to be copied
 * whenever it comes in or goes out.
 *
 * expires at (6 bytes) | flags (1) | epoch (4) | revision (4) | times (5 x 8) | authenticated at (8) |
 * verifier (32) | subject (2 of length, UTF-8) | fields, as `packFields` packs them.
 */
const flag = { permanent: 1, subject: 2, authenticated: 4 } as const;
const expiryLength = 6;
const verifierLength = 32;
const timesAt = expiryLength + 1 + 4 + 4;
const verifierAt = timesAt + 6 * 8;
/** As far as the subject's length. */
const headLength = verifierAt + verifierLength + 2;

/** Packs a record; its id is left out. */
export function packRecord(record: SessionRecord): string {
  const subject = Buffer.from(record.subject ?? "");
  const head = Buffer.allocUnsafe(headLength);
  let at = head.writeUIntBE(expiryOfRecord(record), 0, expiryLength);
  at = head.writeUInt8(
    (record.permanent ? flag.permanent : 0) |
      (record.subject === null ? 0 : flag.subject) |
      (record.authenticatedAt === null ? 0 : flag.authenticated),
    at,
  );
  at = head.writeUInt32BE(record.epoch, at);
  at = head.writeUInt32BE(record.revision, at);
  for (const time of [
    record.ticketAt,
    record.createdAt,
    record.lastSeenAt,
    record.idleTimeout,
    record.absoluteDeadline,
    record.authenticatedAt ?? 0,
  ])
    at = head.writeDoubleBE(time, at);
  head.set(record.verifier, at);
  head.writeUInt16BE(subject.length, at + verifierLength);
  return Buffer.concat([head, subject, packFields(record.fields)]).toString("latin1");
}

/** A record of its own. */
export function unpackRecord(id: string, text: string): SessionRecord {
  const packed = Buffer.from(text, "latin1");
  const flags = packed.readUInt8(expiryLength);
  const time = (which: number): number => packed.readDoubleBE(timesAt + which * 8);
  const subjectEnd = headLength + packed.readUInt16BE(headLength - 2);
  const fields = unpackFields(packed.subarray(subjectEnd));
  if (fields === undefined) throw new TypeError("What was packed here is never damaged.");
  return {
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
    verifier: packed.subarray(verifierAt, verifierAt + verifierLength),
    subject: (flags & flag.subject) === 0 ? null : packed.toString("utf8", headLength, subjectEnd),
    fields,
  };
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
