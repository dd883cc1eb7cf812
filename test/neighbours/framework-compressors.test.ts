// The compressors that Fastify, Koa and Hono bring along, before the sessions and after them; and supertest.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { gunzipSync } from "node:zlib";
import fastifyCompress from "@fastify/compress";
import { createSessions, generateSecret } from "coatcheck";
import type { Sessions } from "coatcheck";
import { expressSessions } from "coatcheck/express";
import { fastifySessions } from "coatcheck/fastify";
import { honoSessions } from "coatcheck/hono";
import { koaSessions } from "coatcheck/koa";
import { memoryStore } from "coatcheck/memory";
import { probeStore } from "coatcheck/testing";
import express from "express";
import Fastify from "fastify";
import { Hono } from "hono";
import { compress as honoCompress } from "hono/compress";
import Koa from "koa";
import koaCompress from "koa-compress";
import supertest from "supertest";
import { inLaterTurn } from "../support/store-calls.ts";

interface Data {
  a: string;
}

const page = "a page of some length ".repeat(5000);

function hub(isSlow: boolean): Sessions<Data> {
  const probe = probeStore(memoryStore());
  if (isSlow) probe.around = inLaterTurn;
  return createSessions<Data>({ secret: generateSecret(), store: probe.store });
}

type Ask = (path: string) => Promise<Response>;
type Start = (t: TestContext, sessions: Sessions<Data>, isBefore: boolean) => Promise<Ask>;

/** Asks as a browser does, and gives the response as it came: `fetch` would unpack it. */
async function over(t: TestContext, listener: RequestListener): Promise<Ask> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return async (path) => {
    const headers = { "accept-encoding": "gzip" };
    const sent = httpRequest({ port, host: "127.0.0.1", path, headers, agent: false }).end();
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    const body = Buffer.concat(await response.toArray());
    const own = new Headers(
      Object.entries(response.headersDistinct).flatMap(([name, values]) =>
        (values ?? []).map((value): [string, string] => [name, value]),
      ),
    );
    return new Response(body, { status: response.statusCode ?? 0, headers: own });
  };
}

const frameworks: Readonly<Record<string, Start>> = {
  "Fastify, @fastify/compress": async (t, sessions, isBefore) => {
    const app = Fastify();
    t.after(() => app.close());
    const plugins = [
      async () => app.register(fastifyCompress, { threshold: 0, encodings: ["gzip"] }),
      async () => app.register(fastifySessions(sessions)),
    ];
    for (const plugin of isBefore ? plugins : plugins.toReversed()) await plugin();
    app.get("/page", async (request, reply) => {
      (await sessions.of(request)).set("a", "A");
      return reply.type("text/plain").send(page);
    });
    app.get("/login", async (request, reply) => {
      await (await sessions.of(request)).login("ana");
      return reply.type("text/plain").send(page);
    });
    await app.ready();
    return over(t, (request, response) => app.routing(request, response));
  },
  "Koa, koa-compress": async (t, sessions, isBefore) => {
    const app = new Koa();
    const parts = [koaCompress({ threshold: 0, br: false }), koaSessions(sessions)];
    for (const part of isBefore ? parts : parts.toReversed()) app.use(part as Koa.Middleware);
    app.use(async (ctx) => {
      const session = await sessions.of(ctx);
      if (ctx.path === "/login") await session.login("ana");
      else session.set("a", "A");
      ctx.type = "text/plain";
      ctx.body = page;
    });
    const callback = app.callback();
    return over(t, (request, response) => void callback(request, response));
  },
  "Hono, hono/compress": async (_t, sessions, isBefore) => {
    const app = new Hono();
    const parts = [honoCompress({ threshold: 0, encoding: "gzip" }), honoSessions(sessions)];
    for (const part of isBefore ? parts : parts.toReversed()) app.use(part as (typeof parts)[0] & object);
    app.get("/:what", async (c) => {
      const session = await sessions.of(c);
      if (c.req.param("what") === "login") await session.login("ana");
      else session.set("a", "A");
      return c.text(page);
    });
    return async (path) => app.request(path, { headers: { "accept-encoding": "gzip" } });
  },
};

for (const [name, start] of Object.entries(frameworks)) {
  for (const isBefore of [true, false]) {
    for (const isSlow of [true, false]) {
      const where = `${isBefore ? "before" : "after"} the sessions, on a store that ${isSlow ? "waits" : "answers at once"}`;
      test(
        `${name} ${where}: the page arrives whole and compressed, with its cookie`,
        { timeout: 20_000 },
        async (t) => {
          const ask = await start(t, hub(isSlow), isBefore);
          for (const path of ["/page", "/login"]) {
            const response = await ask(path);
            assert.equal(response.status, 200, path);
            assert.equal(response.headers.get("content-encoding"), "gzip", path);
            const body = gunzipSync(Buffer.from(await response.arrayBuffer())).toString();
            assert.equal(body, page, path);
            assert.equal(response.headers.getSetCookie().length, 1, path);
            assert.match(response.headers.get("vary") ?? "", /Cookie/, path);
          }
        },
      );
    }
  }
}

test("supertest: an agent stays logged in, if the cookie may travel over plain http", async () => {
  const sessions = createSessions({
    secret: generateSecret(),
    store: memoryStore(),
    cookie: { name: "session", secure: false },
  });
  const app = express().use(expressSessions(sessions));
  app.post("/login", async (req, res) => {
    await (await sessions.of(req)).login("ana");
    res.sendStatus(204);
  });
  app.get("/", async (req, res) => {
    res.send((await sessions.of(req)).subject ?? "nobody");
  });
  const agent = supertest.agent(app);
  assert.equal((await agent.get("/")).text, "nobody");
  await agent.post("/login").expect(204);
  assert.equal((await agent.get("/")).text, "ana");
});
