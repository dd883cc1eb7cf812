import { env } from "cloudflare:workers";
import { createSessions } from "coatcheck";
import { fetchSessions } from "coatcheck/fetch";
import { upstashStore } from "coatcheck/upstash";
import { site } from "./site.ts";
import type { Data } from "./site.ts";

const { SESSION_SECRET, UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN } = env as Record<string, string>;

// It keeps no connection, so one serves all requests.
const sessions = createSessions<Data>({
  secret: SESSION_SECRET,
  store: upstashStore({ url: UPSTASH_REDIS_REST_URL, token: UPSTASH_REDIS_REST_TOKEN }),
});

export default { fetch: fetchSessions(sessions, (request) => site(sessions, request)) };
