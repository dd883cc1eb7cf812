import { ConfigError } from "../errors.ts";

/** How much one session may hold. What would pass a limit is refused, and what was there stays. */
export interface Limits {
  /** All data keys and values together, in bytes as stored. Default 65,536. */
  readonly bytes: number;
  /** How many data keys. Default 256. */
  readonly keys: number;
  /** A data key's length in UTF-16 units. Default 128. */
  readonly keyLength: number;
  /** How many objects may lie inside each other. Default 32, at most 256. */
  readonly depth: number;
  /** How many flash messages may wait to be shown. Default 32. */
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
