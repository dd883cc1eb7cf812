// signIn and sessionOf of coatcheck/testing, with the real test clients.

import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, test } from "node:test";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import request from "supertest";
import { createSessions, eventChannel, generateSecret } from "coatcheck";
import type { PublishedEvent, Sessions, SessionsOptions } from "coatcheck";
import { expressSessions } from "coatcheck/express";
import { fastifySessions } from "coatcheck/fastify";
import { honoSessions } from "coatcheck/hono";
import { memoryStore } from "coatcheck/memory";
import { CookieJar, probeStore, sendSecureCookies, sessionOf, signIn, testClock } from "coatcheck/testing";

interface Data {
  readonly cart: string[];
  readonly theme: string;
}

function newSessions(options: Partial<SessionsOptions> = {}): Sessions<Data> {
  return createSessions<Data>({ secret: generateSecret(), store: memoryStore(), ...options });
}

/** A site in Express with a login, a logout, and a page that says who is logged in and shows the messages. */
function expressApp(sessions: Sessions<Data>): express.Express {
  const app = express();
  app.use(expressSessions(sessions), express.urlencoded());
  app.get("/", async (req, res) => {
    const session = await sessions.of(req);
    const messages = await session.takeFlashes();
    const texts = messages.map(({ message }) => message);
    res.send([session.subject ?? "nobody", ...(session.get("cart") ?? []), ...texts].join(" "));
  });
  app.post("/login", async (req: express.Request<object, string, { name: string }>, res) => {
    await (await sessions.of(req)).login(req.body.name);
    res.redirect(303, "/");
  });
  app.post("/logout", async (req, res) => {
    await (await sessions.of(req)).logout();
    res.redirect(303, "/");
  });
  return app;
}

