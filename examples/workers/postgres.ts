import { createSessions } from "coatcheck";
import { fetchSessions } from "coatcheck/fetch";
import { postgresStore } from "coatcheck/postgres";
import postgres from "postgres";
import { site } from "./site.ts";
import type { Data } from "./site.ts";

interface Env {
  HYPERDRIVE: { connectionString: string };
  SESSION_SECRET: string;
}

/** The `sessions` of one request. The client connects when it is first used. */
function open(env: Env) {
  const client = postgres(env.HYPERDRIVE.connectionString, {
    max: 1,
    fetch_types: false,
    connect_timeout: 2,
  });
  const sessions = createSessions<Data>({ secret: env.SESSION_SECRET, store: postgresStore({ client }) });
  return { sessions, end: () => client.end() };
}

export default {
  async fetch(request: Request, env: Env, ctx: { waitUntil(work: Promise<unknown>): void }) {
    const { sessions, end } = open(env);
    try {
      return await fetchSessions(sessions, (own) => site(sessions, own))(request);
    } finally {
      ctx.waitUntil(end());
    }
  },

  /** A cron trigger deletes expired sessions: an object that lives for one request never does. */
  async scheduled(_controller: unknown, env: Env) {
    const { sessions, end } = open(env);
    await sessions.sweep();
    await end();
  },
};
