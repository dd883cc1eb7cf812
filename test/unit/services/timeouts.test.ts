import assert from "node:assert/strict";
import { test } from "node:test";
import { isTouchDue, lateRequestWindow } from "../../../src/services/timeouts.ts";
import { recordOf } from "../../support/records.ts";

test("the idle clock is due after a tenth of the idle timeout, or a minute if that is shorter", () => {
  for (const [idle, due] of [
    [3_600_000, 60_000],
    [600_000, 60_000],
    [60_000, 6000],
  ] as const) {
    assert.equal(isTouchDue(recordOf({ idleTimeout: idle }, 1000), 1000 + due - 1), false);
    assert.equal(isTouchDue(recordOf({ idleTimeout: idle }, 1000), 1000 + due), true);
  }
  assert.equal(lateRequestWindow, 60_000);
});
