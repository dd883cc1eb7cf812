import { ConfigError } from "../errors.ts";

/**
 * Rejects options that do not exist, since a misspelled option would otherwise be ignored silently.
 *
 * @param owner what takes the options, as the error should name it: `"limits"`.
 * @throws ConfigError CONFIG_INVALID that names the unknown option and the known ones.
 */
export function assertKnownOptions(options: object, known: readonly string[], owner: string): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new ConfigError(
    "CONFIG_INVALID",
    `${owner} has no option "${unknown}". Known options: ${known.join(", ")}.`,
  );
}

/** @throws ConfigError CONFIG_INVALID with the message, if the condition is false. */
export function assertOption(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ConfigError("CONFIG_INVALID", message);
}
