import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Sessions } from "coatcheck";
import type { RequestLike } from "coatcheck/adapter";
import { memoryStore } from "coatcheck/memory";
import { CookieJar } from "coatcheck/testing";
import { loud } from "../support/loud.ts";

// A page of another site opens a WebSocket to this one: the browser sends this site's cookies along,
// by GET, and does not keep the page from reading the answers.

async function loggedIn(): Promise<{ sessions: Sessions; cookie: string }> {
  const sessions = createSessions({ secret: generateSecret(), store: memoryStore() });
  const jar = new CookieJar();
  const request = new Request("http://site.example/");
  jar.take(
    await sessions.handle(request, async () => {
      await (await sessions.of(request)).login("ana");
      return new Response();
    }),
  );
  return { sessions, cookie: jar.header ?? "" };
}

function handshake(cookie: string, headers: Readonly<Record<string, string>>): RequestLike {
  const all: Record<string, string> = { host: "site.example", upgrade: "websocket", cookie, ...headers };
  return { method: "GET", header: (name) => all[name] };
}

const foreign: Readonly<Record<string, string>>[] = [
  { origin: "https://evil.example" },
  { origin: "https://site.example.evil.example" },
  { origin: "https://sibling.site.example", "sec-fetch-site": "same-site" },
  { origin: "null" },
  { "sec-fetch-site": "cross-site" },
  { origin: "https://evil.example", upgrade: "WebSocket" },
];

test("[69] a handshake from another site opens no session", async () => {
  const { sessions, cookie } = await loggedIn();
  for (const headers of foreign) {
    const session = await sessions.handshake(handshake(cookie, headers));
    assert.equal(session.loggedIn, false);
    assert.deepEqual(session.rejection, { reason: "cross-origin" });
    assert.equal(session.signal.aborted, true);
  }
});

test("[69] nor does one over HTTP/2, which is a CONNECT and has no Upgrade (RFC 8441)", async () => {
  const { sessions, cookie } = await loggedIn();
  for (const headers of foreign) {
    const { upgrade: _, ...sent } = headers;
    const all: Record<string, string> = { host: "site.example", cookie, ...sent };
    const session = await sessions.handshake({ method: "CONNECT", header: (name) => all[name] });
    assert.deepEqual([session.loggedIn, session.rejection], [false, { reason: "cross-origin" }]);
  }
});

test("[69] nor does one that a handler of a fetch server takes", async () => {
  const { sessions, cookie } = await loggedIn();
  for (const headers of foreign) {
    const request = new Request("http://site.example/", {
      headers: { host: "site.example", upgrade: "websocket", cookie, ...headers },
    });
    await sessions.handle(
      request,
      async () => {
        assert.equal((await sessions.of(request)).loggedIn, false);
        return new Response();
      },
      loud,
    );
  }
});

test("a handshake from a page of ours opens the session, to be read and watched and not written", async () => {
  const { sessions, cookie } = await loggedIn();
  for (const headers of [{ origin: "https://site.example" }, { "sec-fetch-site": "same-origin" }, {}]) {
    const session = await sessions.handshake(handshake(cookie, headers));
    assert.equal(session.subject, "ana");
    assert.equal(session.signal.aborted, false);
    assert.throws(() => session.set("a", 1), { code: "AFTER_RESPONSE" });
    await assert.rejects(session.logout(), { code: "AFTER_RESPONSE" });
  }
});
