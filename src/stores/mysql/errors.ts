import { StoreError } from "../../errors.ts";
import type { StoreErrorCode, StoreOperation } from "../../errors.ts";

type Fault = readonly [code: StoreErrorCode, transient: boolean, what: string];

const unreachable: Fault = ["STORE_UNAVAILABLE", true, "the database can't be reached"];
const lost: Fault = ["STORE_UNAVAILABLE", true, "the connection to the database was lost"];
const stopping: Fault = ["STORE_UNAVAILABLE", true, "the database is starting, stopping or stopped"];
const login: Fault = ["STORE_UNAVAILABLE", false, "the database refused the login"];
const closed: Fault = ["STORE_UNAVAILABLE", false, "the client was closed"];
const exhausted: Fault = ["STORE_BUSY", true, "the database has run out of memory or connections"];
const locked: Fault = ["STORE_BUSY", true, "another session kept the record or the table locked"];
const conflicts: Fault = ["STORE_BUSY", true, "other transactions kept conflicting with it"];
const noConnection: Fault = ["STORE_BUSY", true, "no connection became available in time"];
const timedOut: Fault = [
  "STORE_TIMEOUT",
  true,
  "the statement took too long, perhaps because of another session's lock",
];
const full: Fault = ["STORE_FULL", true, "the database's disk is full"];
const readOnly: Fault = ["STORE_READ_ONLY", true, "the database accepts no writes, like a replica"];
const privilege: Fault = ["STORE_FAILED", false, "the database user lacks a privilege"];
const missing: Fault = ["STORE_FAILED", false, "the table is missing or was changed"];
const tooLarge: Fault = ["STORE_FAILED", false, "the record exceeds max_allowed_packet"];
const failed: Fault = ["STORE_FAILED", false, "the database failed"];

/** Keyed by the number of the server's error. */
const serverFaults: ReadonlyMap<number, Fault> = new Map(
  (
    [
      [[1053, 1077, 1079, 1080, 1094], stopping],
      [[1043, 1152, 1158, 1159, 1160, 1161, 1184, 1189, 1190, 1927, 4031], lost],
      [[1044, 1045, 1130, 1251, 1396, 1524, 1698, 1820, 1862, 3118, 4151], login],
      [[1049], ["STORE_UNAVAILABLE", false, "there is no such database"]],
      [[1129], ["STORE_UNAVAILABLE", true, "the database blocks this machine after many failed connections"]],
      [[1037, 1038, 1040, 1041, 1135, 1203, 1206, 1226], exhausted],
      [[1205, 3572], locked],
      [[1020, 1213, 1479, 1614], conflicts],
      [[1028, 1317, 1907, 1969, 3024], timedOut],
      [[1021, 1114], full],
      [[1036, 1290, 1792, 1836], readOnly],
      [[1142, 1143, 1227, 1370], privilege],
      [[1054, 1136, 1146, 1364, 1932, 1937], missing],
      [[1153, 1301], tooLarge],
    ] satisfies [number[], Fault][]
  ).flatMap(([numbers, fault]) => numbers.map((number) => [number, fault] as const)),
);

/** Matched against the code and message of the drivers' own errors. */
const driverFaults: readonly (readonly [said: RegExp, fault: Fault])[] = [
  [/Pool is closed|ER_POOL_ALREADY_CLOSED|ER_CLOSING_POOL|closed state/, closed],
  [/No connections available|Queue limit reached|ER_GET_CONNECTION_TIMEOUT/, noConnection],
  [/ER_MAX_ALLOWED_PACKET/, tooLarge],
  [/ER_AUTHENTICATION|ER_NOT_SUPPORTED_AUTH|ER_CANNOT_RETRIEVE_RSA|AUTH_SWITCH|HANDSHAKE_/, login],
];

/** The faults of calls that the store itself stopped waiting for. */
export const faults = {
  noConnection,
  noAnswer: ["STORE_TIMEOUT", true, "the database did not answer in time"],
  late: ["STORE_TIMEOUT", true, "the statement came too late and was not executed"],
} as const satisfies Readonly<Record<string, Fault>>;

/** Makes the StoreError for a fault. */
export function storeError(operation: StoreOperation, fault: Fault, cause?: unknown): StoreError {
  const [code, transient, what] = fault;
  return new StoreError(code, operation, `The mysql store could not ${operation}: ${what}.`, {
    transient,
    cause,
  });
}

