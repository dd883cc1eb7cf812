// WebSockets that come in through a framework, and not through a server's `upgrade` event: the real
// @fastify/websocket, express-ws and Socket.IO. Their handlers get no response, so a session can be read there and
// watched, and what needs a response says so.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { TestContext } from "node:test";
import fastifyWebsocket from "@fastify/websocket";
import { createSessions, generateSecret } from "coatcheck";
import type { Session, Sessions } from "coatcheck";
import { expressSessions } from "coatcheck/express";
import { fastifySessions } from "coatcheck/fastify";
import { memoryStore } from "coatcheck/memory";
import express from "express";
// @ts-expect-error TS7016: comes without types
import expressWs from "express-ws";
import Fastify from "fastify";
import { Server as SocketServer } from "socket.io";
import { io } from "socket.io-client";
import { WebSocket } from "ws";
import { listen } from "../support/listen.ts";

interface Data {
  a: string;
}

type Ask = (sessions: Sessions<Data>, request: object) => Promise<unknown>;

/** What each kind of call on a session does in a handler of a socket. */
const ask: Ask = async (sessions, request) => {
  const session: Session<Data> = await sessions.of(request);
  const outcomes: Record<string, unknown> = {
    subject: session.subject,
    a: session.get("a"),
    aborted: session.signal.aborted,
  };
  const calls: Record<string, () => unknown> = {
    set: () => session.set("a", "lost"),
    delete: () => session.delete("a"),
    flash: () => session.flash("lost"),
    permanent: () => {
      session.permanent = true;
    },
    rotate: () => session.rotate(),
    login: () => session.login("eve"),
    logout: () => session.logout(),
    update: () => session.update("a", () => "lost"),
    takeFlashes: () => session.takeFlashes(),
    cookies: () => sessions.cookies(request).set("theme", "dark"),
  };
  for (const [name, call] of Object.entries(calls)) {
    try {
      await call();
      outcomes[name] = "done";
    } catch (error) {
      outcomes[name] = (error as { code?: string }).code;
    }
  }
  return outcomes;
};

const expected = {
  subject: "ana",
  a: "A",
  aborted: false,
  ...Object.fromEntries(
    [
      "set",
      "delete",
      "flash",
      "permanent",
      "rotate",
      "login",
      "logout",
      "update",
      "takeFlashes",
      "cookies",
    ].map((name) => [name, "AFTER_RESPONSE"]),
  ),
};

