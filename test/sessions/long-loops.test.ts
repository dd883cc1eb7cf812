// What goes over thousands of sessions must let everything else have its turn, also where the store answers at once.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Sessions, Store } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { sqliteStore } from "coatcheck/sqlite";
import { testClock } from "coatcheck/testing";
import type { TestClock } from "coatcheck/testing";
import { newId, recordOf } from "../support/records.ts";

/** How many turns others get while this goes on. */
async function turnsDuring<T>(
  work: () => Promise<T>,
): Promise<{ readonly turns: number; readonly answer: T }> {
  let [turns, isOver] = [0, false];
  const count = (): void => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const answer = await work();
  isOver = true;
  return { turns, answer };
}

const stores = { memory: () => memoryStore(), sqlite: () => sqliteStore({ path: ":memory:" }) };

for (const [kind, open] of Object.entries(stores)) {
  /** A `sessions` object whose store returns at once, and takes a millisecond of the clock for each read and patch; with records of a subject. */
  const start = async (
    count: number,
    subject: string | null,
  ): Promise<{ readonly sessions: Sessions; readonly clock: TestClock; readonly reads: () => number }> => {
    const clock = testClock();
    const store = open();
    let reads = 0;
    const laborious: Store = {
      name: store.name,
      inProcess: store.inProcess,
      create: (...args) => store.create(...args),
      read(...args) {
        clock.advance(1);
        reads++;
        return store.read(...args);
      },
      patch(...args) {
        clock.advance(1);
        return store.patch(...args);
      },
      list: (...args) => store.list(...args),
      sweep: (...args) => store.sweep(...args),
      close: () => store.close(),
    };
    const now = clock.now();
    const verifier = new Uint8Array(32).fill(1);
    const authenticatedAt = subject === null ? null : now;
    for (let at = 0; at < count; at++)
      await store.create(
        recordOf({ id: newId(), verifier, subject, authenticatedAt, absoluteDeadline: now + 1e9 }, now),
      );
    const sessions = createSessions({ secret: generateSecret(), store: laborious, clock });
    return { sessions, clock, reads: () => reads };
  };

  test(`revoking a thousand sessions lets others have a turn every few milliseconds (${kind})`, async () => {
    const { sessions } = await start(1000, "leo");
    const { turns, answer } = await turnsDuring(async () => sessions.revokeAll("leo"));
    assert.equal(answer, 1000);
    // Each takes two milliseconds here, and a slice five.
    assert.ok(turns >= 2000 / 6, `${turns} turns`);
  });

  test(`listing thousands of sessions lets others have a turn every few hundred (${kind})`, async () => {
    const { sessions } = await start(3000, "leo");
    const { turns, answer } = await turnsDuring(async () => sessions.list("leo"));
    assert.equal(new Set(answer.map(({ id }) => id)).size, 3000);
    assert.ok(turns >= 14, `${turns} turns`);
  });

  test(`a list that changes while it is read shows what is the subject's, and nothing twice (${kind})`, async () => {
    const { sessions } = await start(1000, "leo");
    const before = await sessions.list("leo");
    const listing = sessions.list("leo");
    // The first two hundred have been read by now.
    for (const { id } of before.slice(100, 900)) await sessions.revoke(id);
    const listed = (await listing).map(({ id }) => id);
    const left = [...before.slice(0, 200), ...before.slice(900)].map(({ id }) => id);
    assert.deepEqual(listed.toSorted(), left.toSorted());
  });

  test(`sweeping thousands of sessions lets others have a turn every few hundred (${kind})`, async () => {
    const { sessions, clock } = await start(3000, null);
    clock.advance(3_600_000);
    const { turns, answer } = await turnsDuring(async () => sessions.sweep());
    assert.equal(answer, 3000);
    assert.ok(turns >= 14, `${turns} turns`);
  });

  test(`asking about a thousand watched sessions lets others have a turn every few milliseconds (${kind})`, async () => {
    const { sessions, clock, reads } = await start(0, null);
    for (let at = 0; at < 1000; at++) {
      const request = new Request("http://localhost/");
      await sessions.handle(request, async () => {
        const session = await sessions.of(request);
        await session.login(`user ${at}`);
        assert.equal(session.signal.aborted, false);
        return new Response();
      });
    }
    const before = reads();
    const { turns } = await turnsDuring(async () => {
      clock.advance(5000);
      for (let turn = 0; turn < 2000 && reads() < before + 1000; turn++)
        await new Promise((resolve) => setImmediate(resolve));
    });
    assert.equal(reads(), before + 1000);
    assert.ok(turns >= 1000 / 6, `${turns} turns`);
  });
}
