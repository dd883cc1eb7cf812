import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Duration } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { toMilliseconds } from "../../../src/runtime/duration.ts";
import { isTouchDue, lateRequestWindow } from "../../../src/services/timeouts.ts";
import type { SessionRecord } from "coatcheck/store";

test("durations are read as people say them", () => {
  const table: [Duration, number][] = [
    [{ days: 5 }, 432_000_000],
    [{ hours: 1, minutes: 30 }, 5_400_000],
    [{ minutes: 0.5 }, 30_000],
    [{ seconds: 1, milliseconds: 1 }, 1001],
    [{ days: 10_000 }, 864_000_000_000],
    [{ hours: 0, milliseconds: 1 }, 1],
    [{ days: undefined, hours: 1 } as unknown as Duration, 3_600_000],
  ];
  for (const [duration, milliseconds] of table) assert.equal(toMilliseconds(duration, "x"), milliseconds);
});

test("what is no duration is refused at the start, and the error names the option", () => {
  const bad: unknown[] = [
    3600,
    "1h",
    null,
    [],
    {},
    { days: 0 },
    { days: -1 },
    { days: Number.NaN },
    { days: Infinity },
    { days: "5" },
    { day: 5 },
    { weeks: 1 },
    { days: 10_001 },
    { milliseconds: 0.4 },
    { toString: 1 },
    { constructor: 1 },
  ];
  for (const option of [
    "idleTimeout",
    "absoluteTimeout",
    "permanentLifetime",
    "storeTimeout",
    "sweepInterval",
  ]) {
    for (const duration of bad) {
      assert.throws(
        () => createSessions({ secret: generateSecret(), store: memoryStore(), [option]: duration ?? 0 }),
        { name: "ConfigError", code: "CONFIG_INVALID", message: new RegExp(`^${option}`) },
        `${option}: ${JSON.stringify(duration)}`,
      );
    }
  }
});

test("the idle clock is due after a tenth of the idle timeout, or a minute if that is shorter", () => {
  const record = (idleTimeout: number): SessionRecord => ({ idleTimeout, lastSeenAt: 1000 }) as SessionRecord;
  for (const [idle, due] of [
    [3_600_000, 60_000],
    [600_000, 60_000],
    [60_000, 6000],
  ] as const) {
    assert.equal(isTouchDue(record(idle), 1000 + due - 1), false);
    assert.equal(isTouchDue(record(idle), 1000 + due), true);
  }
  assert.equal(lateRequestWindow, 60_000);
});
