import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Session, Sessions, Store } from "coatcheck";
import type { Patch } from "coatcheck/store";
import { memoryStore } from "coatcheck/memory";
import { CookieJar } from "coatcheck/testing";
import { loud } from "../support/loud.ts";

// A handler may call several things of its session without waiting for each. What comes out must be what
// one after the other would give, however long the store takes over each call and each answer.

type Delays = (patch: Patch) => { readonly call?: number; readonly answer?: number };

const isSecurity = (patch: Patch): boolean => patch.columns?.epoch !== undefined;

const orders: Readonly<Record<string, Delays>> = {
  "at once": () => ({}),
  "data last": (patch) => ({ call: isSecurity(patch) ? 0 : 5 }),
  "security last": (patch) => ({ call: isSecurity(patch) ? 5 : 0 }),
  "security answered last": (patch) => ({ answer: isSecurity(patch) ? 5 : 0 }),
};

function place(delays: Delays): {
  sessions: Sessions;
  visit: <T>(action: (session: Session) => Promise<T>) => Promise<T>;
} {
  const records = memoryStore();
  const pass = (milliseconds = 0): Promise<unknown> =>
    new Promise((resolve) => {
      setTimeout(resolve, milliseconds);
    });
  const store: Store = {
    name: "slow",
    inProcess: true,
    create: (record) => records.create(record),
    read: (id, now) => records.read(id, now),
    async patch(id, patch, now) {
      const { call, answer } = delays(patch);
      await pass(call);
      const outcome = await records.patch(id, patch, now);
      await pass(answer);
      return outcome;
    },
    list: (subject, now) => records.list(subject, now),
    sweep: (now, limit) => records.sweep(now, limit),
    close: () => records.close(),
  };
  const sessions = createSessions({ secret: generateSecret(), store });
  const jar = new CookieJar();
  return {
    sessions,
    async visit(action) {
      const cookie = jar.header;
      const request = new Request("http://localhost/", { headers: cookie === undefined ? {} : { cookie } });
      let result: { value: Awaited<ReturnType<typeof action>> } | undefined;
      const response = await sessions.handle(
        request,
        async () => {
          result = { value: await action(await sessions.of(request)) };
          return new Response();
        },
        loud,
      );
      jar.take(response);
      assert.ok(result);
      return result.value;
    },
  };
}

for (const [order, delays] of Object.entries(orders)) {
  test(`a login stands beside an update of the same request (${order})`, async () => {
    const { visit } = place(delays);
    await visit(async (session) => session.set("n", 1));
    await visit(async (session) => {
      const [, told] = await Promise.all([
        session.login("leo"),
        session.update("n", (n) => Number(n ?? 0) + 1),
      ]);
      assert.equal(told, 1);
      assert.equal(session.get("n"), 1);
    });
    assert.deepEqual(await visit(async (session) => [session.subject, session.get("n")]), ["leo", 1]);
  });

  test(`a rotation stands beside an update and a login (${order})`, async () => {
    const { visit } = place(delays);
    await visit(async (session) => session.login("leo"));
    await visit(async (session) => {
      await Promise.all([
        session.update("n", () => 1),
        session.rotate(),
        session.login("leo"),
        session.update("n", (n) => Number(n) + 1),
      ]);
    });
    assert.deepEqual(await visit(async (session) => [session.subject, session.get("n")]), ["leo", 2]);
  });

  test(`a logout ends what a login beside it began, and an update brings nothing back (${order})`, async () => {
    const { sessions, visit } = place(delays);
    await visit(async (session) => session.login("leo"));
    await visit(async (session) => {
      const [, , told] = await Promise.all([
        session.login("leo"),
        session.logout(),
        session.update("n", () => 1),
      ]);
      assert.equal(told, undefined);
      assert.equal(session.id, undefined);
    });
    assert.deepEqual(await visit(async (session) => [session.subject, session.rejection]), [
      undefined,
      undefined,
    ]);
    assert.deepEqual(await sessions.list("leo"), []);
  });

  test(`two logouts and two logins at once are one each (${order})`, async () => {
    const { sessions, visit } = place(delays);
    await visit(async (session) => session.set("n", 1));
    await visit(async (session) => {
      await Promise.all([session.login("leo"), session.login("leo")]);
    });
    assert.equal((await sessions.list("leo")).length, 1);
    await visit(async (session) => {
      await Promise.all([session.logout(), session.logout()]);
      session.flash("Goodbye!");
    });
    assert.deepEqual(await visit(async (session) => session.takeFlashes()), [
      { message: "Goodbye!", category: "message" },
    ]);
  });
}
