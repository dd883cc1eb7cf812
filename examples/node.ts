// A login with nothing but Node.

import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { createSessions } from "coatcheck";
import type { Session } from "coatcheck";
import { nodeSessions } from "coatcheck/node";
import { sqliteStore } from "coatcheck/sqlite";

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

export const server = createServer(
  nodeSessions(sessions, async (request, response) => {
    const session = await sessions.of(request);
    if (request.method === "GET") {
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
      response.end(await page(session));
      return;
    }
    if (request.url === "/login") {
      const form = new URLSearchParams(await text(request));
      await logIn(session, form.get("name"), form.get("password"));
    } else if (request.url === "/logout") await session.logout();
    response.writeHead(303, { location: "/" }).end();
  }),
);

if (import.meta.main) server.listen(Number(process.env.PORT ?? 3000));
