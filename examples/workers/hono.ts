import { createSessions } from "coatcheck";
import type { Sessions } from "coatcheck";
import { honoSessions } from "coatcheck/hono";
import { postgresStore } from "coatcheck/postgres";
import { Hono } from "hono";
import { Pool } from "pg";
import type { Data } from "./site.ts";

interface Env {
  Bindings: { HYPERDRIVE: { connectionString: string }; SESSION_SECRET: string };
  Variables: { sessions: Sessions<Data> };
}

const app = new Hono<Env>();

app.use(async (c, next) => {
  const client = new Pool({
    connectionString: c.env.HYPERDRIVE.connectionString,
    max: 1,
    connectionTimeoutMillis: 1500,
  });
  const sessions = createSessions<Data>({ secret: c.env.SESSION_SECRET, store: postgresStore({ client }) });
  c.set("sessions", sessions);
  try {
    return await honoSessions(sessions)(c, next);
  } finally {
    c.executionCtx.waitUntil(client.end());
  }
});

app.get("/health", (c) => c.text("fine"));
app.get("/", async (c) => {
  const session = await c.var.sessions.of(c);
  session.set("visits", (session.get("visits") ?? 0) + 1);
  return c.text(`Hello, ${session.subject ?? "stranger"}! Visit ${session.get("visits")}.`);
});
app.post("/login", async (c) => {
  const session = await c.var.sessions.of(c);
  await session.login("lea"); // check a password here
  return c.redirect("/", 303);
});
app.post("/logout", async (c) => {
  const session = await c.var.sessions.of(c);
  await session.logout();
  return c.redirect("/", 303);
});
app.post("/fail", async (c) => {
  const session = await c.var.sessions.of(c);
  session.set("visits", 1000);
  throw new Error("this page fails");
});

export default app;
