import { hasSoundNumbers } from "../../record/record.ts";
import type { Patch, RecordColumns, SessionRecord } from "../../record/record.ts";
import { columnOrder, format } from "./scripts.ts";

/** What a command is made of. */
export type Argument = string | Uint8Array;

/** A record as the fields and values of its hash, in turn. */
export function toHash(record: SessionRecord): Argument[] {
  const columns = columnOrder.map((name) => columnText(record[name]));
  const hash: Argument[] = ["c", [format, ...columns].join(" "), "v", copied(record.verifier)];
  if (record.subject !== null) hash.push("s", record.subject);
  for (const [name, bytes] of record.fields) hash.push(hashField(name), copied(bytes));
  return hash;
}

/** The record in a hash: `null` for an empty one, `undefined` when anything in it is not what was written. */
export function fromHash(id: string, reply: unknown): SessionRecord | null | undefined {
  const hash = hashOf(reply);
  if (hash === undefined || hash.size === 0) return hash && null;
  const verifier = hash.get("v");
  const [found, ...words] = hash.get("c")?.toString("latin1").split(" ") ?? [];
  if (found !== format || words.length !== columnOrder.length || verifier?.length !== 32) return undefined;
  const numbers = words.map((word) => (word === "-" ? null : Number(word || Number.NaN)));
  const [epoch, revision, ticketAt, createdAt, authenticatedAt = null, lastSeenAt, ...rest] = numbers;
  const [idleTimeout, absoluteDeadline, permanent] = rest;
  if (
    typeof epoch !== "number" ||
    typeof revision !== "number" ||
    typeof ticketAt !== "number" ||
    typeof createdAt !== "number" ||
    typeof lastSeenAt !== "number" ||
    typeof idleTimeout !== "number" ||
    typeof absoluteDeadline !== "number"
  ) {
    return undefined;
  }
  const fields = new Map<string, Uint8Array>();
  for (const [name, bytes] of hash) if (name.startsWith(".")) fields.set(fieldOf(name), copied(bytes));
  const record: SessionRecord = {
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
  return hasSoundNumbers(record) ? record : undefined;
}

/** A hash as clients give it: fields and values in turn, or an object or a map of them. */
export function hashOf(reply: unknown): Map<string, Buffer> | undefined {
  if (typeof reply !== "object" || reply === null) return undefined;
  if (!Array.isArray(reply)) {
    return hashOf((reply instanceof Map ? [...reply] : Object.entries(reply)).flat());
  }
  const hash = new Map<string, Buffer>();
  for (let at = 0; at < reply.length; at += 2) {
    const value: unknown = reply[at + 1];
    // Text instead of bytes means a client that decodes: what is in it can't be trusted.
    if (!Buffer.isBuffer(value)) return undefined;
    hash.set(String(reply[at]), value);
  }
  return hash;
}

/** @internal What the script for patches takes, after its deadline; `indexed` is where the id was added to before. */
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

/** The field that a name in a hash stands for. */
export function fieldOf(name: string): string {
  return name.slice(1);
}

const changeable = columnOrder.filter((name) => name !== "revision");

/** Which columns change to what; "" for none. */
function columnsText(columns: Partial<RecordColumns>): string {
  if (changeable.every((name) => columns[name] === undefined)) return "";
  return changeable.map((name) => columnText(columns[name])).join(" ");
}

function marked(subject: string | null | undefined): string {
  if (subject === undefined) return "";
  return subject === null ? "-" : `=${subject}`;
}

/** A column's word: "-" for null, "=" for one that stays as it is. */
function columnText(value: number | boolean | null | undefined): string {
  if (value === undefined) return "=";
  if (value === null) return "-";
  return String(Number(value));
}

/** The caller's bytes may change before the client has sent them, and a reply's are a part of something larger. */
function copied(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes);
}
