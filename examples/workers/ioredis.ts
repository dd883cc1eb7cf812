import { createSessions } from "coatcheck";
import { fetchSessions } from "coatcheck/fetch";
import { redisStore } from "coatcheck/redis";
import { Redis } from "ioredis";
import { site } from "./site.ts";
import type { Data } from "./site.ts";

interface Env {
  REDIS_URL: string;
  SESSION_SECRET: string;
}

export default {
  async fetch(request: Request, env: Env, ctx: { waitUntil(work: Promise<unknown>): void }) {
    const client = new Redis(env.REDIS_URL, {
      lazyConnect: true, // connects when it is first used
      maxRetriesPerRequest: 0,
      connectTimeout: 1000,
      retryStrategy: null,
    });
    const store = redisStore({ client, onWarning: false });
    const sessions = createSessions<Data>({ secret: env.SESSION_SECRET, store });
    try {
      return await fetchSessions(sessions, (own) => site(sessions, own))(request);
    } finally {
      client.disconnect();
    }
  },
};