describe("signIn", () => {
  test("begins a session as a login does: with data, messages, an agent and a lifetime", async () => {
    const sessions = newSessions();
    const leo = await signIn(sessions, "42", {
      data: { cart: ["tea"], theme: "dark" },
      flashes: ["Welcome.", { message: "No milk left.", category: "warning" }],
      permanent: true,
      agent: "Firefox",
    });
    assert.equal(leo.subject, "42");
    const [listed] = await sessions.list("42");
    assert.deepEqual(
      { id: listed?.id, permanent: listed?.permanent, agent: listed?.agent },
      { id: leo.id, permanent: true, agent: "Firefox" },
    );
    const kept = await sessionOf(sessions, leo);
    assert.deepEqual(kept?.data, { cart: ["tea"], theme: "dark" });
    assert.deepEqual(kept.flashes, [
      { message: "Welcome.", category: "message" },
      { message: "No milk left.", category: "warning" },
    ]);
    assert.ok(kept.permanent && kept.subject === "42" && kept.authenticatedAt !== undefined);
    assert.match(
      leo.setCookie,
      /^__Host-Http-session=[\w.-]{89}; Path=\/; Max-Age=\d+; Secure; HttpOnly; SameSite=Lax$/,
    );
  });

  test("begins a separate session each time, and its subject ends all of them", async () => {
    const sessions = newSessions();
    const [one, other] = [await signIn(sessions, "42"), await signIn(sessions, "42")];
    assert.notEqual(one.id, other.id);
    assert.equal(await sessions.revokeAll("42"), 2);
    assert.equal(await sessionOf(sessions, one), undefined);
  });

  test("fails as a login does, and begins nothing", async () => {
    const probe = probeStore(memoryStore());
    const sessions = newSessions({ store: probe.store });
    await assert.rejects(signIn(sessions, ""), { code: "SUBJECT_INVALID" });
    await assert.rejects(signIn(sessions, "42", { data: { theme: (() => "") as never } }), {
      code: "VALUE_NOT_STORABLE",
    });
    await assert.rejects(signIn(newSessions({ secret: "" }), "42"), { code: "SECRET_MISSING" });
    assert.equal(probe.count("create"), 0);
    probe.around = (call, run) => (call.operation === "patch" ? Promise.reject(new Error("full")) : run());
    await assert.rejects(signIn(sessions, "42", { data: { theme: "dark" } }), { code: "STORE_FAILED" });
  });

  test("gives Hono's app.request its headers", async () => {
    const sessions = newSessions();
    const app = new Hono().use(honoSessions(sessions));
    app.get("/", async (c) => c.text((await sessions.of(c)).subject ?? "nobody"));
    const leo = await signIn(sessions, "leo");
    assert.equal(await (await app.request("/", { headers: leo.headers })).text(), "leo");
    assert.equal(await (await app.request("/")).text(), "nobody");
  });

  test("gives Fastify's inject its cookies", async (t) => {
    const sessions = newSessions();
    const app = fastify();
    t.after(() => app.close());
    await app.register(fastifySessions(sessions));
    app.get("/", async (req) => (await sessions.of(req)).subject ?? "nobody");
    app.post("/logout", async (req) => {
      await (await sessions.of(req)).logout();
      return "";
    });
    const { cookies } = await signIn(sessions, "leo");
    assert.equal((await app.inject({ url: "/", cookies })).body, "leo");
    const bye = await app.inject({ method: "POST", url: "/logout", cookies });
    assert.equal(await sessionOf(sessions, bye), undefined);
    assert.equal((await app.inject({ url: "/", cookies })).body, "nobody");
  });

  test("gives supertest its Cookie header", async () => {
    const sessions = newSessions();
    const leo = await signIn(sessions, "leo", { data: { cart: ["tea"] } });
    const page = await request(expressApp(sessions)).get("/").set("Cookie", leo.cookie);
    assert.equal(page.text, "leo tea");
  });

  test("puts its cookie into a supertest agent, which keeps it until the logout", async () => {
    const sessions = newSessions();
    const leo = await signIn(sessions, "leo", { flashes: ["Hello."] });
    const agent = leo.into(request.agent(expressApp(sessions)));
    assert.equal((await agent.get("/")).text, "leo Hello.");
    assert.equal((await agent.get("/")).text, "leo");
    assert.equal((await sessionOf(sessions, agent))?.subject, "leo");
    assert.equal((await agent.post("/logout").redirects(1)).text, "nobody");
    assert.equal(await sessionOf(sessions, agent), undefined);
    assert.equal(await sessionOf(sessions, leo), undefined);
  });

  test("puts its cookie into an agent in which another visitor was logged in", async () => {
    const sessions = newSessions();
    const agent = sendSecureCookies(request.agent(expressApp(sessions)));
    await agent.post("/login").type("form").send({ name: "eve" });
    const leo = await signIn(sessions, "leo");
    assert.equal((await leo.into(agent).get("/")).text, "leo");
  });

  test("fills a CookieJar", async () => {
    const sessions = newSessions();
    const leo = await signIn(sessions, "leo");
    const jar = leo.jar();
    assert.deepEqual(jar.headers, leo.headers);
    assert.equal(jar.get("__Host-Http-session"), leo.cookies["__Host-Http-session"]);
    assert.equal((await sessionOf(sessions, jar))?.subject, "leo");
  });

  test("describes its cookie to Playwright with all attributes", async () => {
    const value = /^[\w.-]{89}$/;
    const plain = (await signIn(newSessions(), "leo")).storageState("http://localhost:3000/login");
    assert.match(plain.cookies[0]?.value ?? "", value);
    assert.deepEqual(plain, {
      cookies: [
        {
          name: "__Host-Http-session",
          value: plain.cookies[0]?.value,
          domain: "localhost",
          path: "/",
          expires: -1,
          httpOnly: true,
          secure: true,
          sameSite: "Lax",
        },
      ],
      origins: [],
    });
    const cookie = {
      name: "shop",
      path: "/shop",
      domain: "example.com",
      secure: false,
      sameSite: "strict",
    } as const;
    const sessions = newSessions({ cookie, permanentLifetime: { days: 5 }, clock: testClock() });
    const [wide] = (await signIn(sessions, "leo", { permanent: true })).storageState(
      "http://shop.example.com",
    ).cookies;
    const { expires = 0, value: _, ...rest } = wide ?? {};
    assert.ok(Math.abs(expires - Date.now() / 1000 - 5 * 86_400) < 60);
    assert.deepEqual(rest, {
      name: "shop",
      domain: ".example.com",
      path: "/shop",
      httpOnly: true,
      secure: false,
      sameSite: "Strict",
    });
  });
});

