import { createSessions } from "coatcheck";
import { fetchSessions } from "coatcheck/fetch";
import { redisStore } from "coatcheck/redis";
import { createClient } from "redis";
import { site } from "./site.ts";
import type { Data } from "./site.ts";

interface Env {
  REDIS_URL: string;
  SESSION_SECRET: string;
}

export default {
  async fetch(request: Request, env: Env, ctx: { waitUntil(work: Promise<unknown>): void }) {
    const client = createClient({
      url: env.REDIS_URL,
      disableOfflineQueue: true,
      socket: { connectTimeout: 1000, reconnectStrategy: false },
    });
    const store = redisStore({ client, onWarning: false });
    const sessions = createSessions<Data>({ secret: env.SESSION_SECRET, store });
    // It does not connect by itself. If it can't, the store says so when it is used.
    await client.connect().catch(() => {});
    try {
      return await fetchSessions(sessions, (own) => site(sessions, own))(request);
    } finally {
      client.destroy();
    }
  },
};
