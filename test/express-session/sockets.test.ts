// Socket.IO's `io.engine.use(middleware)`, as its page on express-session shows it: a socket's listeners read, change
// and save `socket.request.session` long after the response.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Sessions } from "coatcheck";
import { expressSession } from "coatcheck/express-session";
import { memoryStore } from "coatcheck/memory";
import { probeStore, testClock } from "coatcheck/testing";
import type { StoreProbe, TestClock } from "coatcheck/testing";
import express from "express";
import { Server as SocketServer } from "socket.io";
import { io } from "socket.io-client";
import type { Socket as Client } from "socket.io-client";
import { listen } from "../support/listen.ts";
import type { Data, Request } from "./app.ts";

interface Site {
  readonly sessions: Sessions<Data>;
  readonly clock: TestClock;
  readonly probe: StoreProbe;
  readonly cookie: string;
  readonly client: Client;
  /** Sends an event, and returns what its listener acknowledges. */
  emit(event: string): Promise<unknown>;
  read(): Promise<unknown>;
}

async function open(t: TestContext, transport: "websocket" | "polling", visits = true): Promise<Site> {
  const clock = testClock();
  const probe = probeStore(memoryStore());
  const sessions = createSessions<Data>({
    secret: generateSecret(),
    store: probe.store,
    clock,
    cookie: { name: "sid", secure: false },
  });
  const middleware = expressSession(sessions, { subject: (data) => data.user });
  const app = express();
  app.use(middleware);
  app.get("/begin", (req, res) => {
    Object.assign(middleware.of(req), { user: "ana", count: 0 });
    res.end();
  });
  app.get("/read", (req, res) => void res.json(middleware.of(req)["count"] ?? null));
  const server = createServer(app);
  const sockets = new SocketServer(server);
  sockets.engine.use(middleware);
  sockets.on("connection", (socket) => {
    const req = socket.request as unknown as Request;
    type Answer = (value: unknown) => void;
    const codeOf = (error: unknown): unknown => (error as { code?: string } | undefined)?.code ?? null;
    socket.on("count", (answer: Answer) => {
      req.session.reload((error) => {
        if (error !== undefined) {
          answer(codeOf(error));
          return;
        }
        req.session["count"] = Number(req.session["count"]) + 1;
        req.session.save((failure) => answer(codeOf(failure) ?? req.session["count"]));
      });
    });
    socket.on("set", (answer: Answer) => {
      req.session["count"] = 10;
      req.session.save((error) => answer(codeOf(error)));
    });
    socket.on("user", (answer: Answer) => {
      req.session.user = "eve";
      req.session.save((error) => answer(codeOf(error)));
    });
    socket.on("regenerate", (answer: Answer) => req.session.regenerate((error) => answer(codeOf(error))));
    socket.on("destroy", (answer: Answer) =>
      req.session.destroy((error) => answer([codeOf(error), typeof req.session])),
    );
  });
  const port = await listen(t, server);
  t.after(() => sockets.close());
  const begun = visits ? await fetch(`http://127.0.0.1:${port}/begin`) : undefined;
  const cookie = begun?.headers.getSetCookie()[0]?.split(";")[0] ?? "none=1";
  const client = io(`http://127.0.0.1:${port}`, { transports: [transport], extraHeaders: { cookie } });
  t.after(() => client.close());
  await new Promise<void>((resolve, reject) => {
    client.on("connect", resolve);
    client.on("connect_error", reject);
  });
  return {
    sessions,
    clock,
    probe,
    cookie,
    client,
    emit: (event) => client.timeout(10_000).emitWithAck(event) as Promise<unknown>,
    read: async () => (await fetch(`http://127.0.0.1:${port}/read`, { headers: { cookie } })).json(),
  };
}

for (const transport of ["websocket", "polling"] as const) {
  test(`Socket.IO over ${transport}: a listener reloads, changes and saves the session`, async (t) => {
    const site = await open(t, transport);
    assert.equal(await site.emit("count"), 1);
    assert.equal(await site.emit("count"), 2);
    assert.equal(await site.read(), 2);
    await site.emit("set");
    assert.equal(await site.read(), 10);
    // Much longer than a request may wait for the store, and each use keeps the session alive.
    for (let hour = 0; hour < 3; hour++) {
      site.clock.advance(50 * 60_000);
      assert.equal(await site.emit("count"), 11 + hour);
    }
    assert.equal(await site.read(), 13);
    // Nor do the calls of one socket share the time that a request may wait for the store.
    site.probe.around = async (_call, run) => {
      const result = await run();
      site.clock.advance(900);
      return result;
    };
    for (let time = 0; time < 3; time++) assert.equal(await site.emit("count"), 14 + time);
  });

  test(`Socket.IO over ${transport}: after a logout elsewhere nothing is saved, and reload says so`, async (t) => {
    const site = await open(t, transport);
    await site.sessions.revokeAll("ana");
    assert.equal(await site.emit("count"), "SESSION_ENDED");
    await site.emit("set");
    assert.equal(await site.read(), null);
  });

  test(`Socket.IO over ${transport}: what needs a cookie is refused, and destroy ends the session`, async (t) => {
    const site = await open(t, transport);
    assert.equal(await site.emit("regenerate"), "AFTER_RESPONSE");
    assert.equal(await site.emit("user"), "AFTER_RESPONSE");
    assert.equal((await site.sessions.list("ana")).length, 1);
    assert.deepEqual(await site.emit("destroy"), [null, "undefined"]);
    assert.equal(await site.read(), null);
    assert.deepEqual(await site.sessions.list("ana"), []);
  });

  test(`Socket.IO over ${transport}: without a session before, there is none to save`, async (t) => {
    const site = await open(t, transport, false);
    assert.equal(await site.emit("set"), "AFTER_RESPONSE");
  });
}
