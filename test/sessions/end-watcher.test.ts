import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Session, Sessions, SessionsOptions } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { CookieJar, probeStore, testClock } from "coatcheck/testing";
import type { StoreProbe, TestClock } from "coatcheck/testing";
import { handleLoudly } from "../support/loud.ts";

interface Place {
  readonly clock: TestClock;
  readonly probe: StoreProbe;
  /** The `sessions` objects of two processes on one store. */
  readonly here: Sessions;
  readonly there: Sessions;
  readonly visit: <T>(
    sessions: Sessions,
    action: (session: Session) => Promise<T>,
    jar?: CookieJar,
  ) => Promise<T>;
}

function place(options: Partial<SessionsOptions> = {}): Place {
  const clock = testClock();
  const probe = probeStore(memoryStore());
  const secret = generateSecret();
  const hub = (): Sessions =>
    createSessions({ secret, store: probe.store, clock, sweepInterval: false, ...options });
  const own = new CookieJar();
  return {
    clock,
    probe,
    here: hub(),
    there: hub(),
    async visit(sessions, action, jar = own) {
      const cookie = jar.header;
      const request = new Request("http://localhost/", { headers: cookie === undefined ? {} : { cookie } });
      const result: { value?: Awaited<ReturnType<typeof action>> } = {};
      const response = await handleLoudly(sessions, request, async () => {
        result.value = await action(await sessions.of(request));
        return new Response();
      });
      jar.take(response);
      return result.value as Awaited<ReturnType<typeof action>>;
    },
  };
}

/** Lets everything that was started by moving the clock come to its end. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const signalOf = async (session: Session): Promise<AbortSignal> => session.signal;

test("a session's signal fires at once when the session is logged out here", async () => {
  const { here, visit } = place();
  await visit(here, async (session) => session.login("ana"));
  const signal = await visit(here, signalOf);
  assert.equal(signal.aborted, false);
  await visit(here, async (session) => session.logout());
  assert.equal(signal.aborted, true);
});

test("it fires at once when the session is revoked here", async () => {
  const { here, visit } = place();
  await visit(here, async (session) => session.login("ana"));
  const signal = await visit(here, signalOf);
  await here.revokeAll("ana");
  assert.equal(signal.aborted, true);
});

test("it fires within the watch interval when the session is revoked in another process", async () => {
  const { clock, here, there, visit } = place();
  await visit(here, async (session) => session.login("ana"));
  const signal = await visit(here, signalOf);
  await there.revokeAll("ana");
  clock.advance(4499);
  await settled();
  assert.equal(signal.aborted, false);
  clock.advance(501);
  await settled();
  assert.equal(signal.aborted, true);
});

test("it fires when the session expires, and not while it is used", async () => {
  const { clock, here, visit } = place();
  await visit(here, async (session) => session.login("ana"));
  const signal = await visit(here, signalOf);
  for (let quarter = 0; quarter < 8; quarter++) {
    clock.advance(15 * 60_000);
    await settled();
    await visit(here, async (session) => session.get("anything"));
    assert.equal(signal.aborted, false);
  }
  clock.advance(60 * 60_000);
  await settled();
  await pass(clock, 5000, 1000);
  assert.equal(signal.aborted, true);
});

test("it outlives a rotation, and ends with another login", async () => {
  const { here, visit } = place();
  await visit(here, async (session) => session.login("ana"));
  const signal = await visit(here, signalOf);
  await visit(here, async (session) => session.rotate());
  assert.equal(signal.aborted, false);
  await visit(here, async (session) => session.login("ben"));
  assert.equal(signal.aborted, true);
});

test("it goes on while the store does not answer, and costs one read an interval however many hold it", async () => {
  const { clock, here, probe, visit } = place();
  await visit(here, async (session) => session.login("ana"));
  const signals = await Promise.all([visit(here, signalOf), visit(here, signalOf)]);
  probe.calls.length = 0;
  const { around } = probe;
  probe.around = async () => {
    throw new Error("down");
  };
  clock.advance(5000);
  await settled();
  assert.equal(probe.calls.length, 1);
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [false, false],
  );
  probe.around = around;
  await here.revokeAll("ana");
  assert.equal(signals[0]?.aborted, true);
  probe.calls.length = 0;
  clock.advance(60_000);
  await settled();
  assert.equal(probe.calls.length, 0, "nobody is watched any more");
});

/** Time goes by, step after step, and everything has its turn in each. */
async function pass(clock: TestClock, milliseconds: number, step = 1): Promise<void> {
  for (let at = 0; at < milliseconds; at += step) {
    clock.advance(step);
    await settled();
  }
}

/** Signals of so many sessions here, on a store that takes 5 ms for each read as soon as they are open. */
async function manySignals(
  count: number,
): Promise<{ readonly signals: AbortSignal[]; readonly most: () => number } & Place> {
  const at = place({ watchInterval: { seconds: 1 }, storeTimeout: { milliseconds: 500 } });
  const signals = await Promise.all(
    Array.from({ length: count }, async (_, number) =>
      at.visit(
        at.here,
        async (session) => {
          await session.login(`user ${number}`);
          return session.signal;
        },
        new CookieJar(),
      ),
    ),
  );
  let [underWay, most] = [0, 0];
  at.probe.around = async ({ operation }, run) => {
    if (operation !== "read") return run();
    most = Math.max(most, ++underWay);
    await new Promise<void>((resolve) => {
      at.clock.after(5, resolve);
    });
    underWay--;
    return run();
  };
  return { ...at, signals, most: () => most };
}

