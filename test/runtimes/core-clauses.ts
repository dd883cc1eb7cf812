import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { ConfigError, createSessions, eventChannel, generateSecret } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { CookieJar, probeStore, testClock } from "coatcheck/testing";
import type { RuntimeClause } from "./clause.ts";

const address = "http://localhost/";

function visit(jar: CookieJar): Request {
  return new Request(address, jar.header === undefined ? {} : { headers: { cookie: jar.header } });
}

/** Every kind of value that a session keeps. */
function everything(): Record<string, unknown> {
  return {
    date: new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6)),
    map: new Map<unknown, unknown>([
      ["a", 1n],
      [2, new Set(["x"])],
    ]),
    set: new Set([1, "two"]),
    big: 12345678901234567890n,
    bytes: Uint8Array.from({ length: 256 }, (_, at) => at),
    url: new URL("https://example.com/a?b=c#d"),
    text: "grüße 日本 🎟 \u0000",
    deep: { list: [1, [2, [null, true]]], __proto__key: "plain" },
  };
}

/** Clauses about what the core asks of its runtime: cryptography, bytes, context, timers, events. */
export const coreClauses: readonly RuntimeClause[] = [
  ...[true, false].map((inProcess): RuntimeClause => ({
    name: `every kind of value comes back as it went in, ${inProcess ? "kept as it is" : "sealed"}`,
    async check() {
      const probe = probeStore({ ...bound(memoryStore()), inProcess });
      const sessions = createSessions({ secret: generateSecret(), store: probe.store });
      const jar = new CookieJar();
      const kept = await sessions.handle(visit(jar), async (request) => {
        const session = await sessions.of(request);
        for (const [key, value] of Object.entries(everything())) session.set(key, value);
        return new Response();
      });
      jar.take(kept);
      const record = probe.calls.find((call) => call.operation === "create")?.record;
      const stored = Array.from(record?.fields.values() ?? [], (bytes) => new TextDecoder().decode(bytes));
      assert.equal(
        stored.some((field) => field.includes("example.com")),
        inProcess,
      );
      let found: unknown;
      await sessions.handle(visit(jar), async (request) => {
        found = Object.fromEntries((await sessions.of(request)).entries());
        return new Response();
      });
      assert.deepEqual(found, everything());
      await sessions.close();
    },
  })),

  {
    name: "a ticket with any one character changed opens nothing, and asks the store nothing",
    async check() {
      const probe = probeStore(memoryStore());
      const sessions = createSessions({ secret: generateSecret(), store: probe.store });
      const jar = new CookieJar();
      jar.take(
        await sessions.handle(visit(jar), async () => {
          await (await sessions.current()).login("ana");
          return new Response();
        }),
      );
      const ticket = jar.get("__Host-Http-session") ?? "";
      assert.match(ticket, /^[\w-]{22}\.[\w-]{43}\.[\w-]{22}$/);
      probe.calls.length = 0;
      for (let at = 0; at < ticket.length; at++) {
        const forged = `${ticket.slice(0, at)}${ticket[at] === "A" ? "B" : "A"}${ticket.slice(at + 1)}`;
        const headers = { cookie: `__Host-Http-session=${forged}` };
        await sessions.handle(new Request(address, { headers }), async () => {
          assert.equal((await sessions.current()).subject, undefined);
          return new Response();
        });
      }
      assert.deepEqual(probe.calls, []);
      await sessions.close();
    },
  },

  {
    name: "signed and sealed cookies open under the next key too, and edited ones do not",
    async check() {
      const old = generateSecret();
      const store = memoryStore();
      const before = createSessions({ secret: old, store });
      const after = createSessions({ secret: [generateSecret(), old], store });
      const jar = new CookieJar();
      jar.take(
        await before.handle(visit(jar), (request) => {
          const cookies = before.cookies(request);
          cookies.signed.set("signed", "shown, not changed");
          cookies.sealed.set("sealed", "grüße-an-alle");
          return new Response();
        }),
      );
      assert.ok(!(jar.get("sealed") ?? "").includes("an-alle"));
      await after.handle(visit(jar), (request) => {
        const cookies = after.cookies(request);
        assert.equal(cookies.signed.get("signed"), "shown, not changed");
        assert.equal(cookies.sealed.get("sealed"), "grüße-an-alle");
        return new Response();
      });
      const sealed = jar.get("sealed") ?? "";
      const edited = (sealed.startsWith("A") ? "B" : "A") + sealed.slice(1);
      await after.handle(new Request(address, { headers: { cookie: `sealed=${edited}` } }), (request) => {
        assert.equal(after.cookies(request).sealed.get("sealed"), undefined);
        return new Response();
      });
    },
  },

  {
    name: "the current session survives timers, streams and promises, and ends with its request",
    async check() {
      const sessions = createSessions({ secret: generateSecret(), store: memoryStore() });
      await sessions.handle(new Request(address), async (request) => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        await Promise.all([Promise.resolve(), new Response("x").text()]);
        await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
        assert.equal(await sessions.current(), await sessions.of(request));
        return new Response();
      });
      await assert.rejects(sessions.current(), { code: "NO_SESSION_HERE" });
    },
  },

  {
    name: "sessions end on the server's clock, whatever the cookie says",
    async check() {
      const clock = testClock();
      const sessions = createSessions({
        secret: generateSecret(),
        store: memoryStore(),
        clock,
        idleTimeout: { minutes: 5 },
      });
      const jar = new CookieJar();
      jar.take(
        await sessions.handle(visit(jar), async () => {
          await (await sessions.current()).login("ana");
          return new Response();
        }),
      );
      clock.advance(5 * 60_000 + 1);
      await sessions.handle(visit(jar), async () => {
        assert.equal((await sessions.current()).subject, undefined);
        return new Response();
      });
    },
  },

  {
    name: "events reach those who subscribed",
    async check() {
      const seen: unknown[] = [];
      const listen = (event: unknown): void => void seen.push(event);
      subscribe(eventChannel, listen);
      try {
        const sessions = createSessions({ secret: generateSecret(), store: memoryStore() });
        await sessions.handle(new Request(address), async () => {
          await (await sessions.current()).login("ana");
          return new Response();
        });
      } finally {
        unsubscribe(eventChannel, listen);
      }
      assert.ok(seen.length > 0);
    },
  },

  {
    name: "a weak secret key is refused",
    async check() {
      assert.throws(
        () => createSessions({ secret: "keyboard cat", store: memoryStore() }),
        (error) => error instanceof ConfigError && error.code === "SECRET_WEAK",
      );
    },
  },
];

/** A store as a plain object, so that one property of it can be another. */
function bound(store: ReturnType<typeof memoryStore>): ReturnType<typeof memoryStore> {
  return { ...probeStore(store).store };
}
