import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Session, Sessions } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { CookieJar, probeStore, testClock } from "coatcheck/testing";
import type { StoreProbe, TestClock } from "coatcheck/testing";
import { loud } from "../support/loud.ts";

interface Place {
  readonly clock: TestClock;
  readonly probe: StoreProbe;
  /** Two processes' hubs on one store. */
  readonly here: Sessions;
  readonly there: Sessions;
  readonly visit: <T>(sessions: Sessions, action: (session: Session) => Promise<T>) => Promise<T>;
}

function place(): Place {
  const clock = testClock();
  const probe = probeStore(memoryStore());
  const secret = generateSecret();
  const hub = (): Sessions => createSessions({ secret, store: probe.store, clock, sweepInterval: false });
  const jar = new CookieJar();
  return {
    clock,
    probe,
    here: hub(),
    there: hub(),
    async visit(sessions, action) {
      const cookie = jar.header;
      const request = new Request("http://localhost/", { headers: cookie === undefined ? {} : { cookie } });
      const result: { value?: Awaited<ReturnType<typeof action>> } = {};
      const response = await sessions.handle(
        request,
        async () => {
          result.value = await action(await sessions.of(request));
          return new Response();
        },
        loud,
      );
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
  clock.advance(4999);
  await settled();
  assert.equal(signal.aborted, false);
  clock.advance(1);
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
  clock.advance(5000);
  await settled();
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
