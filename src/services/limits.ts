import { ConfigError, LimitError } from "../errors.ts";

/**
 * How much one session may hold, however many requests write to it at once, on any number of nodes. Data that
 * would pass a limit is refused, and what was there stays; of too many messages, the oldest make room.
 */
export interface Limits {
  /** All data keys and values together, in bytes as stored. Default 65,536. */
  readonly bytes: number;
  /** How many data keys. Default 256. */
  readonly keys: number;
  /** A data key's length in UTF-16 units. Default 128. */
  readonly keyLength: number;
  /** How many objects may lie inside each other. Default 32, at most 256. */
  readonly depth: number;
  /** How many flash messages wait to be shown; the oldest make room for new ones. Default 32. */
  readonly flashes: number;
  /** A flash message's length in UTF-16 units. Default 2,000. */
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

/** @throws ConfigError CONFIG_INVALID for an unknown limit, or one that is not a whole number above zero. */
export function readLimits(options: Partial<Limits> = {}): Limits {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(defaults, name)) {
      throw new ConfigError(
        "CONFIG_INVALID",
        `limits.${name} is unknown; there are ${Object.keys(defaults).join(", ")}.`,
      );
    }
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 1)) {
      throw new ConfigError("CONFIG_INVALID", `limits.${name} must be a whole number above zero.`);
    }
    if (name === "depth" && value !== undefined && value > 256) {
      throw new ConfigError("CONFIG_INVALID", "limits.depth must be at most 256.");
    }
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return { ...defaults, ...given };
}

/** The error of a session that would hold more than it may. */
export function limitError(limit: "bytes" | "fields", { bytes, keys }: Limits): LimitError {
  return limit === "bytes"
    ? new LimitError(
        "SESSION_TOO_LARGE",
        `The session would hold more than ${bytes} bytes (limits.bytes). ` +
          "Keep large things in a database, and their id in the session.",
      )
    : new LimitError("KEYS_TOO_MANY", `The session would hold more than ${keys} keys (limits.keys).`);
}
