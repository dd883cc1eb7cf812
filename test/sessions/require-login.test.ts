// `requireLogin` of every adapter for Node's servers, over real sockets; fetch and Hono are in login-demand.test.ts.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createSessions, generateSecret, safeReturnPath } from "coatcheck";
import type { Sessions } from "coatcheck";
import { expressSessions, requireLogin as expressRequireLogin } from "coatcheck/express";
import { fastifySessions, requireLogin as fastifyRequireLogin } from "coatcheck/fastify";
import { h3Sessions, requireLogin as h3RequireLogin } from "coatcheck/h3";
import { koaSessions, requireLogin as koaRequireLogin } from "coatcheck/koa";
import { memoryStore } from "coatcheck/memory";
import { nodeSessions, requireLogin as nodeRequireLogin } from "coatcheck/node";
import { CookieJar } from "coatcheck/testing";
import express from "express";
import Fastify from "fastify";
import { H3, toNodeHandler } from "h3";
import Koa from "koa";

type MakeListener = (sessions: Sessions) => RequestListener | Promise<RequestListener>;

const login = async (sessions: Sessions): Promise<void> => (await sessions.current()).login("ana");

const apps: Readonly<Record<string, MakeListener>> = {
  node(sessions) {
    const guard = nodeRequireLogin(sessions);
    return nodeSessions(sessions, async (request: IncomingMessage, response: ServerResponse) => {
      if (request.url === "/login") {
        await login(sessions);
        response.end();
        return;
      }
      await guard(request, response, () => response.end("inside"));
    });
  },
  express(sessions) {
    const inside = express.Router().get("/page", (_, res) => void res.send("inside"));
    const app = express();
    app.use(expressSessions(sessions));
    app.post("/login", async (_, res) => {
      await login(sessions);
      res.end();
    });
    app.use("/user", expressRequireLogin(sessions), inside);
    return (request, response) => void app(request, response);
  },
  koa(sessions) {
    const app = new Koa();
    app.use(koaSessions(sessions));
    app.use(async (ctx, next) => {
      if (ctx.path === "/login") {
        await login(sessions);
        ctx.body = "";
      } else await next();
    });
    app.use(koaRequireLogin(sessions));
    app.use((ctx) => {
      ctx.body = "inside";
    });
    const listener = app.callback();
    return (request, response) => void listener(request, response);
  },
  async fastify(sessions) {
    const app = Fastify();
    await app.register(fastifySessions(sessions));
    app.post("/login", async () => {
      await login(sessions);
      return "";
    });
    app.get("/user/page", { preHandler: fastifyRequireLogin(sessions) }, () => "inside");
    await app.ready();
    return (request, response) => app.routing(request, response);
  },
  h3(sessions) {
    const app = new H3().register(h3Sessions(sessions));
    app.post("/login", async () => {
      await login(sessions);
      return "";
    });
    app.use("/user/**", h3RequireLogin(sessions));
    app.get("/user/page", () => "inside");
    const listener = toNodeHandler(app);
    return (request, response) => void listener(request, response);
  },
};

for (const [name, make] of Object.entries(apps)) {
  test(`people are sent to the login page and back, programs get 401 (${name})`, async (t) => {
    const sessions = createSessions({ secret: generateSecret(), store: memoryStore() });
    const server = createServer(await make(sessions));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const visit = async (path: string, init: RequestInit = {}): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}${path}`, { redirect: "manual", ...init });

    const asked = await visit("/user/page?tab=a&b=%2F", { headers: { accept: "text/html" } });
    assert.equal(asked.status, 303);
    const location = new URL(asked.headers.get("location") ?? "", "http://localhost");
    assert.equal(location.pathname, "/login");
    assert.equal(safeReturnPath(location.searchParams.get("return")), "/user/page?tab=a&b=%2F");
    assert.equal((await visit("/user/page", { headers: { accept: "application/json" } })).status, 401);

    const jar = new CookieJar();
    jar.take(await visit("/login", { method: "POST" }));
    const inside = await visit("/user/page", { headers: { cookie: jar.header ?? "" } });
    assert.equal(await inside.text(), "inside");
  });
}
