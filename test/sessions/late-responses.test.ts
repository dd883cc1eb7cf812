// Two requests of one browser that overlap, in every order, with everything that sets or clears the cookie.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Session, Sessions, SessionsOptions } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { probeStore, testClock } from "coatcheck/testing";
import { CookieJar } from "../support/cookie-jar.ts";
import { home } from "../support/site.ts";
import { precededBy, untouched } from "../support/store-calls.ts";

const hour = 3_600_000;

/** What a page does; the sessions, for what is done from outside. */
type Deed = (session: Session, sessions: Sessions) => unknown;

const deeds = {
  reads: (session) => session.get("x"),
  "sets data": (session) => session.set("x", 1),
  updates: (session) => session.update("n", () => 1),
  flashes: (session) => session.flash("hello"),
  "logs in": (session) => session.login("ana"),
  "logs in as another": (session) => session.login("bob"),
  "logs in and sets data": async (session) => {
    await session.login("ana");
    session.set("x", 1);
  },
  "logs out": (session) => session.logout(),
  "logs out with a message": async (session) => {
    await session.logout();
    session.flash("Goodbye.");
  },
  rotates: (session) => session.rotate(),
  "turns permanent": (session) => (session.permanent = !session.permanent),
  "revokes all": (_, sessions) => sessions.revokeAll("ana"),
} satisfies Record<string, Deed>;

type DeedName = keyof typeof deeds;
const names = Object.keys(deeds) as DeedName[];

/** What the browser had before; in the last two, whatever a page does sends the cookie again. */
const beginnings = ["nothing", "data", "login", "a lifetime to renew", "an old key"] as const;
type Beginning = (typeof beginnings)[number];

/**
 * When the quick page is asked for and answers, beside the slow one: before that has opened the session, when it has
 * opened it, when it has done what it does, or when its response has left and not arrived: then nothing can be taken back.
 */
const moments = [
  "before it opens",
  "when it has opened",
  "when it is done",
  "when it is on its way",
] as const;
type Moment = (typeof moments)[number];

interface Outcome {
  readonly subject: string | undefined;
  /** Whether the cookie that the browser holds in the end opens nothing. */
  readonly isDead: boolean;
}

