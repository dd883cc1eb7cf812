import { StoreError } from "../../errors.ts";
import type { StoreErrorCode, StoreOperation } from "../../errors.ts";

type Fault = readonly [code: StoreErrorCode, transient: boolean, what: string];

/** Keyed by SQLSTATE, or by its class, the first two characters. */
const serverFaults: Readonly<Record<string, Fault>> = {
  "08": ["STORE_UNAVAILABLE", true, "the connection to the database was lost"],
  "22": ["STORE_FAILED", false, "the database refused a value"],
  "25006": ["STORE_READ_ONLY", true, "the database accepts no writes, like a standby"],
  "28": ["STORE_UNAVAILABLE", false, "the database refused the login"],
  "3D000": ["STORE_UNAVAILABLE", false, "there is no such database"],
  "40": ["STORE_BUSY", true, "other transactions kept conflicting with it"],
  "42": ["STORE_FAILED", false, "the table or its functions are missing or were changed"],
  "42501": ["STORE_FAILED", false, "the database user lacks a privilege"],
  "53": ["STORE_BUSY", true, "the database has run out of memory or connections"],
  "53100": ["STORE_FULL", true, "the database's disk is full"],
  "55P03": ["STORE_BUSY", true, "another session kept the record or the table locked"],
  "57": ["STORE_UNAVAILABLE", true, "the database is starting, stopping or stopped"],
  "57014": ["STORE_TIMEOUT", true, "the statement was cancelled"],
  "58": ["STORE_UNAVAILABLE", true, "the database's disk failed"],
  XX001: ["STORE_FAILED", false, "the database is damaged"],
  XX002: ["STORE_FAILED", false, "the database is damaged"],
};

/** Matched against the code and message of the drivers' own errors, most of which have no code. */
const driverFaults: readonly (readonly [said: RegExp, fault: Fault])[] = [
  [/Query read timeout/, ["STORE_TIMEOUT", true, "the database did not answer in time"]],
  [/timeout exceeded when trying to connect/, ["STORE_BUSY", true, "no connection of the pool became free"]],
  [
    /after calling end|CONNECTION_ENDED|was closed and/,
    ["STORE_UNAVAILABLE", false, "the client was closed"],
  ],
];

const unreachable: Fault = ["STORE_UNAVAILABLE", true, "the database can't be reached"];

/** The faults of calls that the store itself stopped waiting for. */
export const faults = {
  noConnection: ["STORE_BUSY", true, "no connection of the pool became free"],
  noAnswer: ["STORE_TIMEOUT", true, "the database did not answer in time"],
  late: ["STORE_TIMEOUT", true, "the statement came too late and was not executed"],
} as const satisfies Readonly<Record<string, Fault>>;

/** Makes the StoreError for a fault. */
export function storeError(operation: StoreOperation, fault: Fault, cause?: unknown): StoreError {
  const [code, transient, what] = fault;
  return new StoreError(code, operation, `The postgres store could not ${operation}: ${what}.`, {
    transient,
    cause,
  });
}

/** Converts what a driver threw into a StoreError that contains no data. */
export function asStoreError(operation: StoreOperation, thrown: unknown): StoreError {
  if (thrown instanceof StoreError) return thrown;
  const state = sqlState(thrown);
  if (state !== undefined) {
    const fault = serverFaults[state] ??
      serverFaults[state.slice(0, 2)] ?? ["STORE_FAILED", false, "the database failed"];
    return storeError(operation, fault, withoutData(thrown));
  }
  const said = `${property(thrown, "code") ?? ""} ${property(thrown, "message") ?? ""}`;
  const fault = driverFaults.find(([pattern]) => pattern.test(said))?.[1];
  const programming =
    thrown instanceof TypeError || thrown instanceof RangeError || thrown instanceof SyntaxError;
  return storeError(
    operation,
    fault ?? (programming ? ["STORE_FAILED", false, "the client failed"] : unreachable),
    withoutData(thrown),
  );
}

/** The SQLSTATE of an error that the server or a pooler sent; `undefined` for the driver's own errors. */
export function sqlState(thrown: unknown): string | undefined {
  return property(thrown, "severity") === undefined ? undefined : property(thrown, "code");
}

/** Whether the server rolled the statement back in favor of another one, so that it can be sent again. */
export function lostToAnother(thrown: unknown): boolean {
  return ["40001", "40P01"].includes(sqlState(thrown) ?? "");
}

/** Whether the server rolled a batch back because of one of its calls, such as for a value it can't store. */
export function isCausedByOneCall(thrown: unknown): boolean {
  return /^(?:22|23|54|P0|XX)/.test(sqlState(thrown) ?? "");
}

/** Whether the connection or its server is gone. Another connection may work. */
export function isConnectionLost(thrown: unknown): boolean {
  const { code, transient } = asStoreError("read", thrown);
  return code === "STORE_UNAVAILABLE" && transient;
}

/** Whether the connection that reported an error can still be used. */
export function keepsConnection(thrown: unknown): boolean {
  const state = sqlState(thrown);
  // A server that became read-only usually has a successor, which a new connection may reach.
  return state !== undefined && property(thrown, "severity") === "ERROR" && state !== "25006";
}

/**
 * The error to keep as a cause. Drivers' errors contain the statement's parameters. The server quotes values
 * in its details, and also in the message if a value was at fault.
 */
function withoutData(thrown: unknown): Error {
  const code = property(thrown, "code");
  const [inner] = thrown instanceof AggregateError ? thrown.errors : [];
  const quotes = sqlState(thrown) !== undefined && /^(?:22|23|P0)/.test(code ?? "");
  const message = quotes
    ? "a value was refused"
    : (property(inner, "message") ?? property(thrown, "message") ?? "unknown");
  const error = new Error(message);
  return code === undefined ? error : Object.assign(error, { code });
}

function property(thrown: unknown, name: "code" | "message" | "severity"): string | undefined {
  const value: unknown =
    thrown instanceof Error && name in thrown
      ? Object.getOwnPropertyDescriptor(thrown, name)?.value
      : undefined;
  return typeof value === "string" && value !== "" ? value : undefined;
}
