// A site's module as builders load it: without the environment of the server, on a machine where nothing of it is.
// Started by building.test.ts.

import process from "node:process";
import { createSessions } from "coatcheck";
import type { Store } from "coatcheck";
import { expressSessions, requireLogin } from "coatcheck/express";
import { fastifySessions } from "coatcheck/fastify";
import { fetchSessions } from "coatcheck/fetch";
import { h3Sessions } from "coatcheck/h3";
import { honoSessions } from "coatcheck/hono";
import { koaSessions } from "coatcheck/koa";
import { memoryStore } from "coatcheck/memory";
import { nodeSessions } from "coatcheck/node";
import { postgresStore } from "coatcheck/postgres";
import { redisStore } from "coatcheck/redis";
import { sqliteStore } from "coatcheck/sqlite";
import { Redis } from "ioredis";
import { Pool } from "pg";
import postgres from "postgres";
import { createClient } from "redis";

const nowhere = { host: "192.0.2.1", port: 1 };
const stores: Record<string, Store> = {
  memory: memoryStore(),
  sqlite: sqliteStore({ path: "/proc/nowhere/sessions.db" }),
  "redis with node-redis": redisStore({ client: createClient({ socket: nowhere }) }),
  "redis with ioredis": redisStore({
    client: new Redis({ ...nowhere, lazyConnect: true, maxRetriesPerRequest: 0 }),
  }),
  "postgres with pg": postgresStore({ client: new Pool(nowhere) }),
  "postgres with postgres": postgresStore({ client: postgres({ ...nowhere, fetch_types: false }) }),
};
const answers: Record<string, unknown> = {};
for (const [name, store] of Object.entries(stores)) {
  const sessions = createSessions<{ user: string }>({ secret: process.env["SESSION_SECRET"], store });
  expressSessions(sessions);
  fastifySessions(sessions);
  h3Sessions(sessions);
  honoSessions(sessions);
  koaSessions(sessions);
  nodeSessions(sessions);
  requireLogin(sessions);
  // A page that does not look at its session can be rendered.
  const page = fetchSessions(sessions, () => new Response("rendered"));
  answers[name] = await (await page(new Request("http://localhost/"))).text();
}
answers["handles"] = process.getActiveResourcesInfo().filter((resource) => /TCP|Timeout/.test(resource));
console.log(JSON.stringify(answers));
