// A login for any `fetch` server: here Node's, with `npm install @hono/node-server`.
// `Bun.serve({ fetch })` and `Deno.serve(fetch)` take the same function.

import { serve } from "@hono/node-server";
import { createSessions } from "coatcheck";
import type { Session } from "coatcheck";
import { fetchSessions } from "coatcheck/fetch";
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

export const fetch = fetchSessions(sessions, async (request) => {
  const session = await sessions.of(request);
  if (request.method === "GET") {
    return new Response(await page(session), { headers: { "content-type": "text/html; charset=utf-8" } });
  }
  const { pathname } = new URL(request.url);
  if (pathname === "/login") {
    const form = await request.formData();
    await logIn(session, form.get("name"), form.get("password"));
  } else if (pathname === "/logout") await session.logout();
  return new Response(null, { status: 303, headers: { location: "/" } });
});

if (import.meta.main) serve({ fetch, port: Number(process.env.PORT ?? 3000) });
