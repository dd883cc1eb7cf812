// A login with Elysia: `node server.ts` or `bun server.ts`.

import { node } from "@elysiajs/node";
import { createSessions, safeReturnPath } from "coatcheck";
import type { Session } from "coatcheck";
import { elysiaSessions, requireLogin } from "coatcheck/elysia";
import { sqliteStore } from "coatcheck/sqlite";
import { Elysia, status, t } from "elysia";

interface Data {
  readonly note: string;
}

const sessions = createSessions<Data>({
  secret: process.env.SESSION_SECRET,
  store: sqliteStore({ path: process.env.SESSION_FILE ?? "data/sessions.db" }),
});

const users = new Map([["ana", "correct horse"]]); // in production: a database with argon2id hashes

async function page(session: Session<Data>, main: string): Promise<Response> {
  const messages = await session.takeFlashes();
  const shown = messages.map(({ message }) => `<p>${message}</p>`).join("");
  return html(`${shown}${main}`);
}

function html(main: string): Response {
  return new Response(`<!doctype html><title>Coats</title>${main}`, {
    headers: { "content-type": "text/html; charset=utf-8" },
  });
}

/** Elysia's own `redirect` needs a whole URL in Node. */
function redirect(location: string): Response {
  return new Response(null, { status: 303, headers: { location } });
}

function escaped(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

const note = t.Object({ note: t.Optional(t.String()) });

// With Bun alone: `new Elysia()`.
const app = new Elysia("Bun" in globalThis ? {} : { adapter: node() })
  .use(elysiaSessions(sessions))
  .derive({ as: "global" }, ({ request }) => ({ session: async () => sessions.of(request) }))
  .get("/", async ({ session }) => {
    const own = await session();
    const kept = own.get("note");
    const button = own.loggedIn
      ? `<form method="post" action="/logout"><button>Log out</button></form>`
      : `<a href="/login">Log in</a>`;
    const shown = kept === undefined ? "" : `<p>Note: ${escaped(kept)}</p>`;
    return page(own, `<h1>Hello, ${own.subject ?? "stranger"}!</h1>${shown}${button}`);
  })
  .get("/about", () => html("<h1>About</h1>"))
  .get("/login", async ({ session, query }) =>
    page(
      await session(),
      `<form method="post" action="/login"><input type="hidden" name="return" value="${escaped(query["return"] ?? "")}" /><input name="name" /><input name="password" type="password" /><button>Log in</button></form>`,
    ),
  )
  .post(
    "/login",
    async ({ session, body }) => {
      const { name = "", password, return: back } = body ?? {};
      const own = await session();
      const right = users.get(name);
      if (right === undefined || right !== password) {
        own.flash("Login failed.", "error");
        return redirect("/login");
      }
      await own.login(name);
      own.flash("You are logged in.", "success");
      return redirect(safeReturnPath(back, "/user"));
    },
    {
      body: t.Optional(
        t.Object({
          name: t.Optional(t.String()),
          password: t.Optional(t.String()),
          return: t.Optional(t.String()),
        }),
      ),
    },
  )
  .get(
    "/user",
    async ({ session }) => {
      const own = await session();
      return page(own, `<h1>The page of ${own.subject}</h1>`);
    },
    { beforeHandle: requireLogin(sessions) },
  )
  .post("/logout", async ({ session }) => {
    await (await session()).logout();
    return redirect("/");
  })
  .post(
    "/note",
    async ({ session, body }) => {
      (await session()).set("note", body.note ?? "");
      return redirect("/");
    },
    { body: note },
  )
  .post("/everywhere", async ({ session }) => {
    const { subject, id } = await session();
    if (subject !== undefined) await sessions.revokeAll(subject, { except: id });
    return redirect("/");
  })
  // Handlers that fail, each in another way. What they set is not kept.
  .post(
    "/fail",
    async ({ session, body }) => {
      (await session()).set("note", body.note ?? "");
      throw status(422, "The note is not kept.");
    },
    { body: note },
  )
  .post(
    "/fail-error",
    async ({ session, body }) => {
      (await session()).set("note", body.note ?? "");
      throw new Error("The note is not kept.");
    },
    { body: note },
  )
  .post(
    "/fail-page",
    async ({ session, body }) => {
      (await session()).set("note", body.note ?? "");
      throw new Error("The note is not kept.");
    },
    {
      body: note,
      error({ set }) {
        set.status = 200;
        return "Let us call it a success.";
      },
    },
  )
  .post(
    "/fail-validation",
    async ({ session, body }) => {
      (await session()).set("note", body.note ?? "");
      return "not a number" as unknown as number;
    },
    { body: note, response: t.Number() },
  )
  .post(
    "/fail-login",
    async ({ session, body }) => {
      const own = await session();
      await own.login("ana");
      own.set("note", body.note ?? "");
      throw new Error("The note is not kept, but the login is.");
    },
    { body: note },
  );

app.listen({ port: Number(process.env.PORT ?? 3000), hostname: process.env.HOST ?? "localhost" });
