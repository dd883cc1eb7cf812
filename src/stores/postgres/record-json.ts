import { isSoundRecord } from "../../record/record.ts";
import type { RecordColumns, SessionRecord } from "../../record/record.ts";
import type { Patch } from "../../record/patch.ts";
import type { Fields } from "../../record/fields.ts";

/** A record as JSON for the SQL function `create`. */
export function recordText(record: SessionRecord): string {
  const { id, revision, fields, ...columns } = record;
  return JSON.stringify({ id, revision, ...columnsOf(columns), fields: fieldsOf(fields) });
}

/** A patch as JSON for the SQL function `patch`. Absent parts are left out. */
export function patchText(id: string, patch: Patch, now: number): string {
  const { epoch, expect, retain, remove, set, limits, newest, columns } = patch;
  return JSON.stringify({
    id,
    now,
    epoch,
    verifier: expect?.verifier && hex(expect.verifier),
    expect: expect?.fields && fieldsOf(expect.fields),
    retain,
    // `removed` must list a name once, even if the patch repeats it.
    remove: remove && [...new Set(remove)],
    set: set && fieldsOf(set),
    limits,
    newest,
    columns: columns && columnsOf(columns),
  });
}

/** The record in the JSON of `functions.ts`, or `undefined` if any part of it is malformed. */
export function recordFrom(row: unknown): SessionRecord | undefined {
  if (!isObject(row)) return undefined;
  const { id, epoch, revision, verifier, subject, permanent, fields: texts } = row;
  if (typeof verifier !== "string" || !isObject(texts) || (permanent !== 0 && permanent !== 1))
    return undefined;
  const fields = new Map<string, Uint8Array>();
  for (const [name, text] of Object.entries(texts)) {
    if (typeof text !== "string") return undefined;
    fields.set(name, Buffer.from(text, "base64"));
  }
  const record = {
    id,
    epoch,
    revision,
    verifier: Buffer.from(verifier, "hex"),
    ticketAt: row["ticket_at"],
    subject,
    createdAt: row["created_at"],
    authenticatedAt: row["authenticated_at"],
    lastSeenAt: row["last_seen_at"],
    idleTimeout: row["idle_timeout"],
    absoluteDeadline: row["absolute_deadline"],
    permanent: permanent === 1,
    fields,
  };
  return isSoundRecord(record) ? record : undefined;
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

/** Canonical base64, so that texts are equal exactly if their bytes are. */
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
