import cookie from "@fastify/cookie";
import secureSession from "@fastify/secure-session";
import session from "@fastify/session";
import { RedisStore } from "connect-redis";
import type { FastifyRequest } from "fastify";
import { redisClient, redisPrefix } from "../clients.ts";
import { fastifySite } from "../frameworks/fastify.ts";
import { secret, user } from "../site.ts";
import type { Actions, Site } from "../site.ts";

interface Data {
  get(key: string): string | number | undefined;
  set(key: string, value: string | number): void;
  regenerate(): Promise<void> | undefined;
}

/** The session that both plugins put on the request. */
function dataOf(request: FastifyRequest): Data {
  return (request as unknown as { session: Data }).session;
}

const actions: Actions<[FastifyRequest]> = {
  read: (request) => String(dataOf(request).get("user") ?? ""),
  write(request) {
    const count = Number(dataOf(request).get("count") ?? 0) + 1;
    dataOf(request).set("count", count);
    return count;
  },
  async login(request) {
    await dataOf(request).regenerate();
    dataOf(request).set("user", user);
  },
};

async function withStore(rolling: boolean, store?: unknown): Promise<Site> {
  const cookieOptions = { secure: false, maxAge: 24 * 60 * 60 * 1000 };
  return fastifySite(actions, async (app) => {
    await app.register(cookie);
    const options = { secret, rolling, saveUninitialized: false, cookie: cookieOptions };
    await app.register(session, { ...options, ...(store !== undefined && { store }) });
  });
}

export async function memory(): Promise<Site> {
  return withStore(true);
}

export async function memoryQuiet(): Promise<Site> {
  return withStore(false);
}

export async function redis(): Promise<Site> {
  const prefix = redisPrefix("fastify-session");
  return withStore(true, new RedisStore({ client: await redisClient(), prefix }));
}

export async function redisQuiet(): Promise<Site> {
  const prefix = redisPrefix("fastify-session-quiet");
  return withStore(false, new RedisStore({ client: await redisClient(), prefix }));
}

export async function secure(): Promise<Site> {
  return fastifySite(actions, async (app) => {
    await app.register(secureSession, { key: Buffer.from(secret).subarray(0, 32), cookie: { path: "/" } });
  });
}
