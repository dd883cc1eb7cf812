import { unreadableRecord } from "../../errors.ts";
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
  throw unreadableRecord(operation);
}

/** An answer with names in it. */
export function objectOf(operation: StoreOperation, value: unknown): Answer {
  if (typeof value === "object" && value !== null) return value;
  throw unreadableRecord(operation);
}

export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
