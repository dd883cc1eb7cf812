import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions } from "coatcheck";
import type { KeyOf, Session, Sessions } from "coatcheck";
import type { Exchange } from "coatcheck/adapter";
import { expressErrors, expressSessions } from "coatcheck/express";
import { fetchSessions, requireLogin } from "coatcheck/fetch";
import { h3Sessions } from "coatcheck/h3";
import { honoSessions } from "coatcheck/hono";
import { memoryStore } from "coatcheck/memory";
import { nextSessions } from "coatcheck/next";
import type { NextSessions, NextSessionsOptions, ReadableSession } from "coatcheck/next";
import { exchangesOf } from "coatcheck/adapter";

// What compiles is most of what is tested here: `npm run check -- types` looks at it.

/** An interface has no index signature, so it is no `Record<string, unknown>`. */
interface Remembered {
  user: string;
  cart: string[];
  visits?: number;
}

const options = { secret: "9f2JmQxW0cTq7LrYv5hNbKd8sGzE3uXpRa1oViMw4Ic", store: memoryStore() };
const typed = createSessions<Remembered>(options);
const literal = createSessions<{ user: string }>(options);
const untyped = createSessions(options);

/** Helpers as readers write them, which know of no keys. */
async function messageArea(session: Session): Promise<string> {
  return (await session.takeFlashes()).map(({ message }) => message).join();
}
const nameOf = (session: Session): string => String(session.get("user"));
async function signOut(sessions: Sessions, request: Request): Promise<void> {
  await (await sessions.of(request)).logout();
}
class Area {
  readonly session: Session;
  constructor(session: Session) {
    this.session = session;
  }
}
/** Helpers that know of some keys, or of none but what they are given. */
function greet<Data extends { user: string }>(session: Session<Data>): string {
  const name: string | undefined = session.get("user");
  return name ?? "nobody";
}
function take<Data extends object, Key extends KeyOf<Data>>(
  session: Session<Data>,
  key: Key,
): Data[Key] | undefined {
  const value = session.get(key);
  session.delete(key);
  return value;
}
function put<Data extends object, Key extends KeyOf<Data>>(
  session: Session<Data>,
  key: Key,
  value: Data[Key],
): void {
  session.set(key, value);
}

/** Whether two types are the same, so that `any` passes for nothing else. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- functions are the same only where both types are
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(proof: Same<A, B>): void {
  assert.equal(proof, true);
}

test("a bare Session is any session, whatever its hub says it holds", async () => {
  for (const visit of [
    (request: Request) => typed.of(request),
    (request: Request) => literal.of(request),
    (request: Request) => untyped.of(request),
  ]) {
    const response = await untyped.handle(new Request("http://localhost/"), () => new Response("no"));
    assert.equal(await response.text(), "no");
    await assert.rejects(visit(new Request("http://localhost/")), { code: "NO_SESSION_HERE" });
  }
  const answered = await typed.handle(new Request("http://localhost/"), async (request) => {
    const session = await typed.of(request);
    session.set("user", "lea");
    session.flash("Hello.");
    const area = new Area(session);
    const many: Session[] = [session];
    const kept = new Map<string, Session>([["a", session]]);
    assert.equal(many.length + kept.size, 2);
    const said = [await messageArea(session), nameOf(area.session), greet(session)];
    put(session, "cart", ["a"]);
    said.push(String(take(session, "cart")), String(session.has("cart")));
    await signOut(typed, request);
    return new Response(said.join(" "));
  });
  assert.equal(await answered.text(), "Hello. lea lea a false");
});

test("a bare Session tells nothing of what its values are, and takes any", async () => {
  await typed.handle(new Request("http://localhost/"), async (request) => {
    const bare: Session = await typed.of(request);
    const value = bare.get("user");
    same<typeof value, unknown>(true);
    bare.set("anything", 1);
    const [entry] = bare.entries();
    same<typeof entry, [string, unknown] | undefined>(true);
    const stored = await bare.update("count", (before) => {
      same<typeof before, unknown>(true);
      return 1;
    });
    same<typeof stored, unknown>(true);
    // @ts-expect-error -- what is unknown has to be looked at
    const length: number = bare.get("user");
    return new Response(String(length));
  });
});

test("a typed session is as strict as before", async () => {
  await typed.handle(new Request("http://localhost/"), async (request) => {
    const session = await typed.of(request);
    const user = session.get("user");
    same<typeof user, string | undefined>(true);
    const visits = await session.update("visits", (before = 0) => {
      same<typeof before, number>(true);
      return before + 1;
    });
    same<typeof visits, number | undefined>(true);
    const keys = session.keys();
    same<typeof keys, ("user" | "cart" | "visits")[]>(true);
    // @ts-expect-error -- a number is no name
    session.set("user", 1);
    // @ts-expect-error -- misspelt
    session.get("usr");
    // @ts-expect-error -- misspelt
    session.has("usr");
    // @ts-expect-error -- misspelt
    session.delete("usr");
    // @ts-expect-error -- a text is no number of visits
    await session.update("visits", () => "1").catch(() => undefined);
    // @ts-expect-error -- the keys that stay are keys
    await session.login("1", { keep: ["usr"] });
    // @ts-expect-error -- another hub's session, whose user is a number
    const other: Session<{ user: number }> = session;
    // @ts-expect-error -- another hub
    const hub: Sessions<{ user: number }> = typed;
    const sessions: Sessions = hub;
    return new Response(String(other.loggedIn && hub === sessions));
  });
});

test("a bare Sessions is any hub, for adapters and for readers' helpers", async () => {
  const hubs: Sessions[] = [typed, literal, untyped];
  const next = { cookies: () => ({}), headers: () => ({}), redirect: () => ({}) };
  for (const hub of hubs) {
    const exchange: Exchange = exchangesOf(hub).begin({ method: "GET", header: () => null }, []);
    const session: Session = await exchange.session(false);
    const value = session.get("a");
    same<typeof value, unknown>(true);
    const made = [expressSessions(hub), expressErrors(hub), honoSessions(hub), h3Sessions(hub)];
    const handler = fetchSessions(
      hub,
      requireLogin(hub, () => new Response("in")),
    );
    assert.equal((await handler(new Request("http://localhost/"))).status, 401);
    const pages: NextSessions = nextSessions(hub, next as unknown as NextSessionsOptions);
    assert.ok(made.length + Object.keys(pages).length > 7);
  }
  const read = async (pages: NextSessions): Promise<ReadableSession> => pages.read();
  const show = (session: ReadableSession): string => String(session.get("user"));
  const typedPages: NextSessions<Remembered> = nextSessions(typed, next as unknown as NextSessionsOptions);
  await assert.rejects(async () => show(await read(typedPages)), TypeError);
  await assert.rejects(async () => {
    const session = await typedPages.read();
    const user = session.get("user");
    same<typeof user, string | undefined>(true);
    // @ts-expect-error -- components do not write
    session.set("user", "x");
  }, TypeError);
});
