// A login with Express 5: `npm install express`. Express 4 needs a `try` around each `await`.

import { createSessions } from "coatcheck";
import type { Session } from "coatcheck";
import { expressErrors, expressSessions } from "coatcheck/express";
import { sqliteStore } from "coatcheck/sqlite";
import express from "express";

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

export const app = express();
app.use(expressSessions(sessions));
app.use(express.urlencoded({ extended: false }));

app.get("/", async (req, res) => {
  res.send(await page(await sessions.of(req)));
});

app.post("/login", async (req, res) => {
  await logIn(await sessions.of(req), req.body?.name, req.body?.password);
  res.redirect(303, "/");
});

app.post("/logout", async (req, res) => {
  await (await sessions.of(req)).logout();
  res.redirect(303, "/");
});

app.use(expressErrors(sessions)); // before your own error handlers

if (import.meta.main) app.listen(Number(process.env.PORT ?? 3000));