/** Logs in over HTTP and answers the cookie. */
async function cookieOf(port: number): Promise<string> {
  const sent = httpRequest({ port, host: "127.0.0.1", path: "/login", agent: false }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  response.resume();
  return response.headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
}

async function looked(port: number, cookie: string): Promise<unknown> {
  const sent = httpRequest({
    port,
    host: "127.0.0.1",
    path: "/look",
    headers: { cookie },
    agent: false,
  }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return JSON.parse(Buffer.concat(await response.toArray()).toString());
}

async function first(t: TestContext, port: number, cookie: string): Promise<unknown> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`, { headers: { cookie } });
  t.after(() => socket.terminate());
  const [message] = (await once(socket, "message")) as [Buffer];
  return JSON.parse(message.toString());
}

function siteOf(sessions: Sessions<Data>): express.Express {
  const app = express();
  app.use(expressSessions(sessions));
  app.get("/login", async (req, res) => {
    const session = await sessions.of(req);
    await session.login("ana");
    session.set("a", "A");
    res.end();
  });
  app.get("/look", async (req, res) => {
    const session = await sessions.of(req);
    res.json([session.subject, session.get("a"), session.peekFlashes().length]);
  });
  return app;
}

function hub(): Sessions<Data> {
  return createSessions<Data>({ secret: generateSecret(), store: memoryStore() });
}

test("@fastify/websocket: a session is read and watched, and what needs a response says AFTER_RESPONSE", async (t) => {
  const sessions = hub();
  const app = Fastify();
  app.register(fastifySessions(sessions));
  app.register(fastifyWebsocket);
  app.get("/login", async (request) => {
    const session = await sessions.of(request);
    await session.login("ana");
    session.set("a", "A");
    return "in";
  });
  app.get("/look", async (request) => {
    const session = await sessions.of(request);
    return [session.subject, session.get("a"), session.peekFlashes().length];
  });
  app.register(async (scope) => {
    scope.get("/socket", { websocket: true }, (socket, request) => {
      void ask(sessions, request).then((outcomes) => socket.send(JSON.stringify(outcomes)));
    });
  });
  t.after(() => app.close());
  await app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.server.address() as AddressInfo;
  const cookie = await cookieOf(port);
  assert.deepEqual(await first(t, port, cookie), expected);
  assert.deepEqual(await looked(port, cookie), ["ana", "A", 0]);
});

test("express-ws: a session is read and watched, and what needs a response says AFTER_RESPONSE", async (t) => {
  const sessions = hub();
  const app = siteOf(sessions);
  const server = createServer(app);
  const withSockets = expressWs as (
    app: express.Express,
    server: Server,
  ) => { app: { ws(path: string, handler: (socket: WebSocket, req: express.Request) => void): void } };
  const { app: socketApp } = withSockets(app, server);
  socketApp.ws("/socket", (socket, req) => {
    void ask(sessions, req).then((outcomes) => socket.send(JSON.stringify(outcomes)));
  });
  const port = await listen(t, server);
  const cookie = await cookieOf(port);
  assert.deepEqual(await first(t, port, cookie), expected);
  assert.deepEqual(await looked(port, cookie), ["ana", "A", 0]);
});

for (const transport of ["websocket", "polling"] as const) {
  test(`Socket.IO over ${transport}: the middleware works on the engine, and a socket reads the session of its request`, async (t) => {
    const sessions = hub();
    const server = createServer(siteOf(sessions));
    const sockets = new SocketServer(server);
    sockets.engine.use(expressSessions(sessions));
    sockets.on("connection", (socket) => {
      void ask(sessions, socket.request).then((outcomes) => socket.emit("outcomes", outcomes));
    });
    const port = await listen(t, server);
    t.after(() => sockets.close());
    const cookie = await cookieOf(port);
    const client = io(`http://127.0.0.1:${port}`, { transports: [transport], extraHeaders: { cookie } });
    t.after(() => client.close());
    const outcomes = await new Promise((resolve, reject) => {
      client.on("outcomes", resolve);
      client.on("connect_error", reject);
    });
    // Over polling the request that opened the connection has been answered by then: the same holds.
    assert.deepEqual(outcomes, expected);
    assert.deepEqual(await looked(port, cookie), ["ana", "A", 0]);
  });
}

test("a stranger who asks an ordinary page for a WebSocket gets the page, and a session as everybody", async (t) => {
  const sessions = hub();
  const port = await listen(t, createServer(siteOf(sessions)));
  const headers = { upgrade: "websocket", connection: "Upgrade", "sec-websocket-version": "13" };
  const sent = httpRequest({ port, host: "127.0.0.1", path: "/login", headers, agent: false }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  response.resume();
  assert.equal(response.statusCode, 200);
  assert.deepEqual(await looked(port, response.headers["set-cookie"]?.[0]?.split(";")[0] ?? ""), [
    "ana",
    "A",
    0,
  ]);
  const answer = await sessions.handle(new Request("https://site.example/", { headers }), async (request) => {
    (await sessions.of(request)).set("a", "A");
    return new Response("page");
  });
  assert.equal(answer.headers.getSetCookie().length, 1);
});

test("so does a stranger where sockets are served, with half a handshake", async (t) => {
  const sessions = hub();
  const server = createServer(siteOf(sessions));
  const sockets = new SocketServer(server);
  t.after(() => sockets.close());
  const port = await listen(t, server);
  for (const headers of [{ upgrade: "websocket" }, { upgrade: "websocket", connection: "close" }]) {
    const sent = httpRequest({ port, host: "127.0.0.1", path: "/login", headers, agent: false }).end();
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    response.resume();
    assert.equal(response.statusCode, 200);
    assert.equal(response.headers["set-cookie"]?.length, 1);
  }
});
