import { createSessions } from "coatcheck";
import { honoSessions } from "coatcheck/hono";
import { postgresStore } from "coatcheck/postgres";
import { Hono } from "hono";
import { handle } from "hono/aws-lambda";
import { Pool } from "pg";

// Made once for each instance of the function, and used again by its next invocations.
const client = new Pool({
  connectionString: process.env.DATABASE_URL,
  max: 1, // an instance handles one request at a time
  connectionTimeoutMillis: 1500,
  keepAlive: true,
});
const sessions = createSessions<{ visits: number }>({
  secret: process.env.SESSION_SECRET,
  store: postgresStore({ client }),
  sweepInterval: false, // `sweep` below does that
});

const app = new Hono();
app.use(honoSessions(sessions));

app.get("/", async (c) => {
  const session = await sessions.of(c);
  session.set("visits", (session.get("visits") ?? 0) + 1);
  const messages = await session.takeFlashes();
  const texts = messages.map(({ message }) => ` ${message}`);
  return c.text(`Hello, ${session.subject ?? "stranger"}! Visit ${session.get("visits")}.${texts.join("")}`);
});

app.post("/login", async (c) => {
  const { name } = await c.req.parseBody();
  const session = await sessions.of(c);
  await session.login(String(name)); // check a password here
  session.flash("You are logged in.");
  sessions.cookies(c).set("theme", "dark");
  return c.redirect("/", 303);
});

app.post("/logout", async (c) => {
  const session = await sessions.of(c);
  await session.logout();
  return c.redirect("/", 303);
});

app.post("/logout-everywhere", async (c) => {
  const session = await sessions.of(c);
  if (session.subject !== undefined) await sessions.revokeAll(session.subject);
  return c.redirect("/", 303);
});

app.post("/fail", async (c) => {
  const session = await sessions.of(c);
  session.set("visits", 1000);
  throw new Error("this page fails");
});

/** For API Gateway (both formats) and function URLs. */
export const handler = handle(app);

/** A function of its own, which EventBridge calls once an hour. */
export const sweep = (): Promise<number> => sessions.sweep();
