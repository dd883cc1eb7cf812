import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { inspect } from "node:util";
import { CoatcheckError, createSessions, generateSecret } from "coatcheck";
import type { Session } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { collectEvents } from "../support/events.ts";
import { Site, home, testEverywhere } from "../support/site.ts";
import { exchangesOf } from "coatcheck/adapter";

const data = "CANARY-session-data";
const message = "CANARY-flash-message";
const cookieValue = "CANARY-cookie-value";

/** A secret in every spelling that it could slip out in. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const decoded = Buffer.from(secret, "base64url");
  return [
    secret,
    encodeURIComponent(secret),
    ...[bytes, decoded].flatMap((each) => [
      each.toString("hex"),
      each.toString("base64").replace(/=+$/, ""),
      each.toString("base64url"),
      [...each].join(", "),
    ]),
  ];
}

function assertClean(text: string, canaries: readonly string[], where: string): void {
  for (const canary of canaries) {
    for (const spelling of spellings(canary)) {
      assert.equal(text.includes(spelling), false, `${where} shows ${canary.slice(0, 12)}…`);
    }
  }
}

/** All that a logger could print of a thing. */
function shown(thing: unknown): string {
  const json = (() => {
    try {
      return JSON.stringify(thing);
    } catch {
      return "";
    }
  })();
  const options = {
    depth: Infinity,
    showHidden: true,
    getters: false,
    maxStringLength: null,
    maxArrayLength: null,
  };
  const stack = thing instanceof Error ? `${thing.stack} ${thing.message}` : "";
  return `${inspect(thing, options)} ${inspect(thing)} ${json} ${stack}`;
}

/** What the process prints during a test. */
function collectOutput(t: TestContext): () => string {
  const printed: string[] = [];
  for (const level of ["log", "info", "warn", "error", "debug", "trace"] as const) {
    t.mock.method(
      console,
      level,
      (...parts: unknown[]) => void printed.push(parts.map((part) => inspect(part)).join(" ")),
    );
  }
  return () => printed.join("\n");
}

testEverywhere(
  "[60][97] no key, ticket, cookie or data shows in any object, error, event or line of the log",
  async (site, t) => {
    const events = collectEvents(t);
    const output = collectOutput(t);
    const things: [string, unknown][] = [["the hub", site.sessions]];
    const visitor = site.visitor();
    await visitor.with((session) => {
      session.set("diary", data);
      session.flash(message);
    });
    const anonymous = visitor.ticket ?? "";
    await visitor.with((session) => session.login("leo", { keep: ["diary"] }));
    const canaries = [
      site.secret,
      anonymous,
      visitor.ticket ?? "",
      ...anonymous.split(".").slice(1),
      ...(visitor.ticket ?? "").split(".").slice(1),
    ];
    canaries.push(data, message, cookieValue);

    const response = await visitor.send(async (at) => {
      const session = await site.sessions.of(at);
      const cookies = site.sessions.cookies(at);
      cookies.sealed.set("sealed", cookieValue);
      session.get("diary");
      things.push(
        ["a session", session],
        ["the cookies", cookies],
        ["a session's info", await site.sessions.list("leo")],
      );
      things.push([
        "an exchange",
        exchangesOf(site.sessions).begin({ method: "GET", header: () => null }, []),
      ]);
      for (const provoke of provocations(session, (name, value, scope) => cookies.set(name, value, scope))) {
        try {
          await provoke();
          assert.fail("nothing was provoked");
        } catch (error) {
          assert.ok(error instanceof CoatcheckError, inspect(error));
          things.push([`the error ${error.code}`, error]);
        }
      }
      return new Response("page");
    });
    // Forged, superseded, ambiguous, damaged: what is refused is told, and not shown.
    const flipped = `${visitor.ticket?.slice(0, -1)}${visitor.ticket?.endsWith("A") ? "Q" : "A"}`;
    for (const cookie of [
      anonymous,
      flipped,
      "CANARY-cookie-value",
      `${anonymous}; __Host-Http-session=${visitor.ticket}`,
    ]) {
      await visitor.with((session) => things.push(["a rejection", session.rejection]), {
        cookie: `__Host-Http-session=${cookie}`,
      });
    }
    site.store.tamper = (record) => ({
      ...record,
      fields: new Map(Array.from(record.fields, ([name]) => [name, Buffer.from(`{${data}`)])),
    });
    await visitor.with((session) => session.get("diary"));
    site.store.tamper = (record) => record;
    await visitor.with((session) => session.logout());

    for (const [where, thing] of things) assertClean(shown(thing), canaries, where);
    assert.ok(events.length > 5);
    for (const event of events) assertClean(shown(event), canaries, `the event ${event.type}`);
    assertClean(output(), canaries, "the log");
    // [9] The ticket is in its Set-Cookie header and nowhere else.
    const rest = [...response.headers].filter(([name]) => name !== "set-cookie");
    assertClean(JSON.stringify(rest) + (await response.text()), canaries, "the response");
  },
);

