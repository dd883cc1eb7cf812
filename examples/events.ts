// An event stream that ends when its session does: `npm install hono @hono/node-server`.

import { serve } from "@hono/node-server";
import { createSessions } from "coatcheck";
import { honoSessions, requireLogin } from "coatcheck/hono";
import { sqliteStore } from "coatcheck/sqlite";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";

const store = sqliteStore({ path: process.env.SESSION_DB ?? "data/sessions.db" });
export const sessions = createSessions({ secret: process.env.SESSION_SECRET, store });

export const app = new Hono();
app.use(honoSessions(sessions));

app.post("/login", async (c) => {
  await (await sessions.of(c)).login("ana"); // check a password here
  return c.text("logged in");
});

app.post("/logout", async (c) => {
  await (await sessions.of(c)).logout();
  return c.text("logged out");
});

app.get("/events", requireLogin(sessions), async (c) => {
  const { subject, signal } = await sessions.of(c);
  return streamSSE(c, async (stream) => {
    await stream.writeSSE({ event: "hello", data: `Hello, ${subject}!` });
    // The session's data was committed before the stream's first byte. From here on, it is only watched.
    await new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve());
      stream.onAbort(resolve);
    });
    await stream.writeSSE({ event: "goodbye", data: "The session has ended." });
  });
});

if (import.meta.main) serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) });
