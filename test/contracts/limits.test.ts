// The limits of a session, on every store and through two nodes: what holds for one request holds for a hundred at once.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Limits, Session, Sessions, Store } from "coatcheck";
import { CookieJar, testClock } from "coatcheck/testing";
import { collectEvents } from "../support/events.ts";
import { stores, temporaryFolder } from "./stores.ts";

/** Two nodes on one store, and a browser with a session there. */
class Fleet {
  readonly clock = testClock();
  readonly jar = new CookieJar();
  readonly doors: readonly [Store, Store];
  readonly nodes: readonly [Sessions, Sessions];

  constructor(open: () => Store, limits: readonly [Partial<Limits>, Partial<Limits>]) {
    const secret = generateSecret();
    const { clock } = this;
    this.doors = [open(), open()];
    const hub = (at: 0 | 1): Sessions =>
      createSessions({
        secret,
        clock,
        store: this.doors[at],
        limits: limits[at],
        storeTimeout: { minutes: 1 },
      });
    this.nodes = [hub(0), hub(1)];
  }

  /** The code of what the page failed with, if it did. */
  async visit(node: number, handler: (session: Session) => unknown): Promise<string | undefined> {
    const sessions = this.nodes[node % 2 === 0 ? 0 : 1];
    const headers = this.jar.header === undefined ? {} : { cookie: this.jar.header };
    let code: string | undefined;
    let failure: unknown;
    const response = await sessions.handle(
      new Request("http://localhost/", { headers }),
      async (request) => {
        await handler(await sessions.of(request));
        return new Response();
      },
      {
        onError(error) {
          failure = error;
          code = error instanceof Error && "code" in error ? String(error.code) : String(error);
          return new Response("failed", { status: 500 });
        },
      },
    );
    if (failure instanceof assert.AssertionError) throw failure;
    this.jar.take(response);
    assert.equal(response.status, code === undefined ? 200 : 500);
    return code;
  }

  /** Visits on both nodes whose handlers have all opened the session before the first goes on. */
  async overlap(
    count: number,
    handler: (session: Session, at: number) => unknown,
  ): Promise<(string | undefined)[]> {
    let opened = 0;
    const all = Promise.withResolvers<undefined>();
    return Promise.all(
      Array.from({ length: count }, async (_, at) =>
        this.visit(at, async (session) => {
          if (++opened === count) all.resolve(undefined);
          await all.promise;
          await handler(session, at);
        }),
      ),
    );
  }

  /** How many bytes the session's data takes in the store: names and values. */
  async bytes(): Promise<number> {
    const id = /=([^.]*)/.exec(this.jar.header ?? "")?.[1] ?? "";
    const record = await this.doors[1].read(id, this.clock.now(), true);
    let bytes = 0;
    for (const [name, value] of record?.fields ?? [])
      if (name.startsWith("d:")) bytes += Buffer.byteLength(name) + value.length;
    return bytes;
  }

  async close(): Promise<void> {
    for (const door of new Set(this.doors)) await door.close();
  }
}

function onEveryStore(
  name: string,
  body: (fleet: Fleet, t: TestContext) => Promise<void>,
  limits: readonly [Partial<Limits>, Partial<Limits>] = [{}, {}],
): void {
  for (const { name: store, open, skip = false } of stores) {
    test(`${name} (${store})`, { skip }, async (t) => {
      const fleet = new Fleet(open(temporaryFolder(t)), limits);
      t.after(async () => fleet.close());
      await fleet.visit(0, (session) => session.set("begun", true));
      await body(fleet, t);
    });
  }
}

const kilobytes = (count: number): string => "x".repeat(count * 1000);
const failures = (codes: readonly (string | undefined)[]): string[] =>
  codes.filter((code) => code !== undefined);
const messages = (session: Session): string[] => session.peekFlashes().map(({ message }) => message);

for (const { size, fit } of [
  { size: 10, fit: 6 },
  { size: 60, fit: 1 },
]) {
  onEveryStore(
    `a hundred requests at once that set ${size} kB each fill a session up to its limit, and the others fail`,
    async (fleet) => {
      const codes = await fleet.overlap(100, (session, at) => session.set(`key ${at}`, kilobytes(size)));
      assert.ok((await fleet.bytes()) <= 65_536, `${await fleet.bytes()} bytes`);
      assert.deepEqual(failures(codes), Array<string>(100 - fit).fill("SESSION_TOO_LARGE"));
      await fleet.visit(0, (session) => assert.equal(session.keys().length, fit + 1));
    },
  );
}

