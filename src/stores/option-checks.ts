import { ConfigError } from "../errors.ts";

/** @throws ConfigError CONFIG_INVALID with the message, if the condition is false. */
export function assertOption(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ConfigError("CONFIG_INVALID", message);
}

/** @throws ConfigError CONFIG_INVALID if the value is not a `durability`. */
export function assertDurability(value: unknown): asserts value is "normal" | "full" {
  assertOption(value === "normal" || value === "full", 'durability must be "normal" or "full".');
}
