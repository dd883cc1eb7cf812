import { ConfigError } from "../errors.ts";

/**
 * A length of time: `{ days: 5 }`, `{ hours: 1, minutes: 30 }`. Parts add up.
 * A bare number is rejected, because it does not show its unit.
 */
export interface Duration {
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
  readonly milliseconds?: number;
}

const millisecondsPer: Readonly<Record<string, number>> = {
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1000,
  milliseconds: 1,
};

/**
 * Converts a duration to whole milliseconds, at least 1.
 *
 * @param option the name of the option, for errors.
 * @throws ConfigError CONFIG_INVALID if it is not a duration above zero, or longer than 10,000 days.
 *
 * @internal
 */
export function toMilliseconds(duration: Duration, option: string): number {
  const example = `write it like { days: 5 } or { minutes: 30 }`;
  // The type says object, but JavaScript callers and parsed configuration may pass anything.
  const input: unknown = duration;
  if (typeof input !== "object" || input === null) {
    throw new ConfigError("CONFIG_INVALID", `${option} must be a duration: ${example}.`);
  }
  let total = 0;
  for (const [unit, amount] of Object.entries(input)) {
    const factor = Object.hasOwn(millisecondsPer, unit) ? millisecondsPer[unit] : undefined;
    if (factor === undefined) {
      throw new ConfigError("CONFIG_INVALID", `${option} has an unknown unit "${unit}": ${example}.`);
    }
    if (amount === undefined) continue;
    if (typeof amount !== "number" || !Number.isFinite(amount) || amount < 0) {
      throw new ConfigError("CONFIG_INVALID", `${option}.${unit} must be a number of ${unit}, zero or more.`);
    }
    total += amount * factor;
  }
  total = Math.round(total);
  if (total < 1 || total > 10_000 * 86_400_000) {
    throw new ConfigError(
      "CONFIG_INVALID",
      `${option} must be longer than zero and at most 10,000 days: ${example}.`,
    );
  }
  return total;
}
