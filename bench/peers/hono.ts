import { useSession, useSessionStorage } from "@hono/session";
import type { Context } from "hono";
import { CookieStore, MemoryStore, sessionMiddleware } from "hono-sessions";
import { honoSite } from "../frameworks/hono.ts";
import { secret, user } from "../site.ts";
import type { Actions, Site } from "../site.ts";

interface Data {
  get(key: string): string | number | undefined;
  set(key: string, value: string | number): void;
}

function dataOf(context: Context): Data {
  return context.get("session") as Data;
}

const actions: Actions<[Context]> = {
  read: (context) => String(dataOf(context).get("user") ?? ""),
  write(context) {
    const count = Number(dataOf(context).get("count") ?? 0) + 1;
    dataOf(context).set("count", count);
    return count;
  },
  login(context) {
    context.set("session_key_rotation", true);
    dataOf(context).set("user", user);
  },
};

function sessions(store: unknown): Site {
  const options = { store, encryptionKey: secret, expireAfterSeconds: 24 * 60 * 60 };
  return honoSite(actions, (app) => app.use("*", sessionMiddleware(options)));
}

export function sessionsCookie(): Site {
  return sessions(new CookieStore());
}

export function sessionsMemory(): Site {
  return sessions(new MemoryStore());
}

interface Held {
  user?: string;
  count?: number;
}

interface HonoSession {
  get(): Promise<Held | null>;
  update(change: (data: Held | null) => Held): Promise<void>;
}

function sessionOf(context: Context): HonoSession {
  return context.get("session") as HonoSession;
}

const ownDeeds: Actions<[Context]> = {
  read: async (context) => (await sessionOf(context).get())?.user ?? "",
  async write(context) {
    let count = 0;
    await sessionOf(context).update((data) => {
      count = (data?.count ?? 0) + 1;
      return { ...data, count };
    });
    return count;
  },
  login: async (context) => sessionOf(context).update(() => ({ user })),
};

const ownOptions = { secret, duration: { absolute: 24 * 60 * 60 } };

export function ownCookie(): Site {
  return honoSite(ownDeeds, (app) => app.use(useSession(ownOptions)));
}

/** The smallest possible store, since the package has none. */
export function ownMemory(): Site {
  const records = new Map<string, unknown>();
  const storage = {
    delete(id: string) {
      records.delete(id);
    },
    get: async (id: string) => records.get(id) ?? null,
    set(id: string, value: unknown) {
      records.set(id, value);
    },
  };
  return honoSite(ownDeeds, (app) => app.use(useSessionStorage(storage), useSession(ownOptions)));
}
