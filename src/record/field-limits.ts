import { eachLength } from "./fields.ts";
import { encodeUtf8 } from "../runtime/binary-string.ts";
import type { SessionRecord } from "./record.ts";
import type { Fields } from "./fields.ts";

/**
 * How much a record's fields of one kind may hold in total. A patch that leaves more than that is refused,
 * unless it leaves no more than before: a record stored under higher limits can still be made smaller.
 */
export interface FieldLimits {
  /** The prefix of these fields' names. */
  readonly prefix: string;
  /** The size of their names, in UTF-8, and values. */
  readonly bytes: number;
  /** The number of fields. */
  readonly fields: number;
  /** The revision at which the caller has already counted. If the record still has it, it need not be counted again. */
  readonly countedAt?: number | undefined;
}

/** How many fields of one kind may remain: those whose names sort last, by their bytes in UTF-8. */
export interface NewestFields {
  /** The prefix of these fields' names. */
  readonly prefix: string;
  readonly count: number;
}

/** The total size and number of fields. */
export interface FieldTotal {
  readonly bytes: number;
  readonly fields: number;
}

/** Returns how many bytes a field counts towards its limit. @param length the length of its value. */
export function sizeOf(name: string, length: number): number {
  return encodeUtf8(name).length + length;
}

/** Returns which limit would be exceeded, if any. @param before the total now. */
export function passed(
  after: FieldTotal,
  limits: FieldTotal,
  before: FieldTotal,
): "bytes" | "fields" | undefined {
  if (after.bytes > limits.bytes && after.bytes > before.bytes) return "bytes";
  return after.fields > limits.fields && after.fields > before.fields ? "fields" : undefined;
}

/** Returns which limit a record would exceed with these fields, if any. */
export function passedLimit(
  record: SessionRecord,
  fields: Fields,
  limits: FieldLimits | undefined,
): "bytes" | "fields" | undefined {
  if (limits === undefined || limits.countedAt === record.revision) return undefined;
  const { prefix } = limits;
  return passed(totalOf(fields, prefix), limits, totalOf(record.fields, prefix));
}

/** Returns the total of the fields whose names begin with `prefix`. */
export function totalOf(all: Fields, prefix: string): FieldTotal {
  let [bytes, fields] = [0, 0];
  eachLength(all, (name, length) => {
    if (!name.startsWith(prefix)) return;
    bytes += sizeOf(name, length);
    fields++;
  });
  return { bytes, fields };
}

/** Returns the names of the fields to remove, so that only the newest remain. */
export function beyondNewest(fields: Fields, { prefix, count }: NewestFields): string[] {
  const names: string[] = [];
  eachLength(fields, (name) => {
    if (name.startsWith(prefix)) names.push(name);
  });
  if (names.length <= count) return [];
  return names.toSorted(byBytes).slice(0, names.length - count);
}

/** Compares by the bytes of UTF-8, as databases do; JavaScript compares UTF-16 units. */
function byBytes(one: string, other: string): number {
  const [left, right] = [encodeUtf8(one), encodeUtf8(other)];
  return left === right ? 0 : left < right ? -1 : 1;
}
