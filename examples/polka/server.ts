// A login with Polka: `node server.ts`.

import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { createSessions, safeReturnPath } from "coatcheck";
import type { Session } from "coatcheck";
import { nodeSessions, requireLogin } from "coatcheck/node";
import { sqliteStore } from "coatcheck/sqlite";
import compression from "@polka/compression";
import polka from "polka";
import type { Middleware } from "polka";

type Request = Parameters<Middleware>[0];

interface Data {
  readonly note: string;
}

const sessions = createSessions<Data>({
  secret: process.env.SESSION_SECRET,
  store: sqliteStore({ path: process.env.SESSION_FILE ?? "data/sessions.db" }),
});

const users = new Map([["ana", "correct horse"]]); // in production: a database with argon2id hashes

class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

// Polka does not wait for a handler, so an error must be passed on.
function handle(handler: (request: Request, response: ServerResponse) => Promise<void>): Middleware {
  return (request, response, next) => {
    handler(request, response).catch(next);
  };
}

async function form(request: IncomingMessage): Promise<URLSearchParams> {
  return new URLSearchParams(await text(request));
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { location }).end();
}

async function send(
  response: ServerResponse,
  session: Session<Data> | undefined,
  main: string,
): Promise<void> {
  const messages = (await session?.takeFlashes()) ?? [];
  response.setHeader("content-type", "text/html; charset=utf-8");
  response.end(
    `<!doctype html><title>Coats</title>${messages.map(({ message }) => `<p>${message}</p>`).join("")}${main}`,
  );
}

function escaped(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

polka({
  onError(error, request, response) {
    // Polka makes the response to an error here, so the session has to hear of it here.
    sessions.fail(error, request);
    response.statusCode = error instanceof HttpError ? error.status : 500;
    response.end("Something went wrong.");
  },
})
  .use(compression({ threshold: 0 }), nodeSessions(sessions))
  .get(
    "/",
    handle(async (request, response) => {
      const session = await sessions.of(request);
      const note = session.get("note");
      const button = session.loggedIn
        ? `<form method="post" action="/logout"><button>Log out</button></form>`
        : `<a href="/login">Log in</a>`;
      const kept = note === undefined ? "" : `<p>Note: ${escaped(note)}</p>`;
      await send(response, session, `<h1>Hello, ${session.subject ?? "stranger"}!</h1>${kept}${button}`);
    }),
  )
  .get("/about", (_request, response) => void send(response, undefined, "<h1>About</h1>"))
  .get(
    "/login",
    handle(async (request, response) => {
      const session = await sessions.of(request);
      const back = escaped(String(request.query.return ?? ""));
      await send(
        response,
        session,
        `<form method="post" action="/login"><input type="hidden" name="return" value="${back}" /><input name="name" /><input name="password" type="password" /><button>Log in</button></form>`,
      );
    }),
  )
  .post(
    "/login",
    handle(async (request, response) => {
      const [session, fields] = [await sessions.of(request), await form(request)];
      const name = fields.get("name") ?? "";
      const right = users.get(name);
      if (right === undefined || right !== fields.get("password")) {
        session.flash("Login failed.", "error");
        redirect(response, "/login");
        return;
      }
      await session.login(name);
      session.flash("You are logged in.", "success");
      redirect(response, safeReturnPath(fields.get("return") ?? "", "/user"));
    }),
  )
  .use("/user", requireLogin(sessions))
  .get(
    "/user",
    handle(async (request, response) => {
      const session = await sessions.of(request);
      await send(response, session, `<h1>The page of ${session.subject}</h1>`);
    }),
  )
  .post(
    "/logout",
    handle(async (request, response) => {
      await (await sessions.of(request)).logout();
      redirect(response, "/");
    }),
  )
  .post(
    "/note",
    handle(async (request, response) => {
      const [session, fields] = [await sessions.of(request), await form(request)];
      session.set("note", fields.get("note") ?? "");
      redirect(response, "/");
    }),
  )
  .post(
    "/fail",
    handle(async (request) => {
      const [session, fields] = [await sessions.of(request), await form(request)];
      session.set("note", fields.get("note") ?? "");
      throw new HttpError(422, "The note is not kept.");
    }),
  )
  .post(
    "/fail-login",
    handle(async (request) => {
      const [session, fields] = [await sessions.of(request), await form(request)];
      await session.login("ana");
      session.set("note", fields.get("note") ?? "");
      throw new Error("The note is not kept, but the login is.");
    }),
  )
  .post(
    "/everywhere",
    handle(async (request, response) => {
      const session = await sessions.of(request);
      if (session.subject !== undefined) await sessions.revokeAll(session.subject, { except: session.id });
      redirect(response, "/");
    }),
  )
  .listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? "localhost");
