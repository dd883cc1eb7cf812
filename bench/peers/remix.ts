import { createServer } from "node:http";
import { createCookie } from "@remix-run/cookie";
import { createRouter } from "@remix-run/fetch-router";
import { createRequestListener } from "@remix-run/node-fetch-server";
import { Session } from "@remix-run/session";
import { createCookieSessionStorage } from "@remix-run/session/cookie-storage";
import { session as sessions } from "@remix-run/session-middleware";
import { createRedisSessionStorage } from "@remix-run/session-storage-redis";
import { redisClient, redisPrefix } from "../clients.ts";
import { bare as bareDeeds, secret, siteOf, untouched, user, welcome } from "../site.ts";
import type { Actions, Site } from "../site.ts";

interface Held {
  get(key: string): string | number | undefined;
  set(key: string, value: string | number): void;
  regenerateId(deleteOld: boolean): void;
}

interface Context {
  get(key: unknown): Held;
}

function site(actions: Actions<[Context]>, middleware: readonly unknown[]): Site {
  const router = createRouter({ middleware });
  router.get("/untouched", () => new Response(untouched));
  router.get("/read", async (context: Context) => new Response(await actions.read(context)));
  router.post("/write", async (context: Context) => new Response(String(await actions.write(context))));
  router.post("/login", async (context: Context) => {
    await actions.login(context);
    return new Response(welcome);
  });
  return siteOf(createServer(createRequestListener((request: Request) => router.fetch(request))));
}

const actions: Actions<[Context]> = {
  read: (context) => String(context.get(Session).get("user") ?? ""),
  write(context) {
    const session = context.get(Session);
    const count = Number(session.get("count") ?? 0) + 1;
    session.set("count", count);
    return count;
  },
  login(context) {
    const session = context.get(Session);
    session.regenerateId(true);
    session.set("user", user);
  },
};

function withStorage(storage: unknown): Site {
  const carrier = createCookie("session", { secrets: [secret], httpOnly: true, maxAge: 24 * 60 * 60 });
  return site(actions, [sessions(carrier, storage)]);
}

/** The router without sessions. */
export function bare(): Site {
  return site(bareDeeds, []);
}

export function cookie(): Site {
  return withStorage(createCookieSessionStorage());
}

export async function redis(): Promise<Site> {
  const options = { keyPrefix: redisPrefix("remix"), ttl: 24 * 60 * 60 };
  return withStorage(createRedisSessionStorage(await redisClient(), options));
}
