/*
 * Errors are for mistakes of operators and programmers; each has a stable `code`. What a stranger can
 * cause is never an error but a value (see `Rejection`). No message contains a ticket, a key, a cookie's
 * value or session data.
 */

/** The codes of {@link ConfigError}: what is wrong with the options. */
export type ConfigErrorCode = "CONFIG_INVALID" | "COOKIE_CONFIG_INVALID" | "SECRET_MISSING" | "SECRET_WEAK";

/** The codes of {@link MisuseError}: what is wrong with a call. */
export type MisuseErrorCode =
  | "AFTER_LOGOUT"
  | "AFTER_RESPONSE"
  | "COOKIE_INVALID"
  | "KEY_INVALID"
  | "NO_SESSION_HERE"
  | "RESPONSE_BYPASSED"
  | "SESSION_ENDED"
  | "SUBJECT_INVALID"
  | "VALUE_NOT_STORABLE";

/** The codes of {@link LimitError}: which limit a call would have exceeded. */
export type LimitErrorCode =
  | "COOKIE_TOO_LARGE"
  | "COOKIE_TOO_LONG_LIVED"
  | "FLASH_TOO_LONG"
  | "KEY_TOO_LONG"
  | "KEYS_TOO_MANY"
  | "SESSION_TOO_LARGE"
  | "VALUE_TOO_DEEP";

/** The codes of {@link StoreError}: what went wrong in the store. */
export type StoreErrorCode =
  | "RECORD_UNREADABLE"
  | "STORE_BUSY"
  | "STORE_CONTENDED"
  | "STORE_FAILED"
  | "STORE_FULL"
  | "STORE_NOT_REPLICATED"
  | "STORE_READ_ONLY"
  | "STORE_TIMEOUT"
  | "STORE_UNAVAILABLE";

/** The base class of every error this package throws; catch it to catch them all. */
export abstract class CoatcheckError extends Error {
  /** Stable across releases. Match on this, never on the message. */
  abstract readonly code: string;
}

/** Thrown if options are missing, not valid, weak or contradict each other. */
export class ConfigError extends CoatcheckError {
  override readonly name = "ConfigError";
  readonly code: ConfigErrorCode;

  constructor(code: ConfigErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Thrown by a call that can't work: for example, to set a value that can't be stored, or after the response has left.
 */
export class MisuseError extends CoatcheckError {
  override readonly name = "MisuseError";
  readonly code: MisuseErrorCode;

  constructor(code: MisuseErrorCode, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Thrown by a call that would exceed a limit. Existing data is unchanged. */
export class LimitError extends CoatcheckError {
  override readonly name = "LimitError";
  readonly code: LimitErrorCode;

  constructor(code: LimitErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The names of the store's operations in {@link StoreError}. */
export type StoreOperation = "create" | "read" | "patch" | "list" | "sweep" | "close" | "open";

/**
 * Thrown if the store failed or did not answer in time. The session is then *unknown*: neither
 * logged in nor anonymous. Adapters respond with 503 and Retry-After, and leave the cookie unchanged.
 */
export class StoreError extends CoatcheckError {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;
  /** The call that failed. */
  readonly operation: StoreOperation;
  /** `true` if the same call may succeed a little later. */
  readonly transient: boolean;

  constructor(
    code: StoreErrorCode,
    operation: StoreOperation,
    message: string,
    options: { readonly transient: boolean; readonly cause?: unknown },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.operation = operation;
    this.transient = options.transient;
  }
}

/** Reports a record in a form that this store did not write. */
export function unreadableRecord(operation: StoreOperation): StoreError {
  return new StoreError("RECORD_UNREADABLE", operation, "A record is damaged or has an unknown format.", {
    transient: false,
  });
}
