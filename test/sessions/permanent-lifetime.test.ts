// A permanent session beside a model of it: whenever it is used, and however.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Duration, Session, Store } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { sqliteStore } from "coatcheck/sqlite";
import * as fc from "fast-check";
import { redisDoors, withoutRedis } from "../stores/redis-doors.ts";
import { home, Site } from "../support/site.ts";

const minute = 60_000;
const day = 24 * 60 * minute;

/** What a visit does. A page that fails is no use of the session. */
const uses = {
  read: { use: (session) => session.get("n") },
  write: { use: (session) => session.set("n", 1) },
  update: { use: (session) => session.update("n", () => 2) },
  flash: { use: (session) => session.flash("hello") },
  take: { use: (session) => session.takeFlashes() },
  rotate: { use: (session) => session.rotate() },
  "log in again": { use: (session) => session.login("leo"), restarts: true },
  fail: { use: (session) => session.set("n", 3), status: 500 },
  redirect: { use: (session) => session.set("n", 4), status: 303 },
} satisfies Record<
  string,
  { readonly use: (session: Session) => unknown; readonly status?: number; readonly restarts?: true }
>;
type UseName = keyof typeof uses;

interface Visit {
  readonly wait: number;
  readonly name: UseName;
  readonly closesBrowser: boolean;
}

const wait = fc.oneof(
  fc.integer({ min: 0, max: 2 * minute }),
  fc.integer({ min: 0, max: 3 * 60 * minute }),
  fc.integer({ min: 0, max: 12 * day }),
);
const visits: fc.Arbitrary<Visit[]> = fc.array(
  fc.record({
    wait,
    name: fc.constantFrom(...(Object.keys(uses) as UseName[])),
    closesBrowser: fc.boolean(),
  }),
  { minLength: 1, maxLength: 40 },
);
const lifetimes: fc.Arbitrary<[lifetime: number, absolute: number]> = fc.tuple(
  fc.oneof(fc.integer({ min: minute, max: 60 * minute }), fc.integer({ min: day, max: 40 * day })),
  fc.oneof(fc.integer({ min: 2 * minute, max: 3 * day }), fc.integer({ min: 20 * day, max: 400 * day })),
);

const stores: Readonly<
  Record<string, { open: () => Store | Promise<Store>; runs: number; skip?: string | false }>
> = {
  memory: { open: () => memoryStore(), runs: 150 },
  sqlite: { open: () => sqliteStore({ path: ":memory:" }), runs: 60 },
  redis: { open: () => redisDoors["node-redis"]()(), runs: 10, skip: withoutRedis },
};

for (const [kind, { open, runs, skip = false }] of Object.entries(stores)) {
  test(
    `[26][30] a permanent session ends when its model does, and its cookie then (${kind})`,
    { skip },
    async (t) => {
      await fc.assert(
        fc.asyncProperty(lifetimes, visits, async ([lifetime, absolute], plan) => {
          const ms = (milliseconds: number): Duration => ({ milliseconds });
          const over = await open();
          const options = { permanentLifetime: ms(lifetime), permanentAbsoluteTimeout: ms(absolute) };
          const site = new Site(t, { over, options });
          const visitor = site.visitor();
          await visitor.with(async (session) => {
            session.permanent = true;
            await session.login("leo");
          });
          let start = site.clock.now();
          let lastUse = start;
          // The clock is moved now and then, and the cookie is sent again now and then.
          const early = Math.min(lifetime / 10, minute);
          const lag = Math.min(lifetime / 10, 60 * minute);
          for (const { wait: silence, name, closesBrowser } of plan) {
            const held = visitor.ticket ?? "";
            site.clock.advance(silence);
            if (closesBrowser) visitor.jar.closeBrowser();
            const now = site.clock.now();
            const end = Math.min(lastUse + lifetime, start + absolute);
            const seen = await probe(site, held);
            if (now >= end) assert.equal(seen, undefined, "never late");
            if (now < end - early) assert.equal(seen, "leo", "never earlier than the clock is coarse");
            const isHeld = visitor.ticket !== undefined;
            if (now >= end + 1000) assert.equal(isHeld, false, "the browser keeps no cookie for longer");
            if (now < end - early - lag) assert.equal(isHeld, true, "the browser keeps the cookie as long");
            if (seen === undefined || !isHeld) break;
            const { use, ...how } = { status: 200, restarts: false, ...uses[name] };
            await visitor.with((session) => use(session), { status: how.status });
            if (how.status < 500) lastUse = now;
            if (how.restarts) start = now;
          }
          await over.close();
        }),
        { numRuns: runs },
      );
    },
  );
}

/** Whose session the ticket opens, seen without being used: by a page that fails. */
async function probe(site: Site, ticket: string): Promise<string | undefined> {
  let subject: string | undefined;
  const look = async (at: object): Promise<Response> => {
    ({ subject } = await site.sessions.of(at));
    return new Response(null, { status: 500 });
  };
  const cookie = `__Host-Http-session=${ticket}`;
  await site.visitor().sendQuietly(look, { url: home, cookie });
  return subject;
}
