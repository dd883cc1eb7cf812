import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { testClock } from "coatcheck/testing";
import {
  connectPgSimple,
  connectRedis,
  fromAuthJs,
  fromCookieSession,
  fromExpressSession,
  fromFlask,
  fromIronSession,
  fromKoaSession,
  fromNextAuth,
} from "coatcheck/adopt";
import { RedisServer, withoutRedis } from "../stores/redis-server.ts";
import { pgPool, schema, withoutPostgres } from "../stores/postgres-server.ts";
import { load, loadCommonJs, missing, MovingSite } from "./swap.ts";
import type { Listener } from "./swap.ts";

const until = new Date(Date.now() + 30 * 86_400_000);
const secret = "the secret of the site as it was before";
const take = (old: { readonly user?: string }) => ({ subject: old.user });

describe(
  "the server is swapped between two requests, and the visitor stays logged in:",
  { skip: missing },
  () => {
    /** An app of Express with express-session, whose page /login logs Lea in. */
    async function expressApp(options: object): Promise<Listener> {
      const { default: express } = await load("express");
      const { default: session } = await load("express-session");
      const app = express();
      app.use(session({ secret, resave: false, saveUninitialized: false, ...options }));
      app.get("/login", (request: { session: { user?: string } }, response: { end(): void }) => {
        request.session.user = "lea";
        response.end();
      });
      return app;
    }

    test("express-session, with its memory store", async (t) => {
      const site = new MovingSite(t);
      const { default: session } = await load("express-session");
      const store = new session.MemoryStore();
      await site.swap(await expressApp({ store }));
      await site.visit("login");
      const read = async (id: string) =>
        new Promise((resolve, reject) => {
          store.get(id, (error: Error | null, record: unknown) => (error ? reject(error) : resolve(record)));
        });
      const remove = (id: string) => store.destroy(id);
      await site.move(fromExpressSession({ secret, store: { read, remove }, until, take }), "lea", [
        "connect.sid",
      ]);
      assert.deepEqual(Object.keys(store.sessions), []);
    });

    test("express-session, with a cookie of its own name and path, whose secret was replaced", async (t) => {
      const site = new MovingSite(t);
      const { default: session } = await load("express-session");
      const store = new session.MemoryStore();
      await site.swap(
        await expressApp({
          store,
          name: "my sid".replace(" ", "_"),
          cookie: { path: "/", maxAge: 60_000 },
          secret: "older",
        }),
      );
      await site.visit("login");
      const read = (id: string) => store.sessions[id];
      const source = fromExpressSession({
        secret: ["newest", "older"],
        store: { read },
        cookie: { name: "my_sid" },
        until,
        take,
      });
      await site.move(source, "lea", ["my_sid"]);
    });

    test("express-session, with connect-redis", { skip: withoutRedis }, async (t) => {
      const site = new MovingSite(t);
      const server = await RedisServer.start();
      const { createClient } = await load("redis");
      const client = await createClient({ url: server.url }).connect();
      t.after(() => client.destroy());
      const { RedisStore } = await load("connect-redis");
      await site.swap(await expressApp({ store: new RedisStore({ client }) }));
      await site.visit("login");
      assert.equal((await client.keys("sess:*")).length, 1);
      const source = fromExpressSession({ secret, store: connectRedis({ client }), until, take });
      await site.move(source, "lea", ["connect.sid"]);
      assert.equal((await client.keys("*")).length, 0);
    });

    test("express-session, with connect-pg-simple", { skip: withoutPostgres }, async (t) => {
      const site = new MovingSite(t);
      const pool = pgPool();
      const { default: connect } = await load("connect-pg-simple");
      const { default: session } = await load("express-session");
      const PgStore = connect(session);
      const store = new PgStore({
        pool,
        schemaName: schema,
        tableName: "old session",
        createTableIfMissing: true,
        pruneSessionInterval: false,
      });
      await site.swap(await expressApp({ store }));
      await site.visit("login");
      const client = connectPgSimple({ client: pool, schema, table: "old session" });
      await site.move(fromExpressSession({ secret, store: client, until, take }), "lea", ["connect.sid"]);
      const { rows } = await pool.query(`SELECT * FROM ${schema}."old session"`);
      assert.deepEqual(rows, []);
      // What has expired, but was not removed yet, is gone.
      await site.swap(await expressApp({ store }));
      await site.visit("login");
      await pool.query(`UPDATE ${schema}."old session" SET expire = now() - interval '1 second'`);
      await site.swapToCoatcheck(fromExpressSession({ secret, store: client, until, take }));
      assert.equal(await site.see((own) => own.subject), undefined);
    });

    test("cookie-session", async (t) => {
      const site = new MovingSite(t);
      const { default: express } = await load("express");
      const { default: cookieSession } = await load("cookie-session");
      const app = express();
      app.use(cookieSession({ keys: ["older key", "newest key"].toReversed(), maxAge: 60_000 }));
      app.get("/login", (request: { session: object }, response: { end(): void }) => {
        Object.assign(request.session, { user: "lea", name: "Léa ☕" });
        response.end();
      });
      await site.swap(app);
      await site.visit("login");
      let old: unknown;
      const source = fromCookieSession({
        secret: ["newest key", "older key"],
        until,
        take: (data) => ((old = data), { subject: "lea" }),
      });
      await site.move(source, "lea", ["session", "session.sig"]);
      assert.deepEqual(old, { user: "lea", name: "Léa ☕" });
    });

    /** An app of Koa with koa-session, whose page /login logs Lea in. */
    async function koaApp(options: object): Promise<Listener> {
      const { default: Koa } = await load("koa");
      const { createSession } = await load("koa-session");
      const app = new Koa();
      app.keys = [secret];
      app.use(createSession(options, app));
      app.use((context: { session: { user?: string }; body: string }) => {
        context.session.user = "lea";
        context.body = "";
      });
      return app.callback();
    }

    test("koa-session, in the cookie", async (t) => {
      const site = new MovingSite(t);
      await site.swap(await koaApp({}));
      await site.visit("login");
      let old: unknown;
      const source = fromKoaSession({ secret, until, take: (data) => ((old = data), { subject: "lea" }) });
      await site.move(source, "lea", ["koa.sess", "koa.sess.sig"]);
      assert.deepEqual(old, { user: "lea" });
    });

    test("koa-session, with a store and a cookie that lasts as long as the browser", async (t) => {
      const site = new MovingSite(t);
      const records = new Map<string, object>();
      const store = {
        get: async (key: string) => records.get(key),
        set: async (key: string, record: object) => records.set(key, { ...record }),
        destroy: async (key: string) => records.delete(key),
      };
      await site.swap(await koaApp({ store, key: "koa:sess", maxAge: "session" }));
      await site.visit("login");
      const source = fromKoaSession<{ user?: string }>({
        secret,
        cookie: { name: "koa:sess" },
        store: { read: (key) => records.get(key), remove: (key) => records.delete(key) },
        until,
        take,
      });
      await site.move(source, "lea", ["koa:sess", "koa:sess.sig"]);
      assert.equal(records.size, 0);
    });

    for (const [name, version] of [
      ["iron-session", 9],
      ["iron-session-8", 8],
    ] as const) {
      test(`iron-session ${version}`, async (t) => {
        const site = new MovingSite(t);
        const { getIronSession } = await load(name);
        const passwords = {
          1: "an older password of iron-session",
          2: "the newest password of iron-session",
        };
        await site.swap(async (request: IncomingMessage, response: ServerResponse) => {
          const options = { password: passwords, cookieName: "my-app", cookieOptions: { secure: false } };
          const session = await getIronSession(request, response, options);
          session.user = "lea";
          await session.save();
          response.end();
        });
        await site.visit("login");
        const source = fromIronSession<{ user?: string }>({
          secret: Object.values(passwords),
          cookie: { name: "my-app" },
          until,
          take,
        });
        await site.move(source, "lea", ["my-app"]);
      });
    }

    /** A token with this much in it is too long for one cookie. */
    const long = "x".repeat(6000);

    for (const extra of ["", long]) {
      const what = extra === "" ? "" : ", with a token in several cookies";
      const chunks = (name: string) => (extra === "" ? [name] : [`${name}.0`, `${name}.1`, `${name}.2`]);

      test(`next-auth 4${what}`, async (t) => {
        const site = new MovingSite(t);
        await site.swap(nextAuth(extra));
        process.env["NEXTAUTH_URL"] = site.url;
        t.after(() => void delete process.env["NEXTAUTH_URL"]);
        const { csrfToken } = (await (await site.visit("api/auth/csrf")).json()) as { csrfToken: string };
        const form = new URLSearchParams({ csrfToken, json: "true" });
        await site.visit("api/auth/callback/credentials", { method: "POST", body: form });
        for (const name of ["next-auth.csrf-token", "next-auth.callback-url"]) forget(site, name);
        const source = fromNextAuth<{ sub?: string; extra?: string }>({
          secret,
          until,
          take: ({ sub, extra: more }) => ({ subject: more === extra ? sub : "somebody else" }),
        });
        await site.move(source, "lea", chunks("next-auth.session-token"));
      });

      test(`Auth.js 5${what}`, async (t) => {
        const site = new MovingSite(t);
        await site.swap(await authJs(extra));
        const { csrfToken } = (await (await site.visit("auth/csrf")).json()) as { csrfToken: string };
        await site.visit("auth/callback/credentials", {
          method: "POST",
          body: new URLSearchParams({ csrfToken }),
        });
        for (const name of ["authjs.csrf-token", "authjs.callback-url"]) forget(site, name);
        const source = fromAuthJs<{ sub?: string; extra?: string }>({
          secret: ["newest", secret],
          until,
          take: ({ sub, extra: more }) => ({ subject: more === extra ? sub : "somebody else" }),
        });
        await site.move(source, "lea", chunks("authjs.session-token"));
      });
    }

    /** next-auth in the manner of Next.js' pages router, without Next.js. */
    function nextAuth(extra: string): Listener {
      const NextAuth = loadCommonJs("next-auth").default;
      const Credentials = loadCommonJs("next-auth/providers/credentials").default;
      const options = authOptions(Credentials, extra);
      return async (request, response) => {
        const url = new URL(request.url ?? "/", "http://localhost");
        const json = (value: unknown): unknown =>
          response.setHeader("content-type", "application/json").end(JSON.stringify(value));
        Object.assign(request, {
          query: { ...Object.fromEntries(url.searchParams), nextauth: url.pathname.split("/").slice(3) },
          cookies: Object.fromEntries(
            (request.headers.cookie ?? "").split("; ").map((pair) => splitPair(pair)),
          ),
          body: Object.fromEntries(new URLSearchParams(await text(request))),
        });
        Object.assign(response, {
          status(code: number) {
            response.statusCode = code;
            return response;
          },
          json,
          send: (body: unknown) => (typeof body === "object" ? json(body) : response.end(body)),
        });
        await NextAuth(request, response, options);
      };
    }

    async function authJs(extra: string): Promise<Listener> {
      const { Auth } = await load("@auth/core");
      const { default: Credentials } = await load("@auth/core/providers/credentials");
      const options = { ...authOptions(Credentials, extra), trustHost: true };
      return async (request, response) => {
        const { method = "GET", headers } = request;
        const init = {
          method,
          headers: headers as Record<string, string>,
          ...(method === "POST" && { body: await text(request) }),
        };
        const answer: Response = await Auth(
          new Request(`http://${headers.host}${request.url}`, init),
          options,
        );
        response.writeHead(answer.status, [...answer.headers].flat());
        response.end(await answer.text());
      };
    }

    function authOptions(credentials: (options: object) => object, extra: string) {
      return {
        secret,
        session: { strategy: "jwt" },
        providers: [credentials({ credentials: {}, authorize: () => ({ id: "lea", name: "Lea" }) })],
        callbacks: { jwt: ({ token }: { token: object }) => ({ ...token, extra }) },
      };
    }
  },
);

