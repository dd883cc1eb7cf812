import { unreadableRecord } from "../../errors.ts";
import type { StoreOperation } from "../../errors.ts";
import type { Call } from "./batches.ts";

/** A JSON object returned by one of the store's SQL functions. */
export type Answer = Partial<Readonly<Record<string, unknown>>>;

/** Checks that a statement returned one answer for each of its calls. @throws StoreError RECORD_UNREADABLE */
export function answersTo(
  operation: StoreOperation,
  calls: readonly Call[],
  answers: unknown,
): readonly unknown[] {
  if (Array.isArray(answers) && answers.length === calls.length) return answers;
  throw unreadableRecord(operation);
}

/** Checks that an answer is an object. @throws StoreError RECORD_UNREADABLE */
export function objectOf(operation: StoreOperation, value: unknown): Answer {
  if (typeof value === "object" && value !== null) return value;
  throw unreadableRecord(operation);
}

export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
