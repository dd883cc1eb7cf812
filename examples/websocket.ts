// A WebSocket that closes when its session ends: `npm install ws`, then open http://localhost:3000.

import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { createSessions } from "coatcheck";
import { nodeHandshake, nodeSessions } from "coatcheck/node";
import { sqliteStore } from "coatcheck/sqlite";
import { WebSocketServer } from "ws";

const store = sqliteStore({ path: process.env.SESSION_DB ?? "data/sessions.db" });
export const sessions = createSessions({ secret: process.env.SESSION_SECRET, store });

export const server = createServer(
  nodeSessions(sessions, async (request, response) => {
    const session = await sessions.of(request);
    if (request.method === "POST" && request.url === "/login") await session.login("ana"); // check a password here
    if (request.method === "POST" && request.url === "/logout") await session.logout();
    response.end(session.subject ?? "nobody");
  }),
);

const sockets = new WebSocketServer({ noServer: true });

async function accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const { subject, signal } = await nodeHandshake(sessions, request);
  if (subject === undefined) {
    socket.end("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n");
    return;
  }
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.send(`Hello, ${subject}!`);
    // Logged out, expired or revoked, here or in another process that shares the store.
    signal.addEventListener("abort", () => webSocket.close(1008, "The session has ended."));
  });
}

server.on("upgrade", (request, socket, head) => {
  accept(request, socket, head).catch(() => {
    socket.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n");
  });
});

if (import.meta.main) server.listen(Number(process.env.PORT ?? 3000));