describe("a supertest agent that logs in itself over plain http", () => {
  test("is logged out at its next request, because its jar keeps Secure cookies back", async () => {
    const agent = request.agent(expressApp(newSessions()));
    await agent.post("/login").type("form").send({ name: "lea" });
    assert.equal((await agent.get("/")).text, "nobody");
  });

  test("stays logged in with sendSecureCookies, and is logged out when it logs out", async () => {
    const sessions = newSessions();
    const agent = sendSecureCookies(sendSecureCookies(request.agent(expressApp(sessions))));
    const page = await agent.post("/login").type("form").send({ name: "lea" }).redirects(1);
    assert.equal(page.text, "lea");
    assert.equal((await agent.get("/")).text, "lea");
    assert.equal((await sessionOf(sessions, agent))?.subject, "lea");
    await agent.post("/logout");
    assert.equal((await agent.get("/")).text, "nobody");
  });
});

describe("sessionOf", () => {
  test("finds the session of every kind of source", async () => {
    const sessions = newSessions();
    const leo = await signIn(sessions, "leo");
    const jar = new CookieJar();
    jar.take(new Response("", { headers: { "set-cookie": leo.setCookie } }));
    const sources = {
      "a Cookie header": `theme=dark; ${leo.cookie}`,
      "a Set-Cookie header": leo.setCookie,
      "several Set-Cookie headers": ["theme=dark; Path=/", leo.setCookie],
      "cookies with names and values": leo.storageState("http://localhost").cookies,
      "the result of signIn": leo,
      "a jar": jar,
      "a response of fetch": new Response("", { headers: { "set-cookie": leo.setCookie } }),
      "a response of Node": { headers: { "set-cookie": [leo.setCookie] } },
      "a response with one header": { headers: { "set-cookie": leo.setCookie, "content-length": 3 } },
      "a request of fetch": new Request("http://localhost", { headers: leo.headers }),
      "a request of Node": { headers: leo.headers },
      "an agent": leo.into(request.agent(expressApp(sessions))),
    };
    for (const [name, source] of Object.entries(sources)) {
      assert.equal((await sessionOf(sessions, source))?.id, leo.id, name);
    }
  });

  test("finds the session of a supertest response that began it", async () => {
    const sessions = newSessions();
    const response = await request(expressApp(sessions)).post("/login").type("form").send({ name: "lea" });
    assert.equal((await sessionOf(sessions, response))?.subject, "lea");
  });

  test("finds a session in which nobody is logged in", async () => {
    const sessions = newSessions();
    const response = await sessions.handle(new Request("http://localhost/"), async (own) => {
      (await sessions.of(own)).set("theme", "dark");
      return new Response();
    });
    const kept = await sessionOf(sessions, response);
    assert.equal(kept?.subject, undefined);
    assert.equal(kept?.authenticatedAt, undefined);
    assert.deepEqual(kept?.data, { theme: "dark" });
  });

  test("finds nothing without a cookie, with a foreign one, or in an empty jar", async () => {
    const sessions = newSessions();
    const foreign = await signIn(newSessions(), "leo");
    const sources = [undefined, "", [], new CookieJar(), new Response(), { headers: {} }, foreign];
    for (const source of sources) assert.equal(await sessionOf(sessions, source), undefined);
  });

  test("says what it takes to somebody who passes something else", async () => {
    await assert.rejects(sessionOf(newSessions(), {} as never), /needs a cookie, a jar or a response/);
  });

  test("uses nothing up: no message, no timeout, no write", async () => {
    const clock = testClock();
    const probe = probeStore(memoryStore());
    const sessions = newSessions({ clock, store: probe.store, idleTimeout: { hours: 2 } });
    const leo = await signIn(sessions, "leo", { flashes: ["Hello."] });
    clock.advance(90 * 60_000);
    probe.calls.length = 0;
    for (let count = 0; count < 2; count++) {
      const kept = await sessionOf(sessions, leo);
      assert.equal(kept?.flashes.length, 1);
      assert.equal(clock.now() - kept.lastSeenAt.getTime(), 90 * 60_000);
      assert.equal(kept.expiresAt.getTime() - clock.now(), 30 * 60_000);
    }
    assert.deepEqual(
      probe.calls.map(({ operation }) => operation),
      ["read", "read"],
    );
    clock.advance(30 * 60_000);
    assert.equal(await sessionOf(sessions, leo), undefined);
  });

  test("tells no subscriber of events about a session that it finds", async () => {
    const sessions = newSessions();
    const leo = await signIn(sessions, "leo");
    const events: PublishedEvent[] = [];
    const listener = (event: unknown): void => void events.push(event as PublishedEvent);
    subscribe(eventChannel, listener);
    await sessionOf(sessions, leo);
    unsubscribe(eventChannel, listener);
    assert.deepEqual(events, []);
  });
});
