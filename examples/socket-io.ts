// Socket.IO connections that close when their session ends: `npm install socket.io`.

import { createServer } from "node:http";
import { createSessions } from "coatcheck";
import { nodeHandshake, nodeSessions } from "coatcheck/node";
import { sqliteStore } from "coatcheck/sqlite";
import { Server } from "socket.io";
import type { Socket } from "socket.io";

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

const io = new Server(server);

async function admit(socket: Socket): Promise<Error | undefined> {
  const { subject, signal } = await nodeHandshake(sessions, socket.request);
  if (subject === undefined) return new Error("Log in first.");
  socket.data.subject = subject;
  // Logged out, expired or revoked, here or in another process that shares the store.
  signal.addEventListener("abort", () => socket.disconnect(true));
  return undefined;
}

io.use((socket, respond) => {
  const admitted = admit(socket).catch(() => new Error("Try again later."));
  void admitted.then(respond);
});

io.on("connection", (socket) => {
  socket.emit("greeting", `Hello, ${socket.data.subject}!`);
});

if (import.meta.main) server.listen(Number(process.env.PORT ?? 3000));
