import { packFields, unpackFields } from "./packed-fields.ts";
import { expiresAt } from "./record.ts";
import type { Fields, SessionRecord } from "./record.ts";

/** The columns of a record in an SQL table, beside its `id`. Times are integers: milliseconds since 1970 UTC. */
export const recordColumns = [
  "epoch",
  "revision",
  "verifier",
  "ticket_at",
  "subject",
  "created_at",
  "authenticated_at",
  "last_seen_at",
  "idle_timeout",
  "absolute_deadline",
  "permanent",
  "expires_at",
  "fields",
] as const;

/** A record as the values of one row. */
export type Row = Record<(typeof recordColumns)[number] | "id", string | number | Uint8Array | null>;

export function toRow(record: SessionRecord): Row {
  return {
    id: record.id,
    epoch: record.epoch,
    revision: record.revision,
    verifier: record.verifier,
    ticket_at: record.ticketAt,
    subject: record.subject,
    created_at: record.createdAt,
    authenticated_at: record.authenticatedAt,
    last_seen_at: record.lastSeenAt,
    idle_timeout: record.idleTimeout,
    absolute_deadline: record.absoluteDeadline,
    permanent: record.permanent ? 1 : 0,
    expires_at: expiresAt(record),
    fields: packFields(record.fields),
  };
}

/** The record of a row, or `undefined` when anything in it is not what `toRow` writes. */
export function fromRow(row: Readonly<Record<string, unknown>>): SessionRecord | undefined {
  const { fields: packed } = row;
  return fromColumns(row, packed instanceof Uint8Array ? unpackFields(packed) : undefined);
}

/** The same, for stores that keep fields in a way of their own. */
export function fromColumns(
  row: Readonly<Record<string, unknown>>,
  fields: Fields | undefined,
): SessionRecord | undefined {
  const { id, verifier, subject, authenticated_at: authenticatedAt, permanent } = row;
  const numbers = [
    "epoch",
    "revision",
    "ticket_at",
    "created_at",
    "last_seen_at",
    "idle_timeout",
    "absolute_deadline",
  ];
  const [epoch, revision, ticketAt, createdAt, lastSeenAt, idleTimeout, absoluteDeadline] = numbers.map(
    (name) => row[name],
  );
  if (
    typeof id !== "string" ||
    !(verifier instanceof Uint8Array && verifier.length === 32) ||
    !(subject === null || typeof subject === "string") ||
    !(authenticatedAt === null || typeof authenticatedAt === "number") ||
    !(permanent === 0 || permanent === 1) ||
    typeof epoch !== "number" ||
    typeof revision !== "number" ||
    typeof ticketAt !== "number" ||
    typeof createdAt !== "number" ||
    typeof lastSeenAt !== "number" ||
    typeof idleTimeout !== "number" ||
    typeof absoluteDeadline !== "number" ||
    fields === undefined
  ) {
    return undefined;
  }
  return {
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
    permanent: permanent === 1,
    fields,
  };
}
