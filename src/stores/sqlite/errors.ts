import { ConfigError, StoreError } from "../../errors.ts";
import type { StoreErrorCode, StoreOperation } from "../../errors.ts";

export type Fault = readonly [code: StoreErrorCode, transient: boolean, what: string];

export const failed: Fault = ["STORE_FAILED", false, "the database failed"];

const faults: Readonly<Record<number, Fault>> = {
  5: ["STORE_BUSY", true, "another process kept the database locked"],
  6: ["STORE_BUSY", true, "another transaction kept the database locked"],
  8: ["STORE_READ_ONLY", false, "the database can't be written to"],
  10: ["STORE_UNAVAILABLE", true, "the disk failed"],
  11: ["STORE_FAILED", false, "the database file is damaged"],
  13: ["STORE_FULL", true, "the disk is full"],
  21: ["STORE_FAILED", false, "the database was closed"],
  26: ["STORE_FAILED", false, "the file is not an SQLite database"],
};

export function asStoreError(
  operation: StoreOperation,
  cause: unknown,
  other: Fault = operation === "open" ? ["STORE_UNAVAILABLE", false, "check the path"] : failed,
): StoreError | ConfigError {
  if (cause instanceof StoreError || cause instanceof ConfigError) return cause;
  const [code, transient, what] = faults[resultCode(cause)] ?? other;
  return new StoreError(code, operation, `The sqlite store could not ${operation}: ${what}.`, {
    transient,
    cause,
  });
}

/** SQLite's primary result code (the low byte) of an error of `node:sqlite`, or 0. */
export function resultCode(error: unknown): number {
  const code: unknown = error instanceof Error && "errcode" in error ? error.errcode : 0;
  return typeof code === "number" ? code & 0xff : 0;
}

/** Whether an error is SQLITE_BUSY or SQLITE_LOCKED. */
export function isBusy(error: unknown): boolean {
  return [5, 6].includes(resultCode(error));
}
