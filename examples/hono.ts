// A login with Hono: `npm install hono @hono/node-server`.

import { serve } from "@hono/node-server";
import { createSessions } from "coatcheck";
import type { Session } from "coatcheck";
import { honoSessions } from "coatcheck/hono";
import { sqliteStore } from "coatcheck/sqlite";
import { Hono } from "hono";

const store = sqliteStore({ path: process.env.SESSION_DB ?? "data/sessions.db" });
export const sessions = createSessions({ secret: process.env.SESSION_SECRET, store });

const users = new Map([["ana", "correct horse"]]); // in production: a database with argon2id hashes

async function page(session: Session): Promise<string> {
  const messages = (await session.takeFlashes()).map(({ message }) => `<p>${message}</p>`);
  const form = session.loggedIn
    ? `<form method="post" action="/logout"><button>Log out</button></form>`
    : `<form method="post" action="/login"><input name="name" /><input name="password" type="password" /><button>Log in</button></form>`;
  return `<!doctype html><title>Coats</title>${messages.join("")}<h1>Hello, ${session.subject ?? "stranger"}!</h1>${form}`;
}

async function logIn(session: Session, name: unknown, password: unknown): Promise<void> {
  const right = users.get(String(name));
  if (right !== undefined && right === password) {
    await session.login(String(name));
    session.flash("You are logged in.", "success");
  } else session.flash("Login failed.", "error");
}

export const app = new Hono();
app.use(honoSessions(sessions));

app.get("/", async (c) => c.html(await page(await sessions.of(c))));

app.post("/login", async (c) => {
  const { name, password } = await c.req.parseBody();
  await logIn(await sessions.of(c), name, password);
  return c.redirect("/", 303);
});

app.post("/logout", async (c) => {
  await (await sessions.of(c)).logout();
  return c.redirect("/", 303);
});

if (import.meta.main) serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) });
