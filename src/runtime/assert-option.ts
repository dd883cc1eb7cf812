import { ConfigError } from "../errors.ts";

/** @throws ConfigError CONFIG_INVALID with the message, if the condition is false. */
export function assertOption(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ConfigError("CONFIG_INVALID", message);
}
