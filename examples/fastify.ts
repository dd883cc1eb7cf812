// A login with Fastify: `npm install fastify`.

import { createSessions } from "coatcheck";
import type { Session } from "coatcheck";
import { fastifySessions } from "coatcheck/fastify";
import { sqliteStore } from "coatcheck/sqlite";
import Fastify from "fastify";

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

export const app = Fastify();
app.register(fastifySessions(sessions));

const formType = "application/x-www-form-urlencoded";
app.addContentTypeParser(formType, { parseAs: "string" }, (_request, body, done) => {
  done(null, Object.fromEntries(new URLSearchParams(String(body))));
});

app.get("/", async (request, reply) => {
  return reply.type("text/html; charset=utf-8").send(await page(await sessions.of(request)));
});

app.post<{ Body?: Record<string, string> }>("/login", async (request, reply) => {
  await logIn(await sessions.of(request), request.body?.name, request.body?.password);
  return reply.redirect("/", 303);
});

app.post("/logout", async (request, reply) => {
  await (await sessions.of(request)).logout();
  return reply.redirect("/", 303);
});

if (import.meta.main) await app.listen({ port: Number(process.env.PORT ?? 3000) });
