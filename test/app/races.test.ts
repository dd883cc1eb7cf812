import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { honoSessions } from "coatcheck/hono";
import { memoryStore } from "coatcheck/memory";
import { applyPatch } from "coatcheck/store";
import type { SessionRecord, Store } from "coatcheck/store";
import { Hono } from "hono";
import { coatcheckContender, coatcheckOn } from "../../app/races/coatcheck.ts";
import type { Contender } from "../../app/races/contender.ts";
import { expressSessionContender, resavingContender } from "../../app/races/express-session.ts";
import { races } from "../../app/races/races.ts";
import type { Race } from "../../app/races/races.ts";
import { runRace } from "../../app/races/run.ts";
import { tell } from "../../app/races/story.ts";
import { raceRoutes } from "../../app/routes/races.ts";
import { testSite } from "./test-site.ts";

/** What express-session 1.19 does in each race: with `resave: false`, and with its defaults. */
const theirs: Readonly<Record<string, readonly [recommended: string, byDefault: string]>> = {
  "read-and-write": ["kept the colour", "lost the colour"],
  "two-keys": ["lost the colour", "lost the colour"],
  counter: ["lost a click", "lost a click"],
  logout: ["logged you in again", "logged you in again"],
  login: ["lost the login", "lost the login"],
  "failing-page": ["kept what had failed", "kept what had failed"],
  "stale-copy": ["logged you in again", "logged you in again"],
  "stolen-cookie": ["refused the thief", "refused the thief"],
  message: ["showed it twice", "showed it twice"],
};

async function verdict(race: Race, contender: Contender): Promise<string> {
  return tell(await runRace(race, contender)).verdict;
}

for (const race of races) {
  test(`${race.title}: Coatcheck ${race.success}, and what express-session did is said`, async (t) => {
    assert.equal(await verdict(race, coatcheckContender), race.success);
    assert.deepEqual(
      [await verdict(race, expressSessionContender), await verdict(race, resavingContender)],
      theirs[race.id],
    );
    const visitor = (await testSite(t)).visitor();
    for (const [query, said] of [
      ["", theirs[race.id]?.[0]],
      ["?resave=true", theirs[race.id]?.[1]],
    ] as const) {
      const { status, body } = await visitor.get(`/races/${race.id}${query}`);
      assert.equal(status, 200);
      assert.deepEqual(verdictsOn(body), [`express-session ${said}`, `Coatcheck ${race.success}`]);
    }
  });
}

test("the README's eight races are there, with a button each, and the one of the messages", async (t) => {
  const { body } = await (await testSite(t)).visitor().get("/races");
  assert.deepEqual(
    races.map(({ number }) => number),
    ["S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", undefined],
  );
  for (const { id, story } of races) {
    assert.match(body, new RegExp(`<form action="/races/${id}">\\s*<button`));
    assert.ok(body.includes(story), story);
  }
});

/** A store that writes back the whole record as it was when it was first read, whatever has happened since. */
function snapshotStore(): Store {
  const store = memoryStore();
  const records = new Map<string, SessionRecord>();
  const read = new Map<string, SessionRecord>();
  return {
    name: store.name,
    inProcess: store.inProcess,
    create: (record) => Boolean(records.set(record.id, record)),
    read(id) {
      const record = records.get(id) ?? null;
      if (record !== null && !read.has(id)) read.set(id, record);
      return record;
    },
    patch(id, patch, now) {
      const { outcome, next } = applyPatch(
        read.get(id) ?? null,
        {
          ...patch,
          expect: {},
        },
        now,
      );
      if (next !== undefined) records.set(id, next);
      return outcome;
    },
    list: () => [],
    sweep: () => 0,
    close() {},
  };
}