function* provocations(
  session: Session,
  setCookie: (name: string, value: string, scope?: Record<string, string>) => void,
): Generator<() => unknown> {
  const loop: { self?: unknown; text: string } = { text: data };
  loop.self = loop;
  for (const value of [
    undefined,
    () => data,
    Symbol(data),
    loop,
    new Error(data),
    [data, Number.NaN],
    Buffer.from(data),
    new Date(Number.NaN),
  ]) {
    yield () => session.set("x", value);
    yield () => session.update("x", () => value);
  }
  yield () => session.set("x", data.repeat(10_000));
  yield () => session.set("", data);
  yield () => session.flash(message.repeat(1000));
  yield () => session.flash(message, "c".repeat(3000));
  yield () => session.flash("\ud800" + message);
  yield () => session.login("");
  yield () => session.login(42 as unknown as string);
  yield () => setCookie(`a;${cookieValue}`, cookieValue);
  yield () => setCookie("a", cookieValue.repeat(1000));
  yield () => setCookie("a", "\ud800" + cookieValue);
  yield () => setCookie("a", cookieValue, { path: cookieValue });
  yield () => setCookie("__Host-Http-session", cookieValue);
}

test("[97] what a failing store says reaches the app as a cause, and no event or message", async (t) => {
  const site = new Site(t);
  const events = collectEvents(t);
  const visitor = site.visitor();
  await visitor.login("leo");
  site.store.before = () => {
    throw new Error(`INSERT failed for ${data}`);
  };
  const error = await visitor
    .with((session) => session.get("x"))
    .then(
      () => assert.fail("the store's failure was not told"),
      (reason: unknown) => reason,
    );
  assert.ok(error instanceof CoatcheckError);
  assert.equal(error.message.includes(data), false);
  assert.ok(inspect(error.cause).includes(data));
  for (const event of events) assertClean(shown(event), [data], `the event ${event.type}`);
});

test("[60] a refused key is not shown in the error that refuses it", () => {
  const weak = [
    "CANARY-key-too-short",
    "CANARY-this-is-a-secret-of-a-sample-and-long-enough",
    "CANARYCANARYCANARYCANARYCANARYCANARYCANARY",
    "CANARY canary words that make a sentence long enough",
  ];
  for (const key of weak) {
    for (const secret of [key, [generateSecret(), key], Buffer.from(key)]) {
      if (secret instanceof Uint8Array && key === weak[3]) continue;
      try {
        createSessions({ secret, store: memoryStore() });
        assert.fail("taken");
      } catch (error) {
        assertClean(shown(error), [key], "the error");
      }
    }
  }
});

test("[97] a header of a stranger does not end up in an event", async (t) => {
  const site = new Site(t);
  const events = collectEvents(t);
  const evil = "CANARY\u001b[31m";
  await site.visitor().with((session) => session.set("x", 1), {
    headers: { "user-agent": "CANARY-agent", origin: "https://CANARY.example" },
    cookie: `__Host-Http-session=CANARY; CANARY=${encodeURIComponent(evil)}`,
  });
  await site.visitor().send(() => new Response(), {
    method: "POST",
    headers: { origin: "https://canary.example", "sec-fetch-site": "CANARY" },
    url: `${home}CANARY`,
  });
  assert.ok(events.length >= 3);
  for (const event of events) assert.doesNotMatch(shown(event), /canary/i);
});