class Browser {
  readonly clock = testClock();
  readonly probe = probeStore(memoryStore());
  readonly jar = new CookieJar(() => this.clock.now());
  #options: SessionsOptions = { secret: generateSecret(), store: this.probe.store, clock: this.clock };
  sessions = createSessions(this.#options);

  async begin(beginning: Beginning): Promise<void> {
    if (beginning === "nothing") return;
    const page: Deed = async (session) => {
      if (beginning === "data") return session.set("b", 1);
      session.permanent = beginning === "a lifetime to renew";
      return session.login("ana");
    };
    this.jar.receiveAll(await this.send(page), home);
    if (beginning === "a lifetime to renew") this.clock.advance(2 * hour);
    if (beginning === "an old key") {
      const old = String(this.#options.secret);
      this.#options = { ...this.#options, secret: [generateSecret(), old] };
      this.sessions = createSessions(this.#options);
    }
  }

  /** A page's response; a slow one waits when it has opened the session, and when it has done what it does. */
  async send(
    deed: Deed,
    cookie = this.jar.header(home),
    slowly: { opening?: () => unknown; doing?: () => unknown } = {},
  ): Promise<Response> {
    const headers: Record<string, string> = cookie === undefined ? {} : { cookie };
    return this.sessions.handle(new Request(home, { headers }), async (request) => {
      const session = await this.sessions.of(request);
      await slowly.opening?.();
      await deed(session, this.sessions);
      await slowly.doing?.();
      return new Response("a page");
    });
  }

  async end(): Promise<Outcome> {
    let outcome: Outcome | undefined;
    await this.send((session) => {
      outcome = { subject: session.subject, isDead: session.rejection !== undefined };
    });
    assert.ok(outcome);
    return outcome;
  }
}

/** @param overtakes whether the response that left last arrives first. */
async function overlap({ beginning, slow, quick, moment }: Pair, overtakes: boolean): Promise<Outcome> {
  const browser = new Browser();
  await browser.begin(beginning);
  browser.clock.advance(1000);
  const cookie = browser.jar.header(home);
  const responses: Response[] = [];
  const other = async (): Promise<void> => {
    browser.clock.advance(1000);
    responses.push(await browser.send(deeds[quick], cookie));
    browser.clock.advance(1000);
  };
  const at = async (now: Moment): Promise<void> => (now === moment ? other() : undefined);
  await at("before it opens");
  const opening = () => at("when it has opened");
  responses.push(await browser.send(deeds[slow], cookie, { opening, doing: () => at("when it is done") }));
  await at("when it is on its way");
  if (overtakes) responses.reverse();
  for (const each of responses) browser.jar.receiveAll(each, home);
  return browser.end();
}

interface Pair {
  readonly beginning: Beginning;
  readonly slow: DeedName;
  readonly quick: DeedName;
  readonly moment: Moment;
}

/** Every pair of pages, from every beginning. */
function* pairs(moment: Moment): Generator<Pair> {
  for (const beginning of beginnings) {
    for (const slow of names) for (const quick of names) yield { beginning, slow, quick, moment };
  }
}

const loggedIn: Partial<Record<DeedName, string>> = {
  "logs in": "ana",
  "logs in as another": "bob",
  "logs in and sets data": "ana",
};

/** What is wrong with how a pair ended, or `undefined`. */
function faultOf({ slow, quick, moment }: Pair, { subject }: Outcome): string | undefined {
  const isQuickFirst = moment === "before it opens" || moment === "when it has opened";
  const [first, last] = isQuickFirst ? [quick, slow] : [slow, quick];
  // That is what a revocation is for.
  if (last === "revokes all" && loggedIn[first] === "ana") return undefined;
  const subjects = [slow, quick].map((deed) => loggedIn[deed]).filter((name) => name !== undefined);
  if (subjects.length > 0) return subjects.includes(subject ?? "") ? undefined : "a login is lost";
  const ends = [slow, quick].some((deed) => deed.startsWith("logs out") || deed === "revokes all");
  return ends && subject !== undefined ? "a logout is undone" : undefined;
}

const told = ({ beginning, slow, quick }: Pair) => `${beginning}: ${slow}, ${quick}`;

/** What sets a cookie for a browser that brought none: nothing tells that another of its pages does, too. */
const beginsAnonymously: readonly DeedName[] = ["sets data", "updates", "flashes", "logs out with a message"];

for (const moment of moments) {
  test(`of two pages that overlap, a login stands, and a logout: the other page ${moment}`, async () => {
    const [faults, unknowable]: [string[], string[]] = [[], []];
    for (const pair of pairs(moment)) {
      const fault = faultOf(pair, await overlap(pair, false));
      if (fault !== undefined) faults.push(`${told(pair)}: ${fault}`);
      const { beginning, slow, quick } = pair;
      const [left, leftLast] = moment === "when it is on its way" ? [slow, quick] : [quick, slow];
      if (beginning === "nothing" && left in loggedIn && beginsAnonymously.includes(leftLast))
        unknowable.push(`nothing: ${slow}, ${quick}: a login is lost`);
    }
    assert.deepEqual(faults, unknowable);
  });
}

/** Which pages' responses carry a cookie that takes the place of a login's where they arrive after it, though they left before. */
const cookieSenders: Readonly<Record<Beginning, readonly DeedName[]>> = {
  nothing: beginsAnonymously,
  data: ["logs out", "logs out with a message", "rotates", "turns permanent"],
  login: ["logs out", "logs out with a message", "rotates", "turns permanent"],
  "a lifetime to renew": names.filter((name) => !(name in loggedIn) && name !== "revokes all"),
  "an old key": names.filter((name) => !(name in loggedIn) && name !== "revokes all"),
};

test("a response that is overtaken on its way may take a login's place, and undoes no logout", async () => {
  const faults = new Map<Beginning, Set<string>>();
  // The other two moments are these, with the pages' parts exchanged.
  for (const moment of ["when it has opened", "when it is on its way"] as const) {
    for (const pair of pairs(moment)) {
      const fault = faultOf(pair, await overlap(pair, true));
      if (fault === undefined) continue;
      const { beginning, slow, quick } = pair;
      const [left, leftLast] = moment === "when it is on its way" ? [slow, quick] : [quick, slow];
      assert.ok(leftLast in loggedIn, told(pair));
      assert.equal(fault, "a login is lost");
      faults.set(beginning, (faults.get(beginning) ?? new Set()).add(left));
    }
  }
  for (const beginning of beginnings) {
    assert.deepEqual([...(faults.get(beginning) ?? [])].toSorted(), cookieSenders[beginning].toSorted());
  }
});

test("asking again costs one read, where a page takes its time after a login, a rotation or a logout", async () => {
  for (const deed of ["logs in", "rotates", "logs out"] as const) {
    for (const [time, reads] of [
      [9, 0],
      [10, 1],
    ] as const) {
      const browser = new Browser();
      await browser.begin("data");
      browser.probe.calls.length = 0;
      const response = await browser.send(deeds[deed], undefined, {
        doing: () => browser.clock.advance(time),
      });
      assert.equal(response.headers.getSetCookie().length, 1);
      assert.equal(browser.probe.count("read"), 1 + reads);
      assert.equal(browser.probe.count("patch"), 1);
    }
  }
});

test("where the store can't say, a login's cookie is sent, and a logout's is not", async () => {
  for (const [deed, sent] of [
    ["logs in", 1],
    ["rotates", 1],
    ["logs out", 0],
  ] as const) {
    const browser = new Browser();
    await browser.begin("data");
    const response = await browser.send(deeds[deed], undefined, {
      doing: () => {
        browser.clock.advance(1000);
        browser.probe.around = precededBy(() => {
          throw new Error("down");
        });
      },
    });
    assert.equal(response.status, 200);
    assert.equal(response.headers.getSetCookie().length, sent, deed);
  }
});

test("a message of a slow logout begins no session beside a login", async () => {
  const browser = new Browser();
  await browser.begin("login");
  const cookie = browser.jar.header(home);
  browser.probe.calls.length = 0;
  await browser.send(deeds["logs out with a message"], cookie, {
    doing: async () => {
      browser.clock.advance(1000);
      await browser.send(deeds["logs in"], cookie);
    },
  });
  assert.equal(browser.probe.count("create"), 1, "the login's own");
});

test("a handler that fails late sends its login's cookie, unless it was replaced meanwhile", async () => {
  for (const isReplaced of [false, true]) {
    const browser = new Browser();
    await browser.begin("data");
    const cookie = browser.jar.header(home);
    const fail: Deed = async (session) => {
      await session.login("ana");
      browser.clock.advance(1000);
      if (isReplaced) await browser.sessions.revokeAll("ana");
      throw new Error("meant to fail");
    };
    const request = new Request(home, { headers: { cookie: cookie ?? "" } });
    const response = await browser.sessions.handle(
      request,
      async (own) => {
        await fail(await browser.sessions.of(own), browser.sessions);
        return new Response();
      },
      { onError: () => new Response(null, { status: 500 }) },
    );
    assert.equal(response.headers.getSetCookie().length, isReplaced ? 0 : 1);
  }
});

test("a ticket that a rotation replaced can log out for a minute, and do nothing else", async () => {
  for (const [replacement, wait, ends] of [
    ["rotates", 60_000, true],
    ["rotates", 60_001, false],
    ["logs in", 1000, false],
    ["logs in as another", 1000, false],
  ] as const) {
    const browser = new Browser();
    await browser.begin("login");
    browser.clock.advance(1000);
    const cookie = browser.jar.header(home);
    browser.jar.receiveAll(await browser.send(deeds[replacement]), home);
    browser.clock.advance(wait);
    browser.probe.calls.length = 0;
    for (const deed of ["reads", "sets data", "updates", "flashes", "rotates"] as const) {
      await browser.send(async (session) => {
        assert.deepEqual([session.subject, session.id, session.keys()], [undefined, undefined, []]);
        if (wait <= 60_000 || deed === "reads") await deeds[deed](session);
      }, cookie);
    }
    assert.equal(browser.probe.count("patch", "create"), 0);
    await browser.send(deeds["logs out"], cookie);
    assert.equal((await browser.end()).subject === undefined, ends, `${replacement}, after ${wait} ms`);
  }
});

test("a rotated session that a logout can't reach goes on, and shows nothing to the old ticket", async () => {
  const browser = new Browser();
  await browser.begin("login");
  browser.clock.advance(1000);
  const cookie = browser.jar.header(home);
  browser.jar.receiveAll(await browser.send(deeds.rotates), home);
  await browser.send(async (session) => {
    browser.probe.around = precededBy(() => {
      throw new Error("down");
    });
    await assert.rejects(session.logout(), { code: "STORE_FAILED" });
    assert.deepEqual([session.subject, session.id], [undefined, undefined]);
    browser.probe.around = untouched;
  }, cookie);
  assert.equal((await browser.end()).subject, "ana");
});
