// A login with hapi: `node server.ts`.

import { badData, boomify, conflict, isBoom } from "@hapi/boom";
import { server as createServer } from "@hapi/hapi";
import type { Request, ResponseObject, ResponseToolkit } from "@hapi/hapi";
import { createSessions, safeReturnPath } from "coatcheck";
import type { Session } from "coatcheck";
import { hapiSessions, requireLogin } from "coatcheck/hapi";
import { sqliteStore } from "coatcheck/sqlite";

interface Data {
  readonly note: string;
}

const sessions = createSessions<Data>({
  secret: process.env.SESSION_SECRET,
  store: sqliteStore({ path: process.env.SESSION_FILE ?? "data/sessions.db" }),
});

const users = new Map([["ana", "correct horse"]]); // in production: a database with argon2id hashes

function field(request: Request, name: string): string {
  const value = new Map(Object.entries((request.payload as object | null) ?? {})).get(name);
  return typeof value === "string" ? value : "";
}

async function page(session: Session<Data>, main: string): Promise<string> {
  const messages = await session.takeFlashes();
  return `<!doctype html><title>Coats</title>${messages.map(({ message }) => `<p>${message}</p>`).join("")}${main}`;
}

function escaped(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

function redirect(h: ResponseToolkit, location: string): ResponseObject {
  return h.redirect(location).code(303);
}

async function setNote(request: Request): Promise<void> {
  (await sessions.of(request)).set("note", field(request, "note"));
}

const server = createServer({
  port: Number(process.env.PORT ?? 3000),
  host: process.env.HOST ?? "localhost",
  compression: { minBytes: 1 },
});

await server.register(hapiSessions(sessions));

// Extensions that make a page of an error come after the sessions.
server.ext("onPreResponse", (request, h) => {
  const { response } = request;
  return isBoom(response) && response.output.statusCode === 409
    ? h.response("Let us call it a success.")
    : h.continue;
});

server.route([
  {
    method: "GET",
    path: "/",
    async handler(request) {
      const session = await sessions.of(request);
      const note = session.get("note");
      const button = session.loggedIn
        ? `<form method="post" action="/logout"><button>Log out</button></form>`
        : `<a href="/login">Log in</a>`;
      const kept = note === undefined ? "" : `<p>Note: ${escaped(note)}</p>`;
      return page(session, `<h1>Hello, ${session.subject ?? "stranger"}!</h1>${kept}${button}`);
    },
  },
  { method: "GET", path: "/about", handler: () => "<!doctype html><title>Coats</title><h1>About</h1>" },
  {
    method: "GET",
    path: "/login",
    async handler(request) {
      const back = escaped(String(request.query["return"] ?? ""));
      return page(
        await sessions.of(request),
        `<form method="post" action="/login"><input type="hidden" name="return" value="${back}" /><input name="name" /><input name="password" type="password" /><button>Log in</button></form>`,
      );
    },
  },
  {
    method: "POST",
    path: "/login",
    async handler(request, h) {
      const session = await sessions.of(request);
      const name = field(request, "name");
      const right = users.get(name);
      if (right === undefined || right !== field(request, "password")) {
        session.flash("Login failed.", "error");
        return redirect(h, "/login");
      }
      await session.login(name);
      session.flash("You are logged in.", "success");
      return redirect(h, safeReturnPath(field(request, "return"), "/user"));
    },
  },
  {
    method: "GET",
    path: "/user",
    options: { pre: [requireLogin(sessions)] },
    async handler(request) {
      const session = await sessions.of(request);
      return page(session, `<h1>The page of ${session.subject}</h1>`);
    },
  },
  {
    method: "POST",
    path: "/logout",
    async handler(request, h) {
      await (await sessions.of(request)).logout();
      return redirect(h, "/");
    },
  },
  {
    method: "POST",
    path: "/note",
    async handler(request, h) {
      await setNote(request);
      return redirect(h, "/");
    },
  },
  {
    method: "POST",
    path: "/everywhere",
    async handler(request, h) {
      const session = await sessions.of(request);
      if (session.subject !== undefined) await sessions.revokeAll(session.subject, { except: session.id });
      return redirect(h, "/");
    },
  },
  // Handlers that fail, each in another way. What they set is not kept.
  {
    method: "POST",
    path: "/fail",
    async handler(request) {
      await setNote(request);
      throw badData("The note is not kept.");
    },
  },
  {
    method: "POST",
    path: "/fail-error",
    async handler(request) {
      await setNote(request);
      throw new Error("The note is not kept.");
    },
  },
  {
    method: "POST",
    path: "/fail-returned",
    async handler(request) {
      await setNote(request);
      return boomify(new Error("The note is not kept."), { statusCode: 400 });
    },
  },
  {
    method: "POST",
    path: "/fail-page",
    async handler(request) {
      await setNote(request);
      throw conflict();
    },
  },
  {
    method: "POST",
    path: "/fail-login",
    async handler(request) {
      await (await sessions.of(request)).login("ana");
      await setNote(request);
      throw new Error("The note is not kept, but the login is.");
    },
  },
]);

await server.start();

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, async () => {
    await server.stop();
    await sessions.close();
  });
}
