import { LimitError, MisuseError } from "../errors.ts";
import type { Limits } from "../services/limits.ts";

/** Checks a data key. @throws MisuseError KEY_INVALID; LimitError KEY_TOO_LONG */
export function checkKey(key: unknown, limits: Limits): void {
  if (typeof key !== "string" || key === "" || !key.isWellFormed() || /\p{Cc}/u.test(key)) {
    throw new MisuseError(
      "KEY_INVALID",
      "A session key must be a well-formed, non-empty string without control characters.",
    );
  }
  if (key === "__proto__") {
    throw new MisuseError("KEY_INVALID", 'A session key must not be "__proto__".');
  }
  if (key.length > limits.keyLength) {
    throw new LimitError(
      "KEY_TOO_LONG",
      `A session key must have at most ${limits.keyLength} characters (limits.keyLength).`,
    );
  }
}