test("a Coatcheck that loses is shown as one that loses", async (t) => {
  const broken = coatcheckOn(snapshotStore);
  const { site } = await testSite(t);
  const app = new Hono().use(honoSessions(site.sessions)).route("/", raceRoutes(site, broken));
  const said = async (id: string): Promise<string | undefined> =>
    verdictsOn(await (await app.request(`/races/${id}`)).text())[1];
  assert.equal(await said("two-keys"), "Coatcheck lost the colour");
  assert.equal(await said("counter"), "Coatcheck lost a click");
  assert.equal(await said("message"), "Coatcheck lost the message");
  const body = await (await app.request("/races/two-keys")).text();
  assert.equal(body.match(/class="verdict bad/g)?.length, 2);
  assert.equal(body.match(/>lost<\/tspan/g)?.length, 2, "both pictures mark what is lost");
});

test("the handlers of express-session lose a click with Coatcheck, too, as the page says", async () => {
  const race = races.find(({ id }) => id === "counter")!;
  const theirHandlers: Contender = {
    ...coatcheckContender,
    open: (track) => ({
      ...coatcheckContender.open(track),
      handlers: expressSessionContender.open(track).handlers,
    }),
  };
  assert.equal(await verdict(race, theirHandlers), "lost a click");
});

test("the picture and the text beside it say the same", async (t) => {
  const visitor = (await testSite(t)).visitor();
  for (const { id } of races) {
    const { body } = await visitor.get(`/races/${id}`);
    for (const panel of body.split('<section class="racer"').slice(1)) {
      const [, drawing = "", list = ""] = /<svg([^]*?)<\/svg>[^]*?<ol([^]*?)<\/ol>/.exec(panel) ?? [];
      const words = textOf(`<ol${list}`);
      const drawn = [...drawing.matchAll(/<text\s+class="said[^]*?<\/text>/g)].map(([text]) => textOf(text));
      assert.ok(drawn.length > 3);
      for (const text of drawn) assert.ok(words.includes(text), `${id}: "${text}" is in the text, too`);
      for (const [text] of drawing.matchAll(/<tspan\s+class="(?:added|removed|same)[^]*?<\/tspan/g)) {
        assert.ok(words.includes(textOf(`${text}>`)), `${id}: "${textOf(text)}" is in the text, too`);
      }
    }
  }
});

test("what went wrong is marked with a sign in the picture, and only that", async (t) => {
  const visitor = (await testSite(t)).visitor();
  const marked: Record<string, string[]> = {};
  for (const { id } of races) {
    const { body } = await visitor.get(`/races/${id}`);
    const entries = body.matchAll(/<text\s+class="entry"[^>]*>\s*<tspan class="sign fault">[^]*?<\/text>/g);
    marked[id] = [...entries].map(([text]) => textOf(text));
  }
  assert.deepEqual(marked, {
    "read-and-write": [],
    "two-keys": ["✗ colour: blue lost"],
    counter: ["✗ count: 1"],
    logout: ["✗ user: ana"],
    login: ["✗ colour: blue"],
    "failing-page": ["✗ order: sent"],
    "stale-copy": ["✗ user: ana"],
    "stolen-cookie": [],
    message: [],
  });
});

test("step by step, each page shows one moment more, and the verdict is on the last", async (t) => {
  const visitor = (await testSite(t)).visitor();
  for (const [step, moments] of [
    ["1", 1],
    ["2", 2],
    ["3", 3],
    ["4", 4],
    ["99", 4],
    ["0", 1],
    ["-1", 1],
    ["1.5", 1],
    ["x", 1],
    ["", 1],
  ] as const) {
    const { body } = await visitor.get(`/races/two-keys?pace=steps&step=${step}`);
    assert.equal(body.match(/<g class="moment /g)?.length, 2 * moments, `step ${step}`);
    assert.equal(body.match(/class="verdict /g)?.length ?? 0, moments === 4 ? 2 : 0);
    assert.match(body, new RegExp(`Step ${moments} of 4`));
  }
});

test("the code on the page is that of the functions that ran", async (t) => {
  const { body } = await (await testSite(t)).visitor().get("/races/two-keys");
  const listings = [...body.matchAll(/<code>([^]*?)<\/code><\/pre>/g)].map(([, lines = ""]) => textOf(lines));
  assert.equal(listings.length, 4);
  assert.match(
    listings[0] ?? "",
    /^async putInCart\(req, res\) \{ await slowService\(\); req\.session\.cart = "umbrella"/,
  );
  assert.match(listings[2] ?? "", /resave: false, saveUninitialized: false/);
  assert.match(listings[3] ?? "", /expressSession\(sessions, \{ subject: \(data\) => data\.user/);
});

test("a race leaves the visitor's session alone, and shows nothing secret", async (t) => {
  const site = await testSite(t);
  const leo = site.visitor();
  await leo.login();
  await leo.open("/user");
  await leo.post("/counter");
  // Without what the page cost, which is another time each time.
  const inside = async () => (await leo.get("/inside")).body.split('<details class="strip"')[0];
  const before = await inside();
  for (const { id } of races) {
    const { headers, body } = await leo.get(`/races/${id}`);
    assert.deepEqual(headers.getSetCookie(), []);
    // Ids, tickets and signatures are longer than any word, and have digits.
    const long = body.replaceAll(/\/static\/\S+/g, "").match(/[\w%.+/-]{22,}/g) ?? [];
    assert.deepEqual(
      long.filter((word) => /\d/.test(word)),
      [],
    );
  }
  assert.equal(await inside(), before);
  assert.equal((await site.site.sessions.list(site.site.users.byName("leo")?.id ?? "")).length, 1);

  const stranger = await site.visitor().get("/races/logout");
  assert.deepEqual(stranger.headers.getSetCookie(), []);
});

test("visitors who ask for a race at the same time get one run, and the next visitor another", async (t) => {
  const { site } = await testSite(t);
  let runs = 0;
  const counting: Contender = {
    ...coatcheckContender,
    open(track) {
      runs += 1;
      return coatcheckContender.open(track);
    },
  };
  const app = new Hono().use(honoSessions(site.sessions)).route("/", raceRoutes(site, counting));
  const pages = await Promise.all(
    Array.from({ length: 100 }, async () => (await app.request("/races/login")).text()),
  );
  assert.deepEqual(
    [...new Set(pages.map((page) => verdictsOn(page).join()))],
    ["express-session lost the login,Coatcheck kept you logged in"],
  );
  assert.equal(runs, 1);
  await app.request("/races/login");
  assert.equal(runs, 2);
});

test("all races at once do not disturb each other", async () => {
  const all = await Promise.all(
    races.flatMap((race) => Array.from({ length: 5 }, async () => verdict(race, coatcheckContender))),
  );
  assert.deepEqual(
    all,
    races.flatMap(({ success }) => Array.from({ length: 5 }, () => success)),
  );
});

test("a library that fails is an error, not a verdict, and the next run is a new one", async (t: TestContext) => {
  const { site, reported } = await testSite(t);
  let isBroken = true;
  const failing: Contender = {
    ...coatcheckContender,
    open(track) {
      if (isBroken) throw new Error("meant to fail");
      return coatcheckContender.open(track);
    },
  };
  const app = new Hono().use(honoSessions(site.sessions)).route("/", raceRoutes(site, failing));
  app.onError((_, c) => c.text("failed", 500));
  assert.equal((await app.request("/races/login")).status, 500);
  isBroken = false;
  assert.equal((await app.request("/races/login")).status, 200);
  assert.deepEqual(reported, []);
});

test("a race that fails while a request waits ends that request, too", async () => {
  let calls = 0;
  const open = new Set<object>();
  const contender: Contender = {
    ...coatcheckContender,
    open(track) {
      const opened = coatcheckContender.open(track);
      return {
        ...opened,
        setUp(app, routes) {
          app.use((_req, res, next) => {
            open.add(res);
            res.once("close", () => open.delete(res));
            next();
          });
          opened.setUp(app, routes);
        },
        async sessions() {
          calls += 1;
          if (calls === 2) throw new Error("meant to fail");
          return opened.sessions();
        },
      };
    },
  };
  await assert.rejects(verdict(races[1]!, contender), /meant to fail/);
  for (let turns = 0; open.size > 0 && turns < 100; turns += 1) await new Promise(setImmediate);
  assert.equal(open.size, 0);
});

/** The verdicts on a page: "express-session lost the colour". */
function verdictsOn(page: string): string[] {
  return [...page.matchAll(/<h2 id="verdict-[^]*?<\/h2>/g)].map(([heading]) =>
    textOf(heading).replace(/ [✓✗]/, ""),
  );
}

/** The text of some HTML, with single spaces. */
function textOf(markup: string): string {
  return markup
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll("&quot;", '"')
    .replaceAll("&gt;", ">")
    .replaceAll("&lt;", "<")
    .replaceAll("&amp;", "&")
    .replaceAll(/\s+/g, " ")
    .trim();
}
