import { hasSoundNumbers } from "../../record/record.ts";
import type { RecordColumns, SessionRecord } from "../../record/record.ts";
import type { Patch } from "../../record/patch.ts";
import type { Fields } from "../../record/fields.ts";

/** A record as the text that the function `create` takes. */
export function recordText(record: SessionRecord): string {
  const { id, revision, fields, ...columns } = record;
  return JSON.stringify({ id, revision, ...columnsOf(columns), fields: fieldsOf(fields) });
}

/** A patch as one of those that the function `patch` takes. What it does not say is left out. */
export function patchText(id: string, patch: Patch, now: number): string {
  const { epoch, expect, retain, remove, set, limits, newest, columns } = patch;
  return JSON.stringify({
    id,
    now,
    epoch,
    verifier: expect?.verifier && hex(expect.verifier),
    expect: expect?.fields && fieldsOf(expect.fields),
    retain,
    // A name that stands there twice can be removed once.
    remove: remove && [...new Set(remove)],
    set: set && fieldsOf(set),
    limits,
    newest,
    columns: columns && columnsOf(columns),
  });
}

/** The record of an answer, or `undefined` when it is not what these functions write. */
export function recordFrom(found: unknown): SessionRecord | undefined {
  if (!isObject(found)) return undefined;
  const { verifier, fields, ...others } = found;
  if (typeof verifier !== "string" || !isObject(fields)) return undefined;
  const bytes = new Map<string, Uint8Array>();
  for (const [name, text] of Object.entries(fields)) {
    if (typeof text !== "string") return undefined;
    bytes.set(name, Buffer.from(text, "base64"));
  }
  return fromColumns({ ...others, verifier: Buffer.from(verifier, "hex") }, bytes);
}

/** The record of these columns, or `undefined` when anything in them is not what was written. */
function fromColumns(
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
  const record: SessionRecord = {
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
  return hasSoundNumbers(record) ? record : undefined;
}

function columnsOf(columns: Partial<RecordColumns>): Record<string, unknown> {
  return {
    epoch: columns.epoch,
    verifier: columns.verifier && hex(columns.verifier),
    ticket_at: columns.ticketAt,
    subject: columns.subject,
    created_at: columns.createdAt,
    authenticated_at: columns.authenticatedAt,
    last_seen_at: columns.lastSeenAt,
    idle_timeout: columns.idleTimeout,
    absolute_deadline: columns.absoluteDeadline,
    permanent: columns.permanent,
  };
}

/** Base64 in its one spelling, so that bytes are the same exactly when their texts are. */
function fieldsOf(fields: Fields | ReadonlyMap<string, Uint8Array | null>): Record<string, string | null> {
  return Object.fromEntries(
    Array.from(fields, ([name, bytes]) => [name, bytes && asBuffer(bytes).toString("base64")]),
  );
}

function hex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString("hex");
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
