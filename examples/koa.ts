// A login with Koa: `npm install koa`.

import { text } from "node:stream/consumers";
import { createSessions } from "coatcheck";
import type { Session } from "coatcheck";
import { koaSessions } from "coatcheck/koa";
import { sqliteStore } from "coatcheck/sqlite";
import Koa from "koa";

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

export const app = new Koa();
app.use(koaSessions(sessions));

app.use(async (ctx) => {
  const session = await sessions.of(ctx);
  if (ctx.method === "GET") {
    ctx.type = "html";
    ctx.body = await page(session);
    return;
  }
  if (ctx.path === "/login") {
    const form = new URLSearchParams(await text(ctx.req));
    await logIn(session, form.get("name"), form.get("password"));
  } else if (ctx.path === "/logout") await session.logout();
  ctx.status = 303;
  ctx.redirect("/");
});

if (import.meta.main) app.listen(Number(process.env.PORT ?? 3000));
