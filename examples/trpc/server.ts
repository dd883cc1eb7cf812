// A login with tRPC: `node server.ts`.

import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import { createSessions } from "coatcheck";
import { nodeSessions } from "coatcheck/node";
import { sqliteStore } from "coatcheck/sqlite";
import { initTRPC, TRPCError } from "@trpc/server";
import { createHTTPHandler } from "@trpc/server/adapters/standalone";
import type { CreateHTTPContextOptions } from "@trpc/server/adapters/standalone";

interface Data {
  readonly note: string;
}

const sessions = createSessions<Data>({
  secret: process.env.SESSION_SECRET,
  store: sqliteStore({ path: process.env.SESSION_FILE ?? "data/sessions.db" }),
});

const users = new Map([["ana", "correct horse"]]); // in production: a database with argon2id hashes

interface Context {
  readonly request: IncomingMessage;
}

function createContext({ req, info }: CreateHTTPContextOptions): Context {
  // The calls of a batch share one session. If one of them fails, what the others set must not be lost with it.
  if (info.isBatchCall && info.type === "mutation" && info.calls.length > 1) {
    throw new TRPCError({ code: "BAD_REQUEST", message: "Send mutations with httpLink, one at a time." });
  }
  return { request: req };
}

const t = initTRPC.context<Context>().create();

const visitor = t.procedure.use(async ({ ctx, next }) =>
  next({ ctx: { session: await sessions.of(ctx.request) } }),
);

const user = visitor.use(async ({ ctx: { session }, next }) => {
  if (session.subject === undefined) throw new TRPCError({ code: "UNAUTHORIZED" });
  return next({ ctx: { subject: session.subject } });
});

function text(input: unknown): string {
  if (typeof input !== "string") throw new TRPCError({ code: "BAD_REQUEST", message: "A text is wanted." });
  return input;
}

interface Login {
  readonly name: string;
  readonly password: string;
}

function login(input: unknown): Login {
  const { name, password } = (input ?? {}) as Partial<Record<keyof Login, unknown>>;
  return { name: text(name), password: text(password) };
}

const router = t.router({
  me: visitor.query(async ({ ctx: { session } }) => ({
    name: session.subject ?? "stranger",
    note: session.get("note") ?? "",
    messages: (await session.takeFlashes()).map(({ message }) => message),
  })),
  secret: user.query(({ ctx: { subject } }) => `The page of ${subject}`),
  logIn: visitor.input(login).mutation(async ({ ctx: { session }, input: { name, password } }) => {
    const right = users.get(name);
    if (right === undefined || right !== password) {
      throw new TRPCError({ code: "UNAUTHORIZED", message: "Login failed." });
    }
    await session.login(name);
    session.flash("You are logged in.", "success");
  }),
  logOut: visitor.mutation(({ ctx: { session } }) => session.logout()),
  note: visitor.input(text).mutation(({ ctx: { session }, input }) => {
    session.set("note", input);
  }),
  fail: visitor.input(text).mutation(({ ctx: { session }, input }) => {
    session.set("note", input);
    throw new TRPCError({ code: "UNPROCESSABLE_CONTENT", message: "The note is not kept." });
  }),
  failAfterLogin: visitor.input(text).mutation(async ({ ctx: { session }, input }) => {
    await session.login("ana");
    session.set("note", input);
    throw new Error("The note is not kept, but the login is.");
  }),
  everywhere: user.mutation(({ ctx: { session, subject } }) =>
    sessions.revokeAll(subject, { except: session.id }),
  ),
  // Ends when the session does. By the first message, the session is committed, and can only be read.
  greetings: user.subscription(async function* ({ ctx: { session, subject } }) {
    yield `Hello, ${subject}!`;
    const { signal } = session;
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    yield "The session has ended.";
  }),
});

export type Router = typeof router;

const handler = createHTTPHandler({
  router,
  createContext,
  onError({ error, req, type }) {
    // tRPC makes the response to an error itself. Queries of one batch fail apart from each other.
    if (type === "mutation") sessions.fail(error.cause ?? error, req);
  },
});

createServer(nodeSessions(sessions, handler)).listen(
  Number(process.env.PORT ?? 3000),
  process.env.HOST ?? "localhost",
);