/** Leaves only the session's cookies in the browser, so that it is plain what becomes of them. */
function forget(site: MovingSite, name: string): void {
  assert.ok(site.jar.get(name) !== undefined, name);
  site.jar.receive(`${name}=; Path=/; Max-Age=0`, site.url);
}

function splitPair(pair: string): [string, string] {
  const equals = pair.indexOf("=");
  return [pair.slice(0, equals), decodeURIComponent(pair.slice(equals + 1))];
}

interface Vector {
  readonly name: string;
  readonly secret_key: string;
  readonly timestamp: number;
  readonly cookie: string;
}

const { vectors } = JSON.parse(readFileSync(join(import.meta.dirname, "flask-vectors.json"), "utf8")) as {
  readonly vectors: readonly Vector[];
};

/** What each vector contains. */
const wanted: Readonly<Record<string, object>> = {
  "v1-simple": { user_id: 42 },
  "v2-permanent": { _permanent: true, username: "ada", visits: 3 },
  "v3-flashes": {
    _flashes: [
      ["message", "You were logged in"],
      ["error", "Bad <b>input</b>"],
    ],
    u: 1,
  },
  "v4-all-types": {
    T: true,
    b: Uint8Array.of(0, 255, 254),
    d: new Date("2024-02-29T12:34:56Z"),
    f: 1.5,
    l: [1, [2, 3]],
    m: "<em>x</em>",
    n: null,
    neg: -7,
    o: { a: [new Uint8Array(Buffer.from("q"))], z: 1 },
    t: [1, "two", null],
    u: "12345678-1234-5678-1234-567812345678",
  },
  "v7-unicode": { name: 'Zoë 😀 \u2028 "q" \\ / \x7f', é: "key" },
  "v9-rotation-new": { a: 1 },
  "v10-rotation-old": { a: 1 },
  "v14-big-int-and-nan": { big: 9223372036854775808n, inf: Infinity, nan: Number.NaN },
};

describe("a cookie that Flask made is adopted:", () => {
  for (const { name, secret_key: key, timestamp, cookie } of vectors) {
    test(name, async (t) => {
      const clock = testClock(timestamp * 1000);
      const site = new MovingSite(t, { clock });
      let old: unknown;
      const source = fromFlask({
        secret: [key, "another-key"],
        until: new Date(clock.now() + 1000),
        take: (data) => ((old = data), { subject: "ada" }),
      });
      await site.swap((_request, response) => {
        response.setHeader("set-cookie", `session=${cookie}; HttpOnly; Path=/`).end();
      });
      await site.visit();
      await site.move(source, "ada", ["session"]);
      assert.deepEqual(old, wanted[name]);
    });
  }
});
