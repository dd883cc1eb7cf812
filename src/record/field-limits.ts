import { eachLength } from "./fields.ts";
import { encodeUtf8 } from "../runtime/binary-string.ts";
import type { SessionRecord } from "./record.ts";
import type { Fields } from "./fields.ts";

/**
 * How much a record's fields of one kind may hold, all together. A patch that leaves more than that is
 * refused, unless it leaves no more than there was: what was stored under wider limits can be made smaller.
 */
export interface FieldLimits {
  /** What the names of these fields begin with. */
  readonly prefix: string;
  /** Their names, in UTF-8, and their bytes. */
  readonly bytes: number;
  /** How many they are. */
  readonly fields: number;
  /** At which revision the caller has counted by itself. A record that still has it need not be counted again. */
  readonly countedAt?: number | undefined;
}

/** How many fields of one kind may be left: those whose names come last, by their bytes in UTF-8. */
export interface NewestFields {
  /** What the names of these fields begin with. */
  readonly prefix: string;
  readonly count: number;
}

/** How much there is of fields. */
export interface FieldTotal {
  readonly bytes: number;
  readonly fields: number;
}

/** What a field takes of its limit, in bytes. @param length that of its value. */
export function sizeOf(name: string, length: number): number {
  return encodeUtf8(name).length + length;
}

/** Which limit would be passed, if any. @param before what there is now. */
export function passed(
  after: FieldTotal,
  limits: FieldTotal,
  before: FieldTotal,
): "bytes" | "fields" | undefined {
  if (after.bytes > limits.bytes && after.bytes > before.bytes) return "bytes";
  return after.fields > limits.fields && after.fields > before.fields ? "fields" : undefined;
}

/** Which limit a record would pass with these fields. */
export function passedLimit(
  record: SessionRecord,
  fields: Fields,
  limits: FieldLimits | undefined,
): "bytes" | "fields" | undefined {
  if (limits === undefined || limits.countedAt === record.revision) return undefined;
  const { prefix } = limits;
  return passed(totalOf(fields, prefix), limits, totalOf(record.fields, prefix));
}

/** How much there is of the fields whose names begin like this. */
export function totalOf(all: Fields, prefix: string): FieldTotal {
  let [bytes, fields] = [0, 0];
  eachLength(all, (name, length) => {
    if (!name.startsWith(prefix)) return;
    bytes += sizeOf(name, length);
    fields++;
  });
  return { bytes, fields };
}

/** The names of the fields that make room. */
export function beyondNewest(fields: Fields, { prefix, count }: NewestFields): string[] {
  const names: string[] = [];
  eachLength(fields, (name) => {
    if (name.startsWith(prefix)) names.push(name);
  });
  if (names.length <= count) return [];
  return names.toSorted(byBytes).slice(0, names.length - count);
}

/** Not as JavaScript orders texts: by the bytes of UTF-8, as databases do. */
function byBytes(one: string, other: string): number {
  const [left, right] = [encodeUtf8(one), encodeUtf8(other)];
  return left === right ? 0 : left < right ? -1 : 1;
}
