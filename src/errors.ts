/**
 * What an operator or a programmer did wrong, as errors with a stable `code`.
 * What a stranger can cause is never an error: it is a value (see `Rejection`).
 * No message carries a ticket, a key, a cookie's value or session data.
 */

/** The codes of {@link ConfigError}: what is wrong with the options of a constructor. */
export type ConfigErrorCode = "CONFIG_INVALID" | "COOKIE_CONFIG_INVALID" | "SECRET_MISSING" | "SECRET_WEAK";

/** The codes of {@link MisuseError}: what is wrong with a call. */
export type MisuseErrorCode =
  | "AFTER_LOGOUT"
  | "AFTER_RESPONSE"
  | "COOKIE_INVALID"
  | "KEY_INVALID"
  | "NO_SESSION_HERE"
  | "RESPONSE_BYPASSED"
  | "SUBJECT_INVALID"
  | "VALUE_NOT_STORABLE";

/** The codes of {@link LimitError}: which limit a call would have passed. */
export type LimitErrorCode =
  | "COOKIE_TOO_LARGE"
  | "COOKIE_TOO_LONG_LIVED"
  | "FLASH_TOO_LONG"
  | "KEY_TOO_LONG"
  | "KEYS_TOO_MANY"
  | "SESSION_TOO_LARGE"
  | "VALUE_TOO_DEEP";

/** The codes of {@link StoreError}: what the store did. */
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

/** The base of every error this package throws; catch it to catch them all. */
export abstract class CoatcheckError extends Error {
  /** Stable across releases; match on this, never on the message. */
  abstract readonly code: string;
}

/** Thrown at construction when options are missing, weak or contradict each other. */
export class ConfigError extends CoatcheckError {
  override readonly name = "ConfigError";
  readonly code: ConfigErrorCode;

  constructor(code: ConfigErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Thrown by a call that can't mean anything: a value that can't be kept, a session whose response has left. */
export class MisuseError extends CoatcheckError {
  override readonly name = "MisuseError";
  readonly code: MisuseErrorCode;

  constructor(code: MisuseErrorCode, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Thrown by a call that would pass a limit; what was there before is untouched. */
export class LimitError extends CoatcheckError {
  override readonly name = "LimitError";
  readonly code: LimitErrorCode;

  constructor(code: LimitErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The store's operations, as {@link StoreError} names them. */
export type StoreOperation = "create" | "read" | "patch" | "list" | "sweep" | "close" | "open";

/**
 * Thrown when the store failed or did not answer in time. The session is then *unknown*: neither
 * logged in nor anonymous. Adapters answer 503 with Retry-After and leave the cookie alone.
 */
export class StoreError extends CoatcheckError {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;
  /** The call that failed. */
  readonly operation: StoreOperation;
  /** `true` when the same call may well succeed a little later. */
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

/** The error of a store for what it did not write so. */
export function unreadableRecord(operation: StoreOperation): StoreError {
  return new StoreError("RECORD_UNREADABLE", operation, "A record is damaged, or of an unknown format.", {
    transient: false,
  });
}
