import { isSoundRecord } from "../../record/record.ts";
import type { RecordColumns, SessionRecord } from "../../record/record.ts";
import type { Patch } from "../../record/patch.ts";
import { columnOrder, format } from "./scripts.ts";

/** An argument of a Redis command. */
export type Argument = string | Uint8Array;

/** A record as the alternating fields and values of its hash. */
export function toHash(record: SessionRecord): Argument[] {
  const columns = columnOrder.map((name) => columnText(record[name]));
  const hash: Argument[] = ["c", [format, ...columns].join(" "), "v", copied(record.verifier)];
  if (record.subject !== null) hash.push("s", record.subject);
  for (const [name, bytes] of record.fields) hash.push(hashField(name), copied(bytes));
  return hash;
}

/** The record in a hash: `null` if the hash is empty, `undefined` if any part of it is malformed. */
export function fromHash(id: string, reply: unknown): SessionRecord | null | undefined {
  const hash = hashOf(reply);
  if (hash === undefined || hash.size === 0) return hash && null;
  const verifier = hash.get("v");
  const [found, ...words] = hash.get("c")?.toString("latin1").split(" ") ?? [];
  if (found !== format || words.length !== columnOrder.length || verifier === undefined) return undefined;
  const numbers = words.map((word) => (word === "-" ? null : Number(word || Number.NaN)));
  const [epoch, revision, ticketAt, createdAt, authenticatedAt, lastSeenAt, ...rest] = numbers;
  const [idleTimeout, absoluteDeadline, permanent] = rest;
  const fields = new Map<string, Uint8Array>();
  for (const [name, bytes] of hash) if (name.startsWith(".")) fields.set(fieldOf(name), copied(bytes));
  const record = {
    id,
    epoch,
    revision,
    verifier: copied(verifier),
    ticketAt,
    subject: hash.get("s")?.toString() ?? null,
    createdAt,
    authenticatedAt,
    lastSeenAt,
    idleTimeout,
    absoluteDeadline,
    permanent: permanent === 1,
    fields,
  };
  return isSoundRecord(record) ? record : undefined;
}

/** Reads a hash as clients return it: alternating fields and values, an object or a map. */
export function hashOf(reply: unknown): Map<string, Buffer> | undefined {
  if (typeof reply !== "object" || reply === null) return undefined;
  if (!Array.isArray(reply)) {
    return hashOf((reply instanceof Map ? [...reply] : Object.entries(reply)).flat());
  }
  const hash = new Map<string, Buffer>();
  for (let at = 0; at < reply.length; at += 2) {
    const value: unknown = reply[at + 1];
    // Text means that the client decoded the bytes, which may have damaged them.
    if (!Buffer.isBuffer(value)) return undefined;
    hash.set(String(reply[at]), value);
  }
  return hash;
}

/** @internal The arguments of the patch script after the deadline. `indexed`: the subject's index that already has the id. */
export function patchArguments(
  patch: Patch,
  now: number,
  indexed: { readonly subject: string; readonly until: number } | undefined,
): Argument[] {
  const { columns = {}, expect = {}, retain, remove = [], set = new Map<string, Uint8Array>() } = patch;
  const expected = [...(expect.fields ?? [])];
  return [
    String(now),
    String(patch.epoch),
    expect.verifier === undefined ? "" : copied(expect.verifier),
    indexed === undefined ? "" : `=${indexed.subject}`,
    String(indexed?.until ?? 0),
    columns.verifier === undefined ? "" : copied(columns.verifier),
    marked(columns.subject),
    columnsText(columns),
    String(expected.length),
    String(retain?.length ?? -1),
    String(remove.length),
    String(set.size),
    limitsText(patch),
    patch.newest === undefined ? "" : `${patch.newest.count} ${hashField(patch.newest.prefix)}`,
    ...expected.flatMap(([name, bytes]) => [
      hashField(name),
      bytes === null ? "-" : Buffer.concat([equals, bytes]),
    ]),
    ...(retain ?? []).map(hashField),
    ...remove.map(hashField),
    ...Array.from(set, ([name, bytes]) => [hashField(name), copied(bytes)]).flat(),
  ];
}

const equals = Buffer.from("=");

function limitsText({ limits }: Patch): string {
  if (limits === undefined) return "";
  return `${limits.bytes} ${limits.fields} ${limits.countedAt ?? "-"} ${hashField(limits.prefix)}`;
}

function hashField(name: string): string {
  return `.${name}`;
}

/** The record's field that a field of the hash stands for. */
export function fieldOf(name: string): string {
  return name.slice(1);
}

const changeable = columnOrder.filter((name) => name !== "revision");

/** The new values of the columns, or "" if none changes. */
function columnsText(columns: Partial<RecordColumns>): string {
  if (changeable.every((name) => columns[name] === undefined)) return "";
  return changeable.map((name) => columnText(columns[name])).join(" ");
}

function marked(subject: string | null | undefined): string {
  if (subject === undefined) return "";
  return subject === null ? "-" : `=${subject}`;
}

/** A column's text: "-" for null, "=" for an unchanged one. */
function columnText(value: number | boolean | null | undefined): string {
  if (value === undefined) return "=";
  if (value === null) return "-";
  return String(Number(value));
}

/** Copies bytes: the caller may change its own before they are sent, and a reply's would keep a larger buffer in memory. */
function copied(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes);
}
