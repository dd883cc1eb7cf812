// coatcheck/next against a stand-in for Next.js.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import { fromCookieSession } from "coatcheck/adopt";
import { memoryStore } from "coatcheck/memory";
import { nextSessions } from "coatcheck/next";
import { cookieSessionCookies } from "./old-systems.ts";

test("in Next.js a component sees the adopted session, and the next action sends its cookie", async () => {
  const sessions = createSessions({
    secret: generateSecret(),
    store: memoryStore(),
    adopt: [
      fromCookieSession<{ user: string }>({
        secret: "the old key",
        until: new Date(Date.now() + 3_600_000),
        take: (old) => ({ subject: old.user }),
      }),
    ],
  });
  const old = cookieSessionCookies({ user: "leo" }, "the old key");
  const jar = new Map(old.split("; ").map((pair) => pair.split(/=(.*)/) as [string, string]));
  let head = new Headers();
  const request = (): void => {
    head = new Headers({ cookie: Array.from(jar, ([name, value]) => `${name}=${value}`).join("; ") });
  };
  const next = nextSessions(sessions, {
    headers: async () => head,
    cookies: async () => ({
      getAll: () => Array.from(jar, ([name, value]) => ({ name, value })),
      set(name: string, value: string, { maxAge }: { readonly maxAge?: number }) {
        if (maxAge === 0) jar.delete(name);
        else jar.set(name, value);
      },
    }),
    redirect: (path: string): never => {
      throw new Error(path);
    },
  });
  for (let page = 0; page < 2; page++) {
    request();
    assert.equal((await next.read()).subject, "leo");
    assert.deepEqual([...jar.keys()], ["session", "session.sig"], "a component can set no cookie");
  }
  request();
  assert.equal(await next.action(async () => (await sessions.current()).subject)(), "leo");
  assert.deepEqual([...jar.keys()], ["__Host-Http-session"]);
  assert.equal((await next.read()).subject, "leo", "after the action, in the same request");
  assert.equal((await sessions.list("leo")).length, 1);

  request();
  await next.action(async () => (await sessions.current()).logout())();
  assert.deepEqual([...jar.keys()], []);
  head = new Headers({ cookie: old });
  assert.equal((await next.read()).subject, undefined);
});
