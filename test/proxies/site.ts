// The site behind the proxies: Express, as the guide shows it, with what the proxy passed on, an event stream and a socket.

import { createServer } from "node:http";
import type { Server } from "node:http";
import { createSessions, generateSecret } from "coatcheck";
import type { SessionsOptions } from "coatcheck";
import { expressErrors, expressSessions } from "coatcheck/express";
import { memoryStore } from "coatcheck/memory";
import { nodeHandshake } from "coatcheck/node";
import express from "express";
import { WebSocketServer } from "ws";

/** What differs from test to test. */
export interface SiteOptions {
  readonly crossOrigin?: SessionsOptions["crossOrigin"];
  /** Express's setting `trust proxy`. */
  readonly trustProxy?: number | boolean;
}

export function proxiedSite({ crossOrigin = {}, trustProxy = 1 }: SiteOptions = {}): Server {
  const sessions = createSessions({ secret: generateSecret(), store: memoryStore(), crossOrigin });
  const app = express();
  app.set("trust proxy", trustProxy);
  app.use(expressSessions(sessions));
  app.get("/", async (req, res) => {
    res.send(`Hello, ${(await sessions.of(req)).subject ?? "stranger"}!`);
  });
  app.post("/login", async (req, res) => {
    const { as } = req.query;
    await (await sessions.of(req)).login(typeof as === "string" ? as : "nobody");
    res.redirect(303, "/");
  });
  app.post("/logout", async (req, res) => {
    await (await sessions.of(req)).logout();
    res.redirect(303, "/");
  });
  app.get("/seen", (req, res) => {
    res.json({ host: req.headers.host, protocol: req.protocol, ip: req.ip, hostname: req.hostname });
  });
  app.get("/cookies", (req, res) => {
    const cookies = sessions.cookies(req);
    for (let at = 0; at < Number(req.query["many"]); at++) cookies.set(`cookie-${at}`, "x".repeat(1_500));
    res.send("set");
  });
  let streams = 0;
  app.get("/streams", (_req, res) => void res.send(String(streams)));
  app.get("/events", async (req, res) => {
    const { signal } = await sessions.of(req);
    res.setHeader("Content-Type", "text/event-stream");
    if (req.query["unbuffered"] !== undefined) res.setHeader("X-Accel-Buffering", "no");
    res.write("event: hello\n\n");
    streams++;
    signal.addEventListener("abort", () => res.end("event: goodbye\n\n"));
  });
  app.use(expressErrors(sessions));

  const server = createServer(app);
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    void nodeHandshake(sessions, request).then(({ subject }) => {
      if (subject === undefined) return socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
      return sockets.handleUpgrade(request, socket, head, (one) => one.send(`Hello, ${subject}!`));
    });
  });
  return server;
}