/** Converts what a driver threw into a StoreError that contains no data. */
export function asStoreError(operation: StoreOperation, thrown: unknown): StoreError {
  return thrown instanceof StoreError ? thrown : storeError(operation, faultOf(thrown), withoutData(thrown));
}

/** The number of an error that the server sent; `undefined` for the driver's own errors. */
function serverErrorNumber(thrown: unknown): number | undefined {
  const number = property(thrown, "errno");
  // Node's are negative, and those of `mariadb` itself begin at 45001.
  return typeof number === "number" && number > 0 && (number < 45_000 || number > 46_000)
    ? number
    : undefined;
}

/** Whether the server rolled the statement back in favor of another one, so that it can be sent again. */
export function lostToAnother(thrown: unknown): boolean {
  // A deadlock, and a record that changed while the statement waited for its lock (innodb_snapshot_isolation).
  return [1020, 1213].includes(serverErrorNumber(thrown) ?? 0);
}

/** Whether the error says that there is already a row with this primary key. */
export function isDuplicate(thrown: unknown): boolean {
  return [1062, 1586].includes(serverErrorNumber(thrown) ?? 0);
}

/** Whether the table or one of its columns is not there. */
export function isMissing(thrown: unknown): boolean {
  return serverFaults.get(serverErrorNumber(thrown) ?? 0) === missing;
}

/** Whether a connection broke on which a statement had been sent. Another connection may work. */
export function isConnectionLost(thrown: unknown): boolean {
  if (thrown instanceof StoreError) return false;
  const { code, transient } = asStoreError("read", thrown);
  return code === "STORE_UNAVAILABLE" && transient;
}

/** Whether the connection that reported an error can still be used. */
export function keepsConnection(thrown: unknown): boolean {
  if (serverErrorNumber(thrown) === undefined || property(thrown, "fatal") === true) return false;
  const fault = faultOf(thrown);
  // A server that became read-only usually has a successor, which a new connection may reach.
  return fault[0] !== "STORE_UNAVAILABLE" && fault !== readOnly && fault !== tooLarge;
}

function faultOf(thrown: unknown): Fault {
  const number = serverErrorNumber(thrown);
  if (number !== undefined) {
    const message = String(property(thrown, "message"));
    // The storage engine's own errors have one number, and the operating system's in their text: 28 is a full disk.
    if (/No space left|got error 28\b|\berrno: 28\b/i.test(message)) return full;
    if (number === 1290 && !/read.only/i.test(message)) return failed;
    const refused = String(property(thrown, "sqlState")).startsWith("22");
    return (
      serverFaults.get(number) ?? (refused ? ["STORE_FAILED", false, "the database refused a value"] : failed)
    );
  }
  const reason = reasonOf(thrown);
  if (reason !== undefined) return faultOf(reason);
  const said = `${String(property(thrown, "code"))} ${String(property(thrown, "message"))}`;
  const fault = driverFaults.find(([pattern]) => pattern.test(said))?.[1];
  const programming =
    thrown instanceof TypeError || thrown instanceof RangeError || thrown instanceof SyntaxError;
  return fault ?? (programming ? ["STORE_FAILED", false, "the client failed"] : unreachable);
}

/**
 * The error to keep as a cause. Drivers' errors contain the statement, and the server quotes parts of it or values in some
 * messages. Of its errors, only the number and its name are kept.
 */
function withoutData(thrown: unknown): Error {
  const reason = reasonOf(thrown);
  if (reason !== undefined) return withoutData(reason);
  const number = serverErrorNumber(thrown);
  const code = property(thrown, "code");
  const known = typeof code === "string" ? code : "unknown";
  // The message of `mariadb` ends with the statement.
  const message = number === undefined ? String(property(thrown, "message")).split("\n")[0] : known;
  const error = new Error(message);
  return Object.assign(error, {
    ...(code !== undefined && { code }),
    ...(number !== undefined && { errno: number }),
  });
}

/** Why the pool of `mariadb` could not open a connection. Its own error only says that it has none. */
function reasonOf(thrown: unknown): Error | undefined {
  return thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : undefined;
}

function property(
  thrown: unknown,
  name: "code" | "errno" | "fatal" | "message" | "sqlState",
): string | number | boolean | undefined {
  const value: unknown = thrown instanceof Error && name in thrown ? Reflect.get(thrown, name) : undefined;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? value
    : undefined;
}
