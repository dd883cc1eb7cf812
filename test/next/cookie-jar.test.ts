// coatcheck/next on the cookies and headers of Next.js itself, as it makes them for a request, compared with
// what `sessions.handle` makes of the same Cookie header.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Session, Sessions } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { nextSessions } from "coatcheck/next";
import type { NextCookies, NextHead, ReadableSession } from "coatcheck/next";
import * as fc from "fast-check";
import { next as example } from "./site.ts";

/** What is used of `next/dist/server/async-storage/request-store`: how Next.js makes `cookies()` and `headers()`. */
interface RequestStores {
  createRequestStoreForAPI(...args: unknown[]): RequestStore;
  synchronizeMutableCookies(store: RequestStore): void;
}

interface RequestStore {
  phase: "action" | "render";
  readonly headers: NextHead;
  readonly cookies: NextCookies;
  readonly userspaceMutableCookies: NextCookies;
}

const name = "__Host-Http-session";

interface Seen {
  readonly subject: string | undefined;
  readonly rejection: string | undefined;
}

const seenOf = (session: Session | ReadableSession<Record<string, unknown>>): Seen => ({
  subject: session.subject,
  rejection: session.rejection?.reason,
});

describe("coatcheck/next on the cookies of Next.js", { skip: example.missing }, () => {
  const from = createRequire(join(example.folder, "package.json"));
  const stores =
    example.missing === false
      ? (from("next/dist/server/async-storage/request-store") as RequestStores)
      : undefined;

  /** A request as Next.js has it, before its action if it has one, and the adapter in it. */
  function arrive(sessions: Sessions, headers: Record<string, string>) {
    assert.ok(stores);
    const url = { pathname: "/", search: "" };
    const store = stores.createRequestStoreForAPI({ headers }, url, undefined, undefined, undefined);
    store.phase = "render";
    const next = nextSessions(sessions, {
      headers: async () => store.headers,
      cookies: async () => (store.phase === "action" ? store.userspaceMutableCookies : store.cookies),
      redirect: () => assert.fail("nobody is sent away"),
    });
    return {
      ...next,
      /** The session cookie as the browser has it after this request. */
      ticket: () => store.cookies.getAll().find((cookie) => cookie.name === name)?.value ?? "",
      /** Runs something as a server action, and goes on to the page. */
      async act(work: () => Promise<unknown>): Promise<void> {
        store.phase = "action";
        await work();
        stores.synchronizeMutableCookies(store);
        store.phase = "render";
      },
    };
  }

  async function logIn(sessions: Sessions, subject: string): Promise<string> {
    const response = await sessions.handle(new Request("http://localhost/"), async () => {
      await (await sessions.current()).login(subject);
      return new Response();
    });
    return /=([^;]+)/.exec(response.headers.getSetCookie().join())?.[1] ?? "";
  }

  /** A `sessions` object with two visitors who are logged in. */
  async function site() {
    const sessions = createSessions({ secret: generateSecret(), store: memoryStore() });
    return { sessions, ana: await logIn(sessions, "ana"), eve: await logIn(sessions, "eve") };
  }

  /** What every other adapter sees. */
  async function seenElsewhere(sessions: Sessions, cookie: string): Promise<Seen> {
    let seen: Seen | undefined;
    await sessions.handle(new Request("http://localhost/", { headers: { cookie } }), async (request) => {
      seen = seenOf(await sessions.of(request));
      return new Response();
    });
    return seen ?? assert.fail();
  }

  test("a ticket inside of another cookie's value is not one, however it is encoded", async () => {
    const { sessions, ana, eve } = await site();
    for (const planted of [`; ${name}=${eve}`, `;${name}=${eve}`, `a; ${name}=${eve}; b`]) {
      const theme = `theme=${encodeURIComponent(planted)}`;
      const alone = await arrive(sessions, { cookie: theme }).read();
      assert.deepEqual(seenOf(alone), { subject: undefined, rejection: undefined });
      for (const cookie of [`${theme}; ${name}=${ana}`, `${name}=${ana}; ${theme}`]) {
        assert.equal((await arrive(sessions, { cookie }).read()).subject, "ana");
      }
    }
  });

  test("of two tickets none is taken, in a component and in an action", async () => {
    const { sessions, ana, eve } = await site();
    const request = arrive(sessions, { cookie: `${name}=${ana}; ${name}=${eve}` });
    const ambiguous = { subject: undefined, rejection: "ambiguous" };
    assert.deepEqual(seenOf(await request.read()), ambiguous);
    await request.act(
      request.action(async () => assert.deepEqual(seenOf(await sessions.current()), ambiguous)),
    );
    assert.deepEqual(seenOf(await request.read()), ambiguous);
  });

  test("what stands behind more cookies than browsers send is not looked at, as elsewhere", async () => {
    const { sessions, ana } = await site();
    const cookie = `${"a=1; ".repeat(300)}${name}=${ana}`;
    assert.deepEqual(
      seenOf(await arrive(sessions, { cookie }).read()),
      await seenElsewhere(sessions, cookie),
    );
  });

  test("any Cookie header opens what it opens elsewhere", async () => {
    const { sessions, ana, eve } = await site();
    const tickets = fc.constantFrom(ana, eve, `${ana.slice(0, -1)}A`, "", "true");
    const pair = fc
      .tuple(fc.constantFrom(name, "theme", name.toLowerCase()), tickets)
      .map(([n, v]) => `${n}=${v}`);
    const encoded = fc
      .tuple(tickets, fc.nat(63))
      .map(
        ([ticket, at]) =>
          ticket.slice(0, at) + `%${(ticket.charCodeAt(at) || 0x3b).toString(16)}` + ticket.slice(at + 1),
      );
    const value = fc.oneof(
      { weight: 4, arbitrary: tickets },
      encoded,
      tickets.map((ticket) => `"${ticket}"`),
      pair.map((inner) => encodeURIComponent(`; ${inner}`)),
      pair.map((inner) => encodeURIComponent(encodeURIComponent(`;${inner};`))),
      fc.constantFrom("%", "%zz", "%00", "a%20b", "=", "%3D", "%C3%BC"),
    );
    const cookieName = fc.oneof(
      { weight: 4, arbitrary: fc.constant(name) },
      fc.constantFrom(
        "theme",
        "",
        encodeURIComponent(` ${name}`),
        "__proto__",
        ` ${name}`,
        `${name} `,
        `\t${name}`,
      ),
    );
    const cookie = fc.oneof(
      { weight: 6, arbitrary: fc.tuple(cookieName, value).map(([n, v]) => `${n}=${v}`) },
      fc.constantFrom(name, "", " ", "theme"),
      value,
    );
    const separator = fc.constantFrom("; ", "; ", "; ", ";", " ; ", ";\t", ", ", ";;");
    const header = fc.array(fc.tuple(cookie, separator), { maxLength: 5 }).map((parts) =>
      // As servers do with every header's value.
      parts
        .flat()
        .join("")
        .replaceAll(/^[ \t]+|[ \t]+$/g, ""),
    );
    await fc.assert(
      fc.asyncProperty(header, async (sent) => {
        const elsewhere = await seenElsewhere(sessions, sent);
        const request = arrive(sessions, { cookie: sent });
        assert.deepEqual(seenOf(await request.read()), elsewhere, "in a component");
        await request.act(
          request.action(async () => assert.deepEqual(seenOf(await sessions.current()), elsewhere)),
        );
        assert.deepEqual(seenOf(await request.read()), elsewhere, "after an action that changed nothing");
      }),
      { numRuns: 2000 },
    );
  });

  for (const before of ["", "theme=%3B%20dark", "OLD", `${name}=%zz`, name]) {
    test(`what an action did is seen by the next one and by the page (Cookie: ${before || "none"})`, async () => {
      const { sessions, ana } = await site();
      const cookie = before === "OLD" ? `${name}=${ana}` : before;
      const request = arrive(sessions, cookie === "" ? {} : { cookie });
      await request.act(async () => {
        await request.action(async () => (await sessions.current()).login("ben"))();
        await request.action(async () => {
          const session = await sessions.current();
          assert.equal(session.subject, "ben");
          session.set("note", "kept");
        })();
      });
      const page = await request.read();
      assert.deepEqual([page.subject, page.get("note")], ["ben", "kept"]);
      await request.act(request.action(async () => (await sessions.current()).logout()));
      assert.deepEqual(seenOf(await request.read()), { subject: undefined, rejection: undefined });
    });
  }

  test("a cookie that only a component could send again waits for an action", async () => {
    const [older, newer] = [generateSecret(), generateSecret()];
    const store = memoryStore();
    const ticket = await logIn(createSessions({ secret: older, store }), "ana");
    const sessions = createSessions({ secret: [newer, older], store });
    const request = arrive(sessions, { cookie: `${name}=${ticket}` });
    assert.equal((await request.read()).subject, "ana");
    assert.equal(request.ticket(), ticket);
    await request.act(request.action(async () => sessions.current()));
    assert.equal((await request.read()).subject, "ana");
    assert.notEqual(request.ticket(), ticket);
    const later = createSessions({ secret: newer, store });
    assert.equal((await arrive(later, { cookie: `${name}=${request.ticket()}` }).read()).subject, "ana");
  });
});