onEveryStore(
  "a hundred requests at once that set a key each fill a session up to its number of keys",
  async (fleet) => {
    const codes = await fleet.overlap(100, (session, at) => session.set(`key ${at}`, at));
    assert.deepEqual(failures(codes), Array<string>(81).fill("KEYS_TOO_MANY"));
    await fleet.visit(1, (session) => assert.equal(session.keys().length, 20));
  },
  [{ keys: 20 }, { keys: 20 }],
);

onEveryStore(
  "a hundred updates at once of keys of their own are stored as far as they fit, or reject",
  async (fleet) => {
    let stored = 0;
    const codes = await fleet.overlap(100, async (session, at) => {
      await session.update(`key ${at}`, () => kilobytes(10));
      stored++;
    });
    assert.ok((await fleet.bytes()) <= 65_536, `${await fleet.bytes()} bytes`);
    assert.equal(stored, 6);
    assert.deepEqual(failures(codes), Array<string>(94).fill("SESSION_TOO_LARGE"));
  },
);

onEveryStore("what others write between its own writes counts for a request, too", async (fleet) => {
  const code = await fleet.visit(0, async (session) => {
    await fleet.visit(1, (other) => other.set("other", kilobytes(40)));
    // It fits, and is written over what this request has never seen.
    await session.update("own", () => 1);
    session.set("late", kilobytes(40));
  });
  assert.equal(code, "SESSION_TOO_LARGE");
  assert.ok((await fleet.bytes()) < 41_000);
});

onEveryStore(
  "each node goes by limits of its own, and a session that is too large for one of them can be made smaller there",
  async (fleet) => {
    assert.equal(await fleet.visit(0, (session) => session.set("large", kilobytes(50))), undefined);
    const codes = await fleet.overlap(20, (session, at) => session.set(`key ${at}`, kilobytes(1)));
    assert.deepEqual(failures(codes), Array<string>(10).fill("SESSION_TOO_LARGE"), "the other node's");
    for (const smaller of [50, 40, 30, 10])
      assert.equal(await fleet.visit(1, (session) => session.set("large", kilobytes(smaller))), undefined);
    assert.equal(await fleet.visit(1, (session) => session.set("another", 1)), "SESSION_TOO_LARGE");
    assert.equal(await fleet.visit(1, (session) => session.delete("large")), undefined);
    assert.equal(await fleet.visit(1, (session) => session.set("another", 1)), undefined);
  },
  [{}, { bytes: 20_000 }],
);

onEveryStore(
  "of the messages of a hundred requests at once the newest wait, and an event counts the others",
  async (fleet, t) => {
    const events = collectEvents(t);
    // In whichever order they come to it.
    let flashed = 0;
    const codes = await fleet.overlap(100, (session) => {
      fleet.clock.advance(1);
      session.flash(`message ${flashed++}`);
    });
    assert.deepEqual(failures(codes), []);
    const newest = Array.from({ length: 32 }, (_, at) => `message ${68 + at}`);
    await fleet.visit(1, (session) => assert.deepEqual(messages(session), newest));
    const counts = events.flatMap((event) => (event.type === "flashes-dropped" ? event.count : []));
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      68,
    );
  },
);

onEveryStore(
  "messages that a failed page gives back make room for those that came meanwhile",
  async (fleet) => {
    const flash = async (name: string): Promise<unknown> =>
      fleet.visit(1, (session) => {
        for (let at = 0; at < 20; at++) {
          fleet.clock.advance(1);
          session.flash(`${name} ${at}`);
        }
      });
    await flash("old");
    const code = await fleet.visit(0, async (session) => {
      assert.equal((await session.takeFlashes()).length, 20);
      await flash("new");
      throw new Error("on purpose");
    });
    assert.match(code ?? "", /on purpose/);
    const named = (name: string, from: number): string[] =>
      Array.from({ length: 20 - from }, (_, at) => `${name} ${from + at}`);
    await fleet.visit(1, (session) =>
      assert.deepEqual(messages(session), [...named("old", 8), ...named("new", 0)]),
    );
  },
);
