import { StoreError } from "../../errors.ts";
import type { StoreErrorCode, StoreOperation } from "../../errors.ts";

type Fault = readonly [code: StoreErrorCode, transient: boolean, what: string];

/** By SQLSTATE, or by its class of two characters. */
const serverFaults: Readonly<Record<string, Fault>> = {
  "08": ["STORE_UNAVAILABLE", true, "the connection to the database was lost"],
  "22": ["STORE_FAILED", false, "the database refused a value"],
  "25006": ["STORE_READ_ONLY", true, "the database takes no writes, as a standby does not"],
  "28": ["STORE_UNAVAILABLE", false, "the database refused the login"],
  "3D000": ["STORE_UNAVAILABLE", false, "there is no such database"],
  "40": ["STORE_BUSY", true, "other transactions kept coming first"],
  "42": ["STORE_FAILED", false, "the table or its functions are not as coatcheck made them"],
  "42501": ["STORE_FAILED", false, "the database's user lacks a right"],
  "53": ["STORE_BUSY", true, "the database has no more memory or connections to give"],
  "53100": ["STORE_FULL", true, "the database's disk is full"],
  "55P03": ["STORE_BUSY", true, "another session kept the record or the table locked"],
  "57": ["STORE_UNAVAILABLE", true, "the database is stopping, starting or was stopped"],
  "57014": ["STORE_TIMEOUT", true, "the statement was cancelled"],
  "58": ["STORE_UNAVAILABLE", true, "the database's disk did not do its work"],
  XX001: ["STORE_FAILED", false, "the database is damaged"],
  XX002: ["STORE_FAILED", false, "the database is damaged"],
};

/** By what the drivers say of themselves; they have no codes for most of it. */
const driverFaults: readonly (readonly [said: RegExp, fault: Fault])[] = [
  [/Query read timeout/, ["STORE_TIMEOUT", true, "the database did not answer in time"]],
  [/timeout exceeded when trying to connect/, ["STORE_BUSY", true, "no connection of the pool came free"]],
  [
    /after calling end|CONNECTION_ENDED|was closed and/,
    ["STORE_UNAVAILABLE", false, "the client was closed"],
  ],
];

const unreachable: Fault = ["STORE_UNAVAILABLE", true, "the database can't be reached"];

/** Where the store itself stopped waiting. */
export const faults = {
  noConnection: ["STORE_BUSY", true, "no connection of the pool came free"],
  noAnswer: ["STORE_TIMEOUT", true, "the database did not answer in time"],
  late: ["STORE_TIMEOUT", true, "the statement came too late to be carried out"],
} as const satisfies Readonly<Record<string, Fault>>;

/** A failure of the store as the error that says so. */
export function storeError(operation: StoreOperation, fault: Fault, cause?: unknown): StoreError {
  const [code, transient, what] = fault;
  return new StoreError(code, operation, `The postgres store could not ${operation}: ${what}.`, {
    transient,
    cause,
  });
}

/** What a driver threw, as an error without data in it. */
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

/** The SQLSTATE of an error that the server (or a pooler before it) sent; `undefined` for the driver's own. */
export function sqlState(thrown: unknown): string | undefined {
  return property(thrown, "severity") === undefined ? undefined : property(thrown, "code");
}

/** Whether the server undid the statement for the sake of another one, so that it may be sent again. */
export function lostToAnother(thrown: unknown): boolean {
  return ["40001", "40P01"].includes(sqlState(thrown) ?? "");
}

/** Whether the server undid a statement for what one of its calls brought or asked for, as values it can't hold. */
export function isOnesOwn(thrown: unknown): boolean {
  return /^(?:22|23|54|P0|XX)/.test(sqlState(thrown) ?? "");
}

/** Whether the connection, or the server behind it, went away; another connection may find one. */
export function isConnectionLost(thrown: unknown): boolean {
  const { code, transient } = asStoreError("read", thrown);
  return code === "STORE_UNAVAILABLE" && transient;
}

/** Whether the connection that an error came through is good for more. */
export function keepsConnection(thrown: unknown): boolean {
  const state = sqlState(thrown);
  // A server that turned read-only has a successor; whoever connects anew may find it.
  return state !== undefined && property(thrown, "severity") === "ERROR" && state !== "25006";
}

/**
 * The error that is kept as a cause. The drivers' own errors bring the statement's parameters, and the
 * server quotes values in its details, and where a value was at fault in its message.
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
