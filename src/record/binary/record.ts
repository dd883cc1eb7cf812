import { PackedFields } from "./fields.ts";
import { BinaryReader, BinaryWriter } from "./bytes.ts";
import type { StringPool } from "./bytes.ts";
import { isSoundRecord, isWhole } from "../record.ts";
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

const packer = new BinaryWriter();

/**
 * Packs a record without its id.
 *
 * @param shared the pool for strings that many records contain.
 */
export function packRecord(record: SessionRecord, shared?: StringPool): string {
  packer.begin();
  writeRecord(packer, record, shared);
  return packer.end();
}

/** As `packRecord`, but appends to a writer. */
export function writeRecord(writer: BinaryWriter, record: SessionRecord, shared?: StringPool): void {
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
  PackedFields.write(writer, record.fields, shared);
}

/**
 * Returns the record in a text, or `undefined` if `packRecord` did not write it. Its fields are read from the
 * text when they are asked for.
 *
 * @param at where in the text the record begins; it extends to the end.
 */
export function unpackRecord(
  id: string,
  text: string,
  at = 0,
  shared?: StringPool,
): SessionRecord | undefined {
  const reader = new BinaryReader(text, at);
  if (reader.byte() !== format) return undefined;
  const flags = reader.byte();
  if ((flags & ~allFlags) !== 0) return undefined;
  const isExact = (flags & flag.exact) !== 0;
  const epoch = reader.number();
  const revision = reader.number();
  const createdAt = isExact ? reader.double() : reader.number();
  const from = isExact ? 0 : createdAt;
  const ticketAt = from + (isExact ? reader.double() : reader.number());
  const lastSeenAt = from + (isExact ? reader.double() : reader.number());
  const isAuthenticated = (flags & flag.authenticated) !== 0;
  const authenticatedAt = isAuthenticated ? from + (isExact ? reader.double() : reader.number()) : null;
  const idleTimeout = isExact ? reader.double() : reader.number();
  const absoluteDeadline = from + (isExact ? reader.double() : reader.number());
  const verifier = reader.bytes(verifierLength);
  const subject = (flags & flag.subject) === 0 ? null : reader.text();
  const fields = reader.isBroken ? undefined : PackedFields.read(reader, shared);
  if (fields === undefined) return undefined;
  const record = {
    id,
    epoch,
    revision,
    verifier,
    ticketAt,
    subject,
    createdAt,
    authenticatedAt,
    lastSeenAt,
    idleTimeout,
    absoluteDeadline,
    permanent: (flags & flag.permanent) !== 0,
    fields,
  };
  // Otherwise all numbers are whole, or sums of two whole ones, and need no check.
  return isExact && !isSoundRecord(record) ? undefined : record;
}
