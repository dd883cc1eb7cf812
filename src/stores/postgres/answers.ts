import { StoreError } from "../../errors.ts";
import type { StoreOperation } from "../../errors.ts";
import type { Call } from "./batches.ts";

/** What the server's functions answer: the time there, and what else there is to say. */
export type Answer = Partial<Readonly<Record<string, unknown>>>;

/** The answers of a statement, if there is one for each of its calls. */
export function answersTo(
  operation: StoreOperation,
  calls: readonly Call[],
  answers: unknown,
): readonly unknown[] {
  if (Array.isArray(answers) && answers.length === calls.length) return answers;
  throw unreadable(operation);
}

/** An answer with names in it. */
export function objectOf(operation: StoreOperation, value: unknown): Answer {
  if (typeof value === "object" && value !== null) return value;
  throw unreadable(operation);
}

export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

/** The error for what the functions did not write so. */
export function unreadable(operation: StoreOperation): StoreError {
  return new StoreError("RECORD_UNREADABLE", operation, "A record is damaged, or of an unknown format.", {
    transient: false,
  });
}
