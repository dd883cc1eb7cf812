import { PackedFields } from "./fields.ts";
import { BinaryReader, BinaryWriter } from "./bytes.ts";
import { expiresAt, isSoundRecord, isWhole } from "../record.ts";
import type { SessionRecord } from "../record.ts";

/*
 * A record as one binary string, for stores that keep it in one piece. V8 stores such a string in the least
 * memory, and reading one needs no object for each part.
 *
 * format (1 byte) | flags (1) | epoch | revision | createdAt | ticketAt | lastSeenAt | authenticatedAt, if flagged |
 * idleTimeout | absoluteDeadline | verifier (32) | subject, if flagged | fields
 *
 * Numbers take as many bytes as they need, and times are relative to createdAt. If a time is not a whole number
 * or lies before createdAt (a clock was set back), all times are written as doubles (`exact`).
 */
const format = 2;
const flag = { permanent: 1, subject: 2, authenticated: 4, exact: 8 } as const;
const allFlags = flag.permanent | flag.subject | flag.authenticated | flag.exact;
const verifierLength = 32;

const writer = new BinaryWriter();

/** Packs a record without its id. */
export function packRecord(record: SessionRecord): string {
  writer.begin();
  const { subject, authenticatedAt, createdAt } = record;
  const later = [record.ticketAt, record.lastSeenAt, authenticatedAt ?? createdAt, record.absoluteDeadline];
  const isExact =
    !isWhole(record.idleTimeout) || !isWhole(createdAt) || later.some((time) => !isWhole(time - createdAt));
  writer.byte(format);
  writer.byte(
    (record.permanent ? flag.permanent : 0) |
      (subject === null ? 0 : flag.subject) |
      (authenticatedAt === null ? 0 : flag.authenticated) |
      (isExact ? flag.exact : 0),
  );
  writer.number(record.epoch);
  writer.number(record.revision);
  const time = (value: number, from: number): void => {
    if (isExact) writer.double(value);
    else writer.number(value - from);
  };
  time(createdAt, 0);
  time(record.ticketAt, createdAt);
  time(record.lastSeenAt, createdAt);
  if (authenticatedAt !== null) time(authenticatedAt, createdAt);
  time(record.idleTimeout, 0);
  time(record.absoluteDeadline, createdAt);
  writer.bytes(record.verifier);
  if (subject !== null) writer.text(subject);
  PackedFields.write(writer, record.fields);
  return writer.end();
}

/** Unpacks a record, or returns `undefined` if `packRecord` did not make the text. Fields are read when they are asked for. */
export function unpackRecord(id: string, text: string): SessionRecord | undefined {
  const reader = new BinaryReader(text);
  if (reader.byte() !== format) return undefined;
  const flags = reader.byte();
  if ((flags & ~allFlags) !== 0) return undefined;
  const epoch = reader.number();
  const revision = reader.number();
  const times = readTimes(reader, flags);
  const verifier = reader.bytes(verifierLength);
  const subject = (flags & flag.subject) === 0 ? null : reader.text();
  const fields = reader.isBroken ? undefined : PackedFields.read(reader);
  if (fields === undefined) return undefined;
  const record: SessionRecord = {
    id,
    epoch,
    revision,
    verifier,
    ticketAt: times.ticketAt,
    subject,
    createdAt: times.createdAt,
    authenticatedAt: times.authenticatedAt,
    lastSeenAt: times.lastSeenAt,
    idleTimeout: times.idleTimeout,
    absoluteDeadline: times.absoluteDeadline,
    permanent: (flags & flag.permanent) !== 0,
    fields,
  };
  // Otherwise all numbers are whole, or sums of two whole ones, and need no check.
  return (flags & flag.exact) !== 0 && !isSoundRecord(record) ? undefined : record;
}

/** Returns when a packed record expires. A sweep needs nothing else of it. */
export function packedExpiry(text: string): number {
  const reader = new BinaryReader(text);
  reader.skip(1);
  const flags = reader.byte();
  reader.number();
  reader.number();
  return expiresAt(readTimes(reader, flags));
}

type Times = Pick<
  SessionRecord,
  "createdAt" | "ticketAt" | "lastSeenAt" | "authenticatedAt" | "idleTimeout" | "absoluteDeadline"
>;

function readTimes(reader: BinaryReader, flags: number): Times {
  const isExact = (flags & flag.exact) !== 0;
  const next = (): number => (isExact ? reader.double() : reader.number());
  const createdAt = next();
  const from = isExact ? 0 : createdAt;
  return {
    createdAt,
    ticketAt: from + next(),
    lastSeenAt: from + next(),
    authenticatedAt: (flags & flag.authenticated) === 0 ? null : from + next(),
    idleTimeout: next(),
    absoluteDeadline: from + next(),
  };
}
