import assert from "node:assert/strict";
import { exploreOverlap } from "./overlap.ts";
import type { Overlap } from "./overlap.ts";
import type { RaceSetting, RaceSite } from "./race-site.ts";

/** A race: requests that overlap, and what must hold in every order of the store's calls and the responses. */
export interface Race {
  /** Begins with its number in the README's table: `S1` to `S8`, and `F` for flash messages. */
  readonly name: string;
  /** Tries every order. @returns the number of orders. @throws AssertionError if a check fails in one of them. */
  check(setting: RaceSetting): Promise<number>;
}

function race(name: string, overlaps: readonly Overlap[]): Race {
  return {
    name,
    async check(setting) {
      let orders = 0;
      for (const overlap of overlaps) orders += await exploreOverlap(setting, overlap);
      return orders;
    },
  };
}

const begun = ["/set-a"];
const loggedIn = ["/login", "/set-b"];
const readsAndWrites = ["/read", "/set-a", "/increment", "/flash", "/take", "/push"];

function assertSetsNoCookie(responses: ReadonlyMap<string, Response>, path: string): void {
  assert.deepEqual(responses.get(path)?.headers.getSetCookie(), [], `${path} sets no cookie`);
}

/*
 * Not covered: the maintenance of a session, in which a request that only reads occasionally writes and sends its
 * cookie; a response with a cookie that a login's response overtakes on the network, since nothing can recall it;
 * and browsers without a cookie, since nothing shows that two of their requests belong together.
 */

