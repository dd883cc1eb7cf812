import { LimitError } from "../errors.ts";
import { assertKnownOptions, assertOption } from "../runtime/check-options.ts";

/**
 * How much one session may hold. The limits apply no matter how many requests write to it at the same time, on
 * any number of servers. Data that would exceed a limit is refused, and existing data stays. If there are too
 * many messages, the oldest are dropped.
 */
export interface Limits {
  /** The size of all data keys and values together, in bytes as stored. Default 65,536. */
  readonly bytes: number;
  /** The number of data keys. Default 256. */
  readonly keys: number;
  /** The length of a data key in UTF-16 units. Default 128. */
  readonly keyLength: number;
  /** How deeply objects may be nested in a value. Default 32, at most 256. */
  readonly depth: number;
  /** How many flash messages may wait to be shown; the oldest are dropped for new ones. Default 32. */
  readonly flashes: number;
  /** The length of a flash message, and of its category, in UTF-16 units. Default 2,000. */
  readonly flashLength: number;
}

const defaults: Limits = {
  bytes: 65_536,
  keys: 256,
  keyLength: 128,
  depth: 32,
  flashes: 32,
  flashLength: 2000,
};

/**
 * @throws ConfigError CONFIG_INVALID if a limit is unknown, is not a whole number above zero, or `depth` is over 256.
 */
export function readLimits(options: Partial<Limits> = {}): Limits {
  assertKnownOptions(options, Object.keys(defaults), "limits");
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    assertOption(
      Number.isSafeInteger(value) && value >= 1,
      `limits.${name} must be a whole number above zero.`,
    );
    assertOption(name !== "depth" || value <= 256, "limits.depth must be at most 256.");
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return { ...defaults, ...given };
}

/** Returns the error for a session that would exceed a limit. */
export function limitError(limit: "bytes" | "fields", { bytes, keys }: Limits): LimitError {
  return limit === "bytes"
    ? new LimitError(
        "SESSION_TOO_LARGE",
        `The session would hold more than ${bytes} bytes (limits.bytes). ` +
          "Keep large data in a database, and its id in the session.",
      )
    : new LimitError("KEYS_TOO_MANY", `The session would hold more than ${keys} keys (limits.keys).`);
}
