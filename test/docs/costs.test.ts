import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Session } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { probeStore, testClock } from "coatcheck/testing";
import { pages } from "./workshop.ts";

interface Data {
  user: string;
  theme: string;
}

interface Visit {
  readonly calls: string;
  readonly headers: Headers;
  readonly cookie: string;
}

const { store, calls } = probeStore(memoryStore());
const clock = testClock();
const sessions = createSessions<Data>({ secret: generateSecret(), store, clock });

async function visit(cookie: string, use: (session: Session<Data>) => unknown): Promise<Visit> {
  calls.length = 0;
  const request = new Request("https://example.com/", { headers: cookie === "" ? {} : { cookie } });
  const { headers } = await sessions.handle(request, async (own) => {
    if (use !== untouched) await use(await sessions.of(own));
    return new Response(null);
  });
  const counts = Map.groupBy(calls, ({ operation }) => operation);
  return {
    calls: Array.from(counts, ([call, { length }]) => `${length} ${call}`).join(", ") || "none",
    headers,
    cookie: headers.getSetCookie()[0]?.split(";")[0] ?? cookie,
  };
}

const untouched = () => undefined;

/** A visitor who has a session, by their cookie. */
const known = async () => (await visit("", (session) => session.set("user", "Lea"))).cookie;

test("what a request costs is what the page says", async () => {
  const none = await visit(await known(), untouched);
  assert.deepEqual([...none.headers], []);
  const flashed = await visit(await known(), (session) => session.flash("Hello"));
  const forged = (await known()).replace(/.$/, (last) => (last === "A" ? "Q" : "A"));
  const unknown = await visit(forged, (session) => session.get("user"));
  const stranger = await visit("", (session) => session.get("user"));
  assert.equal(unknown.calls, stranger.calls);

  const rows: [string, string][] = [
    ["does not use its session", `${none.calls} (and no header)`],
    ["uses it, and the visitor brings no cookie, or a forged one", unknown.calls],
    ["reads", (await visit(await known(), (session) => session.get("user"))).calls],
    ["changes any number of keys", (await visit(await known(), writesTwo)).calls],
    ["keeps the first data of a new visitor", (await visit("", writesTwo)).calls],
    ["shows messages", (await visit(flashed.cookie, (session) => session.takeFlashes())).calls],
    ["logs in a visitor without a session", (await visit("", (session) => session.login("lea"))).calls],
    [
      "logs in a visitor with a session",
      (await visit(await known(), (session) => session.login("lea"))).calls,
    ],
    ["logs out", (await visit(await known(), (session) => session.logout())).calls],
    [
      "logs in a visitor with a session, and responds 10 ms later",
      (await visit(await known(), slowLogin)).calls,
    ],
  ];
  const table =
    /## What it costs[^]*?\|---\|---\|\n((?:\|.*\n)+)/.exec(pages().get("docs/lifecycle.md") ?? "")?.[1] ??
    "";
  assert.deepEqual(
    table.trim().split("\n"),
    rows.map(([what, cost]) => `| ${what} | ${cost} |`),
  );
});

async function slowLogin(session: Session<Data>): Promise<void> {
  await session.login("lea");
  clock.advance(10);
}

function writesTwo(session: Session<Data>): void {
  session.set("user", "Lea");
  session.set("theme", "dark");
}
