import connectPgSimple from "connect-pg-simple";
import { RedisStore } from "connect-redis";
import cookieSession from "cookie-session";
import session from "express-session";
import { pgPool, redisClient, redisPrefix } from "../clients.ts";
import { expressSite } from "../frameworks/express.ts";
import { maxAge, requestSession } from "../frameworks/request-session.ts";
import { secret, setting, user } from "../site.ts";
import type { Site } from "../site.ts";

function withStore(store: unknown): Site {
  const options = { secret, resave: false, saveUninitialized: false, cookie: { maxAge } };
  return expressSite(requestSession, (app) =>
    app.use(session(store === undefined ? options : { ...options, store })),
  );
}

export function memory(): Site {
  return withStore(undefined);
}

export async function redis(): Promise<Site> {
  return withStore(new RedisStore({ client: await redisClient(), prefix: redisPrefix("express-session") }));
}

export async function redisQuiet(): Promise<Site> {
  const options = { prefix: redisPrefix("express-session-quiet"), disableTouch: true };
  return withStore(new RedisStore({ client: await redisClient(), ...options }));
}

async function withPostgres(tableName: string, disableTouch: boolean): Promise<Site> {
  const [PgStore, pool, schemaName] = [connectPgSimple(session), pgPool(), setting("BENCH_SCHEMA")];
  // Its own `createTableIfMissing` ignores the schema when it looks for the table.
  await pool.query(
    `CREATE TABLE IF NOT EXISTS ${schemaName}.${tableName} (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL);
     CREATE INDEX IF NOT EXISTS ${tableName}_expire ON ${schemaName}.${tableName} (expire)`,
  );
  return withStore(new PgStore({ pool, schemaName, tableName, disableTouch }));
}

export async function postgres(): Promise<Site> {
  return withPostgres("express_session", false);
}

export async function postgresQuiet(): Promise<Site> {
  return withPostgres("express_session_quiet", true);
}

export function cookie(): Site {
  return expressSite(
    {
      ...requestSession,
      login(request) {
        // A new session at login: there is no `regenerate`, since there is no id.
        (request as unknown as { session: object }).session = { user };
      },
    },
    (app) => app.use(cookieSession({ keys: [secret], maxAge })),
  );
}
