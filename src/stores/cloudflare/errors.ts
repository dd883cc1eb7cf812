import { ConfigError, StoreError } from "../../errors.ts";
import type { StoreErrorCode, StoreOperation } from "../../errors.ts";

type Fault = readonly [code: StoreErrorCode, transient: boolean, what: string];

/** Matched against messages, since D1 and Durable Objects have no codes. The first match counts. */
const faults: readonly (readonly [said: RegExp, fault: Fault])[] = [
  [
    /overloaded|queued for too long|too many requests/i,
    ["STORE_BUSY", true, "it has more requests than it can handle"],
  ],
  [/SQLITE_FULL|maximum DB size|is full/i, ["STORE_FULL", true, "the database is full"]],
  [/exceeded timeout|timed out/i, ["STORE_TIMEOUT", true, "the database took too long"]],
  [
    /network connection lost|caused object to be reset|code was updated|cannot resolve|internal error|isolate exceeded/i,
    ["STORE_UNAVAILABLE", true, "the database restarted or the connection to it was lost"],
  ],
  [/SQLITE_READONLY/, ["STORE_READ_ONLY", false, "the database can't be written to"]],
];

const failed: Fault = ["STORE_FAILED", false, "the database failed"];

/** The fault of a write that arrived when its caller had given up. */
export const late: Fault = ["STORE_TIMEOUT", true, "it came too late and was not executed"];

/** Makes the StoreError for a fault. @param store its name: "d1". */
export function storeError(
  store: string,
  operation: StoreOperation,
  fault: Fault,
  cause?: unknown,
): StoreError {
  const [code, transient, what] = fault;
  return new StoreError(code, operation, `The ${store} store could not ${operation}: ${what}.`, {
    transient,
    cause,
  });
}

/** Converts what a binding threw. D1 describes the reason in the cause of its error, and Durable Objects in properties. */
export function asStoreError(
  store: string,
  operation: StoreOperation,
  thrown: unknown,
): StoreError | ConfigError {
  if (thrown instanceof StoreError || thrown instanceof ConfigError) return thrown;
  const said = messageOf(thrown);
  const fault =
    faults.find(([pattern]) => pattern.test(said))?.[1] ??
    (has(thrown, "overloaded") ? faults[0]?.[1] : undefined) ??
    (has(thrown, "retryable") ? faults[3]?.[1] : undefined) ??
    failed;
  return storeError(store, operation, fault, thrown);
}

/** The message of an error, and that of its cause. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? `${thrown.message} ${thrown.cause.message}` : thrown.message;
}

/** Whether the runtime marked an error as worth another attempt. */
export function isRetryable(thrown: unknown): boolean {
  return has(thrown, "retryable") && !has(thrown, "overloaded");
}

function has(thrown: unknown, mark: "overloaded" | "retryable"): boolean {
  return (
    thrown instanceof Error && mark in thrown && Object.getOwnPropertyDescriptor(thrown, mark)?.value === true
  );
}
