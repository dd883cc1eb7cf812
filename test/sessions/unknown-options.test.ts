import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions } from "coatcheck";
import type { SessionsOptions } from "coatcheck";
import { memoryStore } from "coatcheck/memory";

/** Options of `createSessions` with one misspelled name, and what the error must say about it. */
const misspelled: Record<string, readonly [object, RegExp]> = {
  createSessions: [{ idleTimeuot: { hours: 1 } }, /^createSessions has no option "idleTimeuot"\./],
  limits: [{ limits: { byte: 1 } }, /^limits has no option "byte"\. Known options: bytes, keys, .*\.$/],
  crossOrigin: [
    { crossOrigin: { strcit: true } },
    /^crossOrigin has no option "strcit"\. Known options: origins, .*, strict\.$/,
  ],
  developmentWarnings: [
    { developmentWarnings: { otherKeys: true } },
    /^developmentWarnings has no option "otherKeys"\. Known options: .*, otherKey, .*\.$/,
  ],
};

for (const [owner, [options, message]] of Object.entries(misspelled)) {
  test(`a misspelled option of ${owner} is refused with its name and the known ones`, () => {
    assert.throws(
      () =>
        createSessions({ secret: undefined, store: memoryStore(), ...(options as Partial<SessionsOptions>) }),
      { name: "ConfigError", code: "CONFIG_INVALID", message },
    );
  });
}
