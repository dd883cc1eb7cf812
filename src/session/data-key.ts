import { LimitError, MisuseError } from "../errors.ts";
import type { Limits } from "../services/limits.ts";

/** Checks what data is to be kept under. @throws MisuseError KEY_INVALID; LimitError KEY_TOO_LONG */
export function checkKey(key: unknown, limits: Limits): void {
  if (typeof key !== "string" || key === "" || !key.isWellFormed() || /\p{Cc}/u.test(key)) {
    throw new MisuseError(
      "KEY_INVALID",
      "A session's keys are non-empty strings without control characters.",
    );
  }
  if (key === "__proto__") {
    throw new MisuseError("KEY_INVALID", 'A session can\'t keep the key "__proto__".');
  }
  if (key.length > limits.keyLength) {
    throw new LimitError("KEY_TOO_LONG", `A session's keys have at most ${limits.keyLength} characters.`);
  }
}
