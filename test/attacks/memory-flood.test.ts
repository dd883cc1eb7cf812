import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "coatcheck/memory";
import { Site } from "../support/site.ts";

test("[102] a flood of anonymous sessions fills the memory store to its limit, and logs nobody out", async (t) => {
  const site = new Site(t, { over: memoryStore({ maxRecords: 100 }) });
  const members = await Promise.all(
    Array.from({ length: 50 }, async (_, at) => {
      const visitor = site.visitor();
      await visitor.login(`member-${at}`);
      return visitor;
    }),
  );
  for (let at = 0; at < 5000; at++) await site.visitor().with((session) => session.set("x", at));
  assert.equal((await site.probe.records()).length, 100);
  for (const [at, member] of members.entries()) assert.equal(await member.subject(), `member-${at}`);
});

test("[102] of the anonymous, whoever was active last stays longest", async (t) => {
  const site = new Site(t, { over: memoryStore({ maxRecords: 10 }) });
  const active = site.visitor();
  await active.with((session) => session.set("n", 0));
  for (let at = 1; at <= 100; at++) {
    await site.visitor().with((session) => session.set("x", at));
    await active.with((session) => session.set("n", at));
  }
  assert.equal(await active.with((session) => session.get("n")), 100);
});

test("[102] when all are logged in, the one that was written to least recently goes", async (t) => {
  const site = new Site(t, { over: memoryStore({ maxRecords: 3 }) });
  const visitors = [];
  for (const subject of ["a", "b", "c"]) {
    const visitor = site.visitor();
    await visitor.login(subject);
    visitors.push(visitor);
  }
  await visitors[0]?.with((session) => session.set("x", 1));
  await site.visitor().login("d");
  const seen = [];
  for (const visitor of visitors) seen.push(await visitor.subject());
  assert.deepEqual(seen, ["a", undefined, "c"]);
  assert.deepEqual(await site.sessions.list("b"), []);
});

for (const { capacity, members } of [
  { capacity: 1000, members: 500 },
  { capacity: 10, members: 8 },
]) {
  for (const isVisitorFirst of [false, true]) {
    const after = isVisitorFirst ? " after a page as a stranger each" : "";
    test(`[102] one account that logs in ${2 * capacity} times${after} logs nobody else out of a store of ${capacity}`, async (t) => {
      const site = new Site(t, { over: memoryStore({ maxRecords: capacity }) });
      const visitors = [];
      for (let at = 0; at < members; at++) {
        const visitor = site.visitor();
        await visitor.login(`member-${at}`);
        visitors.push(visitor);
      }
      const crowd = [];
      for (let at = 0; at < 2 * capacity; at++) {
        const visitor = site.visitor();
        if (isVisitorFirst) await visitor.with((session) => session.set("x", at));
        await visitor.login("crowd");
        crowd.push(visitor);
        // The first of the crowd is in use all the time.
        await crowd[0]?.with((session) => session.set("x", at));
      }
      for (const [at, visitor] of visitors.entries()) assert.equal(await visitor.subject(), `member-${at}`);
      const subjects = [];
      for (const visitor of crowd) subjects.push(await visitor.subject());
      const left = subjects.filter((subject) => subject === "crowd").length;
      assert.equal(left, capacity - members);
      const newest = [
        ...Array<undefined>(2 * capacity - left).fill(undefined),
        ...Array<string>(left - 1).fill("crowd"),
      ];
      assert.deepEqual(subjects.slice(1), newest, "of its sessions the last that were used are left");
      assert.equal(subjects[0], "crowd");
    });
  }
}

test("[102] what has expired makes room before anybody who has not", async (t) => {
  const site = new Site(t, { over: memoryStore({ maxRecords: 3 }), options: { sweepInterval: false } });
  const away = site.visitor();
  await away.login("away");
  site.clock.advance(3_600_000);
  const stranger = site.visitor();
  await stranger.with((session) => session.set("x", 1));
  await site.visitor().login("a");
  await site.visitor().login("b");
  assert.equal(await stranger.with((session) => session.get("x")), 1);
  await site.visitor().login("c");
  assert.equal(await stranger.with((session) => session.get("x")), undefined);
});

test("[102] the limit must be a whole number above zero", () => {
  for (const maxRecords of [0, -1, 1.5, Number.NaN, Infinity, "10" as unknown as number]) {
    assert.throws(() => memoryStore({ maxRecords }), { code: "CONFIG_INVALID" });
  }
});
