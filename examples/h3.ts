// A login with h3 2: `npm install h3`.

import { createSessions } from "coatcheck";
import type { Session } from "coatcheck";
import { h3Sessions } from "coatcheck/h3";
import { sqliteStore } from "coatcheck/sqlite";
import { H3, html, redirect, serve } from "h3";

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

export const app = new H3();
app.register(h3Sessions(sessions));

app.get("/", async (event) => html(await page(await sessions.of(event))));

app.post("/login", async (event) => {
  const form = await event.req.formData();
  await logIn(await sessions.of(event), form.get("name"), form.get("password"));
  return redirect("/", 303);
});

app.post("/logout", async (event) => {
  await (await sessions.of(event)).logout();
  return redirect("/", 303);
});

if (import.meta.main) serve(app, { port: Number(process.env.PORT ?? 3000) });
