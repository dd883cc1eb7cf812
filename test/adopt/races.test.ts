import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { Session, Sessions } from "coatcheck";
import { exploreInterleavings, pause } from "coatcheck/testing";
import { NewSite } from "./new-site.ts";

/** What one tab's request does, and on which of two servers. */
interface Tab {
  readonly server: 0 | 1;
  readonly act?: (session: Session) => Promise<unknown>;
  /** The Cookie header instead of the old cookie alone. */
  readonly cookie?: string;
}

interface Race {
  readonly site: NewSite;
  readonly servers: readonly [Sessions, Sessions];
  readonly cookie: string;
}

interface Plan {
  readonly tabs: readonly Tab[];
  /** Other things that happen at the same time. */
  readonly others?: readonly (() => Promise<unknown>)[];
  readonly verify: (
    seen: readonly (string | undefined)[],
    tickets: readonly (string | undefined)[],
  ) => Promise<void>;
}

/**
 * Tries every order of the calls to both stores, of requests that bring the same old cookie.
 *
 * @param step `"write"`: reads of our store are not apart from the write before them. Two requests with more than a dozen
 *   calls have too many orders otherwise.
 */
async function explore(
  t: TestContext,
  plan: (race: Race) => Promise<Plan> | Plan,
  step: "call" | "write" = "call",
): Promise<void> {
  const orders = await exploreInterleavings(async () => {
    const site = new NewSite(t);
    const store = {
      async read(id: string) {
        await pause();
        return site.old.store.read(id);
      },
      remove: site.old.store.remove,
    };
    const servers = [1, 2].map(() => site.adopting([site.express({ store })]));
    const race = {
      site,
      servers: servers as [Sessions, Sessions],
      cookie: site.old.keep("a", { user: "leo" }),
    };
    const { tabs, others = [], verify } = await plan(race);
    site.probe.around = async (call, run) => {
      if (step === "call" || call.operation !== "read") await pause();
      return run();
    };
    const seen: (string | undefined)[] = [];
    const tickets: (string | undefined)[] = [];
    return {
      actors: [
        ...tabs.map((tab, at) => async () => {
          const visitor = site.coming(race.cookie, servers[tab.server]);
          await visitor.with(
            async (session) => {
              seen[at] = session.subject;
              await tab.act?.(session);
            },
            tab.cookie === undefined ? {} : { cookie: tab.cookie },
          );
          tickets[at] = visitor.ticket;
        }),
        ...others.map((other) => async () => void (await other())),
      ],
      async verify() {
        site.probe.around = (_, run) => run();
        await verify(seen, tickets);
      },
    };
  });
  t.diagnostic(`${orders} orders`);
  assert.ok(orders > 10, `only ${orders} orders`);
}

/** Whether any of these opens a session, now or after a minute. */
async function assertNothingOpens(
  { site, servers, cookie }: Race,
  tickets: readonly (string | undefined)[],
): Promise<void> {
  for (const wait of [0, 61_000]) {
    site.clock.advance(wait);
    await servers[0].sweep();
    assert.equal(await site.coming(cookie, servers[0]).subject(), undefined, "the old cookie");
    for (const ticket of tickets) {
      if (ticket === undefined) continue;
      assert.equal(
        await site.visitor(servers[1]).subject({ cookie: `__Host-Http-session=${ticket}` }),
        undefined,
        "a ticket",
      );
    }
  }
  assert.deepEqual(await servers[0].list("leo"), []);
}

test("two first requests on two servers end in one session, in every order", async (t) => {
  await explore(
    t,
    ({ site, servers }) => ({
      tabs: [{ server: 0 }, { server: 1 }],
      async verify(seen, tickets) {
        assert.deepEqual(seen, ["leo", "leo"]);
        assert.ok(tickets[0] !== undefined && tickets[0] === tickets[1], "both got the same ticket");
        assert.equal((await servers[0].list("leo")).length, 1);
        assert.equal(
          await site.visitor(servers[1]).subject({ cookie: `__Host-Http-session=${tickets[0]}` }),
          "leo",
        );
      },
    }),
    "write",
  );
});

test("after a logout two requests at once open nothing, in every order", async (t) => {
  await explore(t, async ({ site, servers, cookie }) => {
    const visitor = site.coming(cookie, servers[0]);
    await visitor.subject();
    await visitor.with((session) => session.logout());
    site.old.keep("a", { user: "leo" });
    site.clock.advance(61_000);
    await servers[0].sweep();
    return {
      tabs: [{ server: 0 }, { server: 1 }],
      async verify(seen) {
        assert.deepEqual(seen, [undefined, undefined]);
        assert.deepEqual(await servers[0].list("leo"), []);
      },
    };
  });
});

test("a logout in one of two first requests is a logout of both, in every order", async (t) => {
  await explore(
    t,
    (race) => ({
      tabs: [{ server: 0, act: (session) => session.logout() }, { server: 1 }],
      verify: async (seen, tickets) => {
        assert.equal(seen[0], "leo");
        await assertNothingOpens(race, tickets);
      },
    }),
    "write",
  );
});

test("what ends all sessions of a subject while one is adopted ends that one, too, in every order", async (t) => {
  await explore(t, (race) => ({
    tabs: [{ server: 0 }],
    others: [() => race.servers[1].revokeAll("leo")],
    verify: async (_, tickets) => assertNothingOpens(race, tickets),
  }));
});

test("a logout that brings the old cookie along, while another tab is adopted with it, in every order", async (t) => {
  await explore(t, async (race) => {
    const { site, servers, cookie } = race;
    const visitor = site.visitor(servers[0]);
    await visitor.login("ada");
    return {
      tabs: [
        {
          server: 0,
          act: (session) => session.logout(),
          cookie: `${cookie}; __Host-Http-session=${visitor.ticket}`,
        },
        { server: 1 },
      ],
      verify: async (_, tickets) => assertNothingOpens(race, tickets),
    };
  });
});