test("of two thousand signals on a store that takes 5 ms each fires within the interval, and no session is read much more than once in it", async () => {
  const { clock, there, probe, signals, most } = await manySignals(2000);
  const { around } = probe;
  probe.around = async (_, run) => run();
  await there.revokeAll("user 1999");
  await there.revokeAll("user 3");
  probe.around = around;
  probe.calls.length = 0;
  await pass(clock, 1000);
  assert.deepEqual(
    [signals[3]?.aborted, signals[1000]?.aborted, signals[1999]?.aborted],
    [true, false, true],
  );
  // At any moment of a round.
  for (const number of [10, 1990, 500, 1200]) {
    probe.around = async (_, run) => run();
    await there.revokeAll(`user ${number}`);
    probe.around = around;
    await pass(clock, 1000);
    assert.equal(signals[number]?.aborted, true, `user ${number}`);
    await pass(clock, 37);
  }
  const reads = probe.calls.filter(({ operation }) => operation === "read").length;
  assert.ok(reads < 2000 * 5.2 * 1.15, `${reads} reads in 5 intervals`);
  assert.ok(most() <= 128, `${most()} reads at a time`);
});

test("more than can be read in an interval are noticed within two rounds, and rounds do not overlap", async () => {
  const { clock, there, probe, signals } = await manySignals(1300);
  let [underWay, most, reads] = [0, 0, 0];
  const slow: typeof probe.around = async (_, run) => {
    most = Math.max(most, ++underWay);
    reads++;
    await new Promise<void>((resolve) => {
      clock.after(100, resolve);
    });
    underWay--;
    return run();
  };
  // A round takes 1.2 seconds: one read, and ten of 128 at a time.
  probe.around = slow;
  await pass(clock, 900 + 1200 + 700, 10);
  probe.around = async (_, run) => run();
  await there.revokeAll("user 1299");
  await there.revokeAll("user 3");
  probe.around = slow;
  await pass(clock, 2400, 10);
  assert.deepEqual([signals[3]?.aborted, signals[4]?.aborted, signals[1299]?.aborted], [true, false, true]);
  assert.ok(most <= 128, `${most} reads at a time`);
  assert.ok(reads > 1300 * 3 && reads < 1300 * 4, `${reads} reads in 5.2 seconds`);
});

test("a store that hangs is asked once an interval, and all are asked again when it answers", async () => {
  const { clock, there, probe, signals } = await manySignals(300);
  const { around } = probe;
  probe.around = async (_, run) => run();
  await there.revokeAll("user 7");
  probe.calls.length = 0;
  probe.around = async () => new Promise<never>(() => {});
  await pass(clock, 10_000, 10);
  assert.ok(probe.calls.length >= 10 && probe.calls.length <= 12, `${probe.calls.length} reads`);
  assert.equal(signals[7]?.aborted, false);
  probe.around = around;
  await pass(clock, 1000);
  assert.equal(signals[7]?.aborted, true);
  assert.equal(signals.filter(({ aborted }) => aborted).length, 1);
});

test("a store that fails now and then does not keep any session from being asked about", async () => {
  const { clock, there, probe, signals } = await manySignals(300);
  probe.around = async (_, run) => run();
  for (let at = 0; at < 300; at += 2) await there.revokeAll(`user ${at}`);
  let calls = 0;
  probe.around = async (_, run) => {
    if (++calls % 3 === 0) throw new Error("now and then");
    return run();
  };
  await pass(clock, 20_000, 100);
  const ended = signals.flatMap(({ aborted }, at) => (aborted ? at : []));
  assert.deepEqual(
    ended,
    Array.from({ length: 150 }, (_, at) => at * 2),
  );
});

test("a store that answers a hundred reads in each round comes round to all", async () => {
  const { clock, there, probe, signals } = await manySignals(300);
  probe.around = async (_, run) => run();
  for (let at = 0; at < 300; at += 2) await there.revokeAll(`user ${at}`);
  let [second, left] = [0, 0];
  probe.around = async (_, run) => {
    const now = Math.floor(clock.now() / 900);
    if (now !== second) [second, left] = [now, 100];
    if (left-- <= 0) throw new Error("no more");
    return run();
  };
  await pass(clock, 10_000, 100);
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    signals.map((_, at) => at % 2 === 0),
  );
});

test("a session that can't be read keeps no other from being asked about", async () => {
  const { clock, there, probe, signals } = await manySignals(10);
  probe.around = async (_, run) => run();
  for (let at = 1; at < 10; at++) await there.revokeAll(`user ${at}`);
  const id = (await there.list("user 0"))[0]?.id;
  probe.around = async (call, run) => {
    if (call.operation === "read" && call.id === id) throw new Error("this one");
    return run();
  };
  await pass(clock, 3000, 100);
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    signals.map((_, at) => at > 0),
  );
});

test("where there is no session the signal has fired already", async () => {
  const { here, visit } = place();
  assert.equal((await visit(here, signalOf)).aborted, true);
});

test("a request that came before a login does not end the signal of after it", async () => {
  const { here, visit } = place();
  await visit(here, async (session) => session.login("ana"));
  const [early, late] = await visit(here, async (session) => {
    await visit(here, async (other) => other.login("ana"));
    const after = await visit(here, signalOf);
    return [session.signal, after] as const;
  });
  assert.deepEqual([early.aborted, late.aborted], [true, false]);
  assert.equal(await visit(here, signalOf), late);
});
