// A login with GraphQL Yoga: `node server.ts`.

import { createServer } from "node:http";
import { createSessions } from "coatcheck";
import type { Session } from "coatcheck";
import { nodeSessions } from "coatcheck/node";
import { sqliteStore } from "coatcheck/sqlite";
import { GraphQLError } from "graphql";
import { createSchema, createYoga } from "graphql-yoga";
import type { Plugin } from "graphql-yoga";

interface Data {
  readonly note: string;
}

const sessions = createSessions<Data>({
  secret: process.env.SESSION_SECRET,
  store: sqliteStore({ path: process.env.SESSION_FILE ?? "data/sessions.db" }),
});

const users = new Map([["ana", "correct horse"]]); // in production: a database with argon2id hashes

interface Context {
  readonly session: Session<Data>;
}

function subjectOf(session: Session<Data>): string {
  if (session.subject !== undefined) return session.subject;
  throw new GraphQLError("Log in first.", { extensions: { code: "UNAUTHENTICATED" } });
}

const schema = createSchema<Context>({
  typeDefs: /* GraphQL */ `
    type Visitor {
      name: String!
      note: String!
      messages: [String!]!
    }
    type Query {
      me: Visitor!
      secret: String!
    }
    type Mutation {
      logIn(name: String!, password: String!): Visitor!
      logOut: Boolean!
      note(note: String!): Boolean!
      fail(note: String!): Boolean!
      failAfterLogin(note: String!): Boolean!
      everywhere: Int!
    }
    type Subscription {
      greetings: String!
    }
  `,
  resolvers: {
    Visitor: {
      name: (_: unknown, _args: unknown, { session }) => session.subject ?? "stranger",
      note: (_: unknown, _args: unknown, { session }) => session.get("note") ?? "",
      messages: async (_: unknown, _args: unknown, { session }) =>
        (await session.takeFlashes()).map(({ message }) => message),
    },
    Query: {
      me: () => ({}),
      secret: (_, _args, { session }) => `The page of ${subjectOf(session)}`,
    },
    Mutation: {
      async logIn(_, { name, password }: { name: string; password: string }, { session }) {
        const right = users.get(name);
        if (right === undefined || right !== password) throw new GraphQLError("Login failed.");
        await session.login(name);
        session.flash("You are logged in.", "success");
        return {};
      },
      async logOut(_, _args, { session }) {
        await session.logout();
        return true;
      },
      note(_, { note }: { note: string }, { session }) {
        session.set("note", note);
        return true;
      },
      fail(_, { note }: { note: string }, { session }) {
        session.set("note", note);
        throw new GraphQLError("The note is not kept.");
      },
      async failAfterLogin(_, { note }: { note: string }, { session }) {
        await session.login("ana");
        session.set("note", note);
        throw new Error("The note is not kept, but the login is.");
      },
      everywhere: (_, _args, { session }) => sessions.revokeAll(subjectOf(session), { except: session.id }),
    },
    Subscription: {
      greetings: {
        // Ends when the session does. By the first message, the session is committed, and can only be read.
        async *subscribe(_, _args, { session }) {
          yield { greetings: `Hello, ${subjectOf(session)}!` };
          const { signal } = session;
          if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
          yield { greetings: "The session has ended." };
        },
      },
    },
  },
});

/** GraphQL responds with 200 although a resolver failed, so the session hears of it here. */
const failures: Plugin = {
  onExecute: () => ({
    onExecuteDone({ result }) {
      const [error] = ("errors" in result && result.errors) || [];
      if (error !== undefined) sessions.fail(error.originalError ?? error);
    },
  }),
};

const yoga = createYoga({
  schema,
  context: async (): Promise<Context> => ({ session: await sessions.current() }),
  plugins: [failures],
});

createServer(nodeSessions(sessions, (request, response) => yoga(request, response))).listen(
  Number(process.env.PORT ?? 3000),
  process.env.HOST ?? "localhost",
);