/** The races that a session library must handle. Run each on every store, through every adapter. */
export const races: readonly Race[] = [
  race(
    "S1 a read-only request overlaps a write: the write survives, the reader writes nothing and sends no cookie",
    [
      {
        before: ["/login", "/set-b"],
        tabs: [["/set-a"], ["/read"]],
        async verify(site, responses) {
          const writes = site.probe.calls.filter(({ operation }) => operation !== "read");
          assert.equal(writes.length, 1, "only the writer writes");
          assertSetsNoCookie(responses, "/read");
          assert.deepEqual((await site.state()).data, { a: "A", b: "B" });
        },
      },
    ],
  ),

  race("S2 two writers of different keys overlap: both survive", [
    {
      before: ["/login"],
      tabs: [["/set-a"], ["/set-b"]],
      verify: async (site) => assert.deepEqual((await site.state()).data, { a: "A", b: "B" }),
    },
    {
      before: ["/login", "/begin-list"],
      tabs: [["/push"], ["/set-b"]],
      verify: async (site) => assert.deepEqual((await site.state()).data, { list: ["pushed"], b: "B" }),
    },
  ]),

  race("S3 two writers update the same key: both are applied, and each gets its own result", [
    {
      before: ["/login"],
      tabs: [["/increment"], ["/increment"]],
      async verify(site, responses) {
        assert.equal((await site.state()).data.n, 2);
        const results = await Promise.all(Array.from(responses.values(), (response) => response.text()));
        assert.deepEqual(results.toSorted(), ["1", "2"]);
      },
    },
  ]),

  race(
    "S4 a request in progress overlaps a logout: the session stays ended, late writes are dropped, no cookie is set",
    [
      ...readsAndWrites.map((path) => ({
        before: [...loggedIn, "/flash"],
        tabs: [["/logout"], [path]],
        async verify(site: RaceSite, responses: ReadonlyMap<string, Response>, cookie: string | undefined) {
          assertSetsNoCookie(responses, path);
          assert.equal(site.jar.header, undefined, "the browser holds no cookie");
          assert.deepEqual((await site.state(cookie)).data, {}, "the old cookie opens nothing");
          assert.equal((await site.state(cookie)).subject, undefined);
          assert.deepEqual(await site.probe.store.list(site.subject, site.clock.now()), []);
          assert.equal(
            await site.fieldsLeft(cookie),
            0,
            "nothing late was written to what is left of the record",
          );
        },
      })),
      ...readsAndWrites.map((path) => ({
        before: loggedIn,
        tabs: [["/logout", "/login"], [path]],
        async verify(site: RaceSite, responses: ReadonlyMap<string, Response>) {
          assertSetsNoCookie(responses, path);
          assert.deepEqual(
            await site.state(),
            { subject: site.subject, data: {} },
            "the next login stands, and is clean",
          );
        },
      })),
      {
        before: loggedIn,
        tabs: [["/logout"], ["/rotate"]],
        async verify(site, _, cookie) {
          // Either cookie may arrive last. If it is the rotation's, it opens nothing.
          for (const sent of [site.jar.header, cookie]) {
            assert.equal((await site.state(sent)).subject, undefined, "whichever was faster");
          }
          assert.deepEqual(await site.probe.store.list(site.subject, site.clock.now()), []);
        },
      },
    ],
  ),

  race("S5 a request in progress overlaps a login: the login stands, the late response sets no cookie", [
    ...readsAndWrites.map((path) => ({
      before: begun,
      tabs: [["/login"], [path]],
      async verify(site: RaceSite, responses: ReadonlyMap<string, Response>, cookie: string | undefined) {
        assertSetsNoCookie(responses, path);
        assert.deepEqual(
          await site.state(),
          { subject: site.subject, data: {} },
          "nothing anonymous crosses the login",
        );
        assert.equal((await site.state(cookie)).subject, undefined, "the ticket from before opens nothing");
      },
    })),
    {
      before: begun,
      tabs: [["/login"], ["/login"]],
      verify: async (site) => assert.equal((await site.state()).subject, site.subject),
    },
    ...readsAndWrites.map((path) => ({
      before: ["/login"],
      tabs: [["/rotate"], [path]],
      async verify(site: RaceSite, responses: ReadonlyMap<string, Response>) {
        assertSetsNoCookie(responses, path);
        assert.equal(
          (await site.state()).subject,
          site.subject,
          "the new ticket of a rotation stands as well",
        );
      },
    })),
    {
      before: loggedIn,
      tabs: [["/rotate"], ["/rotate"]],
      verify: async (site) =>
        assert.deepEqual(await site.state(), { subject: site.subject, data: { b: "B" } }),
    },
  ]),

  race("S6 the handler fails after login or logout: both stand and their cookie is sent; data is not kept", [
    ...["/login-fail", "/login-500"].map((path) => ({
      before: begun,
      tabs: [[path], ["/read"]],
      async verify(site: RaceSite, responses: ReadonlyMap<string, Response>) {
        assert.equal(responses.get(path)?.status, 500);
        assert.equal(responses.get(path)?.headers.getSetCookie().length, 1);
        assert.deepEqual(await site.state(), { subject: site.subject, data: {} });
      },
    })),
    ...["/logout-fail", "/logout-500"].map((path) => ({
      before: loggedIn,
      tabs: [[path], ["/read"]],
      async verify(site: RaceSite, responses: ReadonlyMap<string, Response>, cookie: string | undefined) {
        assert.equal(responses.get(path)?.status, 500);
        assert.equal(site.jar.header, undefined);
        assert.deepEqual(await site.state(cookie), { reason: "ended", data: {} });
      },
    })),
  ]),

  race(
    "S7 another server uses what it read before the logout: the next request there finds the session ended",
    [
      {
        before: loggedIn,
        tabs: [["/logout"], ["/read"]],
        async verify(site, _, cookie) {
          for (const node of [0, 1] as const) {
            assert.deepEqual(await site.state(cookie, node), { reason: "ended", data: {} });
          }
        },
      },
    ],
  ),

  race(
    "S8 a stolen ticket is replayed after logout, login, rotation or revocation: refused on every server",
    [
      ...["/logout", "/login", "/rotate"].map((path) => ({
        before: loggedIn,
        tabs: [[path]],
        async verify(site: RaceSite, _: ReadonlyMap<string, Response>, cookie: string | undefined) {
          for (const node of [0, 1] as const) {
            for (const use of ["/read", "/set-a", "/increment"]) {
              assert.deepEqual(
                (await site.send(use, cookie, node)).headers.getSetCookie(),
                [],
                `${use} sets no cookie`,
              );
            }
            const { subject, data } = await site.state(cookie, node);
            assert.deepEqual({ subject, data }, { subject: undefined, data: {} });
          }
        },
      })),
      {
        before: loggedIn,
        tabs: [],
        async verify(site, _, cookie) {
          assert.equal(await site.nodes[1].revokeAll(site.subject), 1);
          assert.deepEqual(await site.state(cookie, 0), { reason: "ended", data: {} });
        },
      },
    ],
  ),

  race("F1 two tabs load after one message: one shows it, and it comes back if that page fails", [
    {
      before: ["/flash"],
      tabs: [["/take"], ["/take"]],
      async verify(_, responses) {
        const shown = await Promise.all(Array.from(responses.values(), (response) => response.text()));
        assert.deepEqual(shown.toSorted(), ["", "hello"]);
      },
    },
    {
      before: ["/flash"],
      tabs: [["/take-fail"], ["/read"]],
      async verify(site) {
        assert.equal(await (await site.visit("/take")).text(), "hello");
        assert.equal(await (await site.visit("/take")).text(), "");
      },
    },
    {
      before: ["/login"],
      tabs: [["/flash"], ["/take"]],
      async verify(site, responses) {
        const first = await responses.get("/take")?.text();
        const rest = await (await site.visit("/take")).text();
        assert.equal(`${first}${rest}`, "hello");
      },
    },
  ]),
];
