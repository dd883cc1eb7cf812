// Programs that are slightly wrong and work without sessions, and clients that go away: a visitor's doing never
// ends the process, and a login that was acknowledged arrives with whatever is answered.

import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { connect, createServer as createHttp2Server } from "node:http2";
import type { ClientHttp2Session, ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { pipeline, Readable } from "node:stream";
import { test } from "node:test";
import type { TestContext } from "node:test";
import connectApp from "connect";
import { createSessions, eventChannel, generateSecret } from "coatcheck";
import type { Sessions } from "coatcheck";
import { expressSessions } from "coatcheck/express";
import { fetchSessions } from "coatcheck/fetch";
import { h3Sessions } from "coatcheck/h3";
import { honoSessions } from "coatcheck/hono";
import { koaSessions } from "coatcheck/koa";
import { memoryStore } from "coatcheck/memory";
import { nodeSessions } from "coatcheck/node";
import { probeStore } from "coatcheck/testing";
import express from "express";
import { H3 } from "h3";
import { Hono } from "hono";
import { timeout } from "hono/timeout";
import Koa from "koa";
import { listen } from "../support/listen.ts";
import { inLaterTurn } from "../support/store-calls.ts";

interface Data {
  a: string;
  list: string[];
}

function hub(isSlow = false): Sessions<Data> {
  const probe = probeStore(memoryStore());
  if (isSlow) probe.around = inLaterTurn;
  return createSessions<Data>({ secret: generateSecret(), store: probe.store });
}

/** A client of a server over HTTP/2; both end with the test. */
async function overHttp2(
  t: TestContext,
  listener: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<ClientHttp2Session> {
  const port = await listen(t, createHttp2Server(listener as never));
  const client = connect(`http://127.0.0.1:${port}`);
  t.after(() => client.destroy());
  return client;
}

async function get(port: number, path = "/", cookie = "") {
  const sent = httpRequest({ port, host: "127.0.0.1", path, headers: { cookie }, agent: false }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const body = Buffer.concat(await response.toArray()).toString();
  return { status: response.statusCode, body, cookies: response.headers["set-cookie"] ?? [] };
}

/** Everything a handler may do to a session whose client has gone. */
const changes: Readonly<Record<string, (sessions: Sessions<Data>, req: object) => Promise<unknown>>> = {
  set: async (sessions, req) => {
    const session = await sessions.of(req);
    session.set("list", []);
    session.get("list")?.push("x"); // works on what it has set itself
    assert.deepEqual(session.get("list"), ["x"]);
  },
  delete: async (sessions, req) => (await sessions.of(req)).delete("a"),
  clear: async (sessions, req) => (await sessions.of(req)).clear(),
  permanent: async (sessions, req) => {
    (await sessions.of(req)).permanent = true;
  },
  flash: async (sessions, req) => (await sessions.of(req)).flash("lost"),
  takeFlashes: async (sessions, req) => assert.deepEqual(await (await sessions.of(req)).takeFlashes(), []),
  rotate: async (sessions, req) => (await sessions.of(req)).rotate(),
  login: async (sessions, req) => {
    const session = await sessions.of(req);
    await session.login("eve");
    assert.equal(session.subject, "eve");
    session.set("a", "eve's");
    await session.update("a", (a) => `${a}!`);
  },
  "cookies.set": async (sessions, req) => sessions.cookies(req).set("theme", "dark"),
  "cookies.delete": async (sessions, req) => sessions.cookies(req).delete("theme"),
  "cookies.signed.set": async (sessions, req) => sessions.cookies(req).signed.set("theme", "dark"),
};

for (const [what, change] of Object.entries(changes)) {
  for (const when of ["looked at its session before", "looks at its session after"] as const) {
    test(`a handler that ${when} its client goes away, and calls ${what}: nothing throws, nothing is kept`, async (t) => {
      const sessions = hub();
      const events: { type: string; reason?: string }[] = [];
      const hear = (event: unknown): number => events.push(event as { type: string });
      subscribe(eventChannel, hear);
      t.after(() => unsubscribe(eventChannel, hear));
      const begun = Promise.withResolvers<undefined>();
      const done = Promise.withResolvers<unknown>();
      const app = express();
      app.use(expressSessions(sessions));
      app.get("/start", async (req, res) => {
        const session = await sessions.of(req);
        await session.login("ana");
        session.set("a", "A");
        session.flash("hello");
        res.end();
      });
      app.get("/slow", (req, res) => {
        void (async () => {
          if (when.startsWith("looked")) await sessions.of(req);
          begun.resolve(undefined);
          await once(res, "close");
          await change(sessions, req);
          res.send("page");
        })().then(done.resolve, done.reject);
      });
      app.get("/look", async (req, res) => {
        const session = await sessions.of(req);
        res.json([session.subject, session.get("a"), session.permanent, session.peekFlashes().length]);
      });
      const port = await listen(t, app);
      const cookie = (await get(port, "/start")).cookies[0]?.split(";")[0] ?? "";
      events.length = 0;
      const sent = httpRequest({
        port,
        host: "127.0.0.1",
        path: "/slow",
        headers: { cookie },
        agent: false,
      }).end();
      sent.on("error", () => undefined);
      await begun.promise;
      sent.destroy();
      await done.promise;
      const dropped = events.filter(({ type }) => type === "write-dropped");
      if (what !== "takeFlashes" && !what.startsWith("cookies"))
        assert.deepEqual(
          dropped.map(({ reason }) => reason),
          ["client-left"],
        );
      assert.ok(!events.some(({ type }) => type === "login"));
      assert.deepEqual(JSON.parse((await get(port, "/look", cookie)).body), ["ana", "A", false, 1]);
    });
  }
}

test("a logout counts, and so does an update, though the client has gone", async (t) => {
  const sessions = hub();
  const begun = Promise.withResolvers<undefined>();
  const done = Promise.withResolvers<undefined>();
  const port = await listen(
    t,
    nodeSessions(sessions, async (request, response) => {
      const session = await sessions.of(request);
      if (request.url === "/start") await session.login("ana");
      else {
        begun.resolve(undefined);
        await once(response, "close");
        await session.update("a", () => "kept");
        assert.equal((await sessions.list("ana")).length, 1);
        await session.logout();
        done.resolve(undefined);
      }
      response.end();
    }),
  );
  const cookie = (await get(port, "/start")).cookies[0]?.split(";")[0] ?? "";
  const sent = httpRequest({ port, host: "127.0.0.1", headers: { cookie }, agent: false }).end();
  sent.on("error", () => undefined);
  await begun.promise;
  sent.destroy();
  await done.promise;
  assert.deepEqual(await sessions.list("ana"), []);
});

for (const isSlow of [false, true]) {
  const store = isSlow ? "a store that waits" : "a store that answers at once";

  test(`a handler that answers twice: the first answer arrives, on ${store}`, async (t) => {
    const sessions = hub(isSlow);
    const errors: unknown[] = [];
    const app = express().set("env", "test");
    app.use(expressSessions(sessions));
    app.get("/json", async (req, res) => {
      (await sessions.of(req)).set("a", "A");
      res.json({ first: true });
      res.json({ second: true });
    });
    app.get("/end", async (req, res) => {
      (await sessions.of(req)).set("a", "A");
      res.end("first");
      res.end("second");
      res.write("third");
    });
    app.get("/destroy", async (req, res) => {
      (await sessions.of(req)).set("a", "A");
      res.end("first");
      req.destroy();
    });
    app.use((error: unknown, _req: express.Request, _res: express.Response, next: express.NextFunction) => {
      errors.push(error);
      next(error);
    });
    const port = await listen(t, app);
    const json = await get(port, "/json");
    assert.deepEqual([json.status, json.body, json.cookies.length], [200, '{"first":true}', 1]);
    assert.equal((errors[0] as { code?: string }).code, "ERR_HTTP_HEADERS_SENT");
    for (const path of ["/end", "/destroy"]) {
      const { status, body, cookies } = await get(port, path);
      assert.deepEqual([status, body, cookies.length], [200, "first", 1], path);
    }
  });

  const mistakes: Readonly<Record<string, (response: ServerResponse) => unknown>> = {
    'writeHead("200")': (response) =>
      (response.writeHead as (...args: unknown[]) => typeof response)("200").end("page"),
    "end({})": (response) => response.end({}),
    "write(null)": (response) => response.write(null),
    "write in an encoding that is none": (response) => response.write("x", "nonsense" as BufferEncoding),
    "writeHead(99)": (response) => response.writeHead(99),
    "a header that is none": (response) => response.writeHead(200, { "x-bad": "a\nb" }).end("page"),
    "a list with a name too many": (response) => response.writeHead(200, ["x-odd"]).end("page"),
    "an error after the first of the body": (response) => {
      response.write("page");
      throw new Error("meant to fail");
    },
  };
  for (const [what, mistake] of Object.entries(mistakes)) {
    for (const use of ["login", "login and data"] as const) {
      test(
        `after a ${use}, ${what} is answered, with the login's cookie, on ${store}`,
        { timeout: 20_000 },
        async (t) => {
          t.mock.method(console, "error", () => undefined);
          const sessions = hub(isSlow);
          const listener = nodeSessions(sessions, async (request, response) => {
            const session = await sessions.of(request);
            await session.login("ana");
            if (use === "login and data") session.set("a", "A");
            await mistake(response);
            response.end();
          });
          // Where nothing waits, the first of the body is on its way when the error comes, and nothing can be told any more.
          if (what.startsWith("an error after") && !(isSlow && use === "login and data")) return;
          const { status, cookies } = await get(await listen(t, listener));
          assert.equal(status, what === 'writeHead("200")' ? 200 : 500);
          assert.deepEqual(
            cookies.map((line) => line.split("=")[0]),
            ["__Host-Http-session"],
          );
        },
      );
    }
  }
}

test("HTTP/2: stream.respond() carries a login's cookie, and is refused where data still has to be written", async (t) => {
  t.mock.method(console, "error", () => undefined);
  const sessions = hub();
  const server = createHttp2Server(
    nodeSessions(sessions, async (request, response) => {
      const session = await sessions.of(request);
      await session.login("ana");
      if (request.url === "/data") session.set("a", "A");
      const { stream } = response as unknown as { stream: ServerHttp2Stream };
      if (request.url === "/headed") response.writeHead(201, { a: "b" });
      if (request.url !== "/end") stream.respond({ ":status": 200, "x-own": "1" });
      stream.end("page");
    }) as never,
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.after(() => {
    client.destroy();
    server.close();
  });
  for (const [path, status] of [
    ["/", 200],
    ["/data", 500],
    ["/headed", 500],
    ["/end", 200],
  ] as const) {
    const stream = client.request({ ":path": path });
    const [headers] = (await once(stream, "response")) as [Record<string, string | string[]>];
    await stream.toArray();
    assert.equal(headers[":status"], status);
    assert.match(String(headers["set-cookie"]), /^__Host-Http-session=[\w.-]{80}/);
    assert.equal(headers["cache-control"], "no-store");
  }
});

const nothing = undefined as unknown as Response;
const broken: Readonly<Record<string, Parameters<typeof fetchSessions<Data>>[2]>> = {
  "a handler that gives nothing back": {},
  "an onError that throws": {
    onError: () => {
      throw new Error("meant to fail");
    },
  },
  "an onError that gives nothing back": { onError: () => nothing },
};

for (const [what, options] of Object.entries(broken)) {
  test(`fetch: after a login, ${what} is answered with 500 and the login's cookie`, async (t) => {
    t.mock.method(console, "error", () => undefined);
    const sessions = hub();
    const handler = fetchSessions<Data>(
      sessions,
      async (request) => {
        await (await sessions.of(request)).login("ana");
        if (what.startsWith("a handler")) return nothing;
        throw new Error("meant to fail");
      },
      options,
    );
    const response = await handler(new Request("https://site.example/"));
    assert.equal(response.status, 500);
    assert.equal(response.headers.getSetCookie().length, 1);
  });
}

/** The same sessions on an app and again on a part of it; the outer layer keeps a key, the inner logs in. */
const nested: Readonly<
  Record<string, (sessions: Sessions<Data>) => (t: TestContext) => Promise<readonly string[]>>
> = {
  Express: (sessions) => async (t) => {
    const router = express.Router().use(expressSessions(sessions));
    router.get("/login", async (req, res) => {
      await (await sessions.of(req)).login("ana");
      res.send("in");
    });
    const app = express().use(expressSessions(sessions));
    app.use(async (req, _res, next) => {
      (await sessions.of(req)).set("a", "A");
      next();
    });
    app.use("/in", router);
    return (await get(await listen(t, app), "/in/login")).cookies;
  },
  connect: (sessions) => async (t) => {
    const app = connectApp();
    app.use(nodeSessions(sessions) as never);
    app.use((req, _res, next) => {
      const use = async (): Promise<void> => {
        (await sessions.of(req)).set("a", "A");
        next();
      };
      void use();
    });
    app.use(
      "/in",
      nodeSessions(sessions, async (req, res) => {
        await (await sessions.of(req)).login("ana");
        res.end("in");
      }) as never,
    );
    return (await get(await listen(t, app), "/in/login")).cookies;
  },
  Koa: (sessions) => async (t) => {
    const app = new Koa();
    app.use(koaSessions(sessions));
    app.use(async (ctx, next) => {
      (await sessions.of(ctx)).set("a", "A");
      await next();
    });
    app.use(koaSessions(sessions));
    app.use(async (ctx) => {
      await (await sessions.of(ctx)).login("ana");
      ctx.body = "in";
    });
    const callback = app.callback();
    return (await get(await listen(t, (req, res) => void callback(req, res)))).cookies;
  },
  "Hono, route": (sessions) => async () => {
    const part = new Hono().use(honoSessions(sessions)).get("/login", async (c) => {
      await (await sessions.of(c)).login("ana");
      return c.text("in");
    });
    const app = new Hono().use(honoSessions(sessions));
    app.use(async (c, next) => {
      (await sessions.of(c)).set("a", "A");
      await next();
    });
    return (await app.route("/in", part).request("/in/login")).headers.getSetCookie();
  },
  "Hono, mount": (sessions) => async () => {
    const part = new Hono().use(honoSessions(sessions)).get("/login", async (c) => {
      await (await sessions.of(c)).login("ana");
      return c.text("in");
    });
    const app = new Hono().use(honoSessions(sessions));
    app.use(async (c, next) => {
      (await sessions.of(c)).set("a", "A");
      await next();
    });
    const response = await app
      .mount("/in", part.fetch)
      .request("/in/login", { headers: { accept: "text/html" } });
    return response.headers.getSetCookie();
  },
  "h3, mount": (sessions) => async () => {
    const part = new H3().register(h3Sessions(sessions)).get("/login", async (event) => {
      await (await sessions.of(event)).login("ana");
      return "in";
    });
    const app = new H3().register(h3Sessions(sessions));
    app.use(async (event, next) => {
      (await sessions.of(event)).set("a", "A");
      return next();
    });
    return (await app.mount("/in", part).request("/in/login")).headers.getSetCookie();
  },
  fetch: (sessions) => async () => {
    const inner = fetchSessions(sessions, async (request) => {
      await (await sessions.of(request)).login("ana");
      return new Response("in");
    });
    const outer = fetchSessions(sessions, async (request) => {
      (await sessions.of(request)).set("a", "A");
      return inner(request);
    });
    return (await outer(new Request("https://site.example/"))).headers.getSetCookie();
  },
};

for (const [framework, visit] of Object.entries(nested)) {
  test(
    `the same sessions on an app and on a part of it are one exchange: one cookie, and the login's (${framework})`,
    { timeout: 20_000 },
    async (t) => {
      const sessions = hub();
      const cookies = await visit(sessions)(t);
      assert.equal(cookies.length, 1);
      const [info] = await sessions.list("ana");
      assert.ok(info !== undefined && cookies[0]?.startsWith(`__Host-Http-session=${info.id}.`) === true);
    },
  );
}

test("two requests that are alike are two exchanges, also one inside the other", async () => {
  const sessions = hub();
  const answer = async (subject: string): Promise<Response> =>
    sessions.handle(new Request("https://site.example/"), async (request) => {
      if (subject === "outer") await answer("inner");
      await (await sessions.of(request)).login(subject);
      return new Response();
    });
  assert.equal((await answer("outer")).headers.getSetCookie().length, 1);
  assert.deepEqual([(await sessions.list("inner")).length, (await sessions.list("outer")).length], [1, 1]);
});

test("two `sessions` objects that buffer one response release its connection: clients that hang up leave none behind", async (t) => {
  const hubs = [
    hub(),
    createSessions<Data>({ secret: generateSecret(), store: memoryStore(), cookie: { name: "b" } }),
  ];
  const app = express();
  for (const each of hubs) app.use(expressSessions(each));
  app.get("/", async (req, res) => {
    for (const each of hubs) (await each.of(req)).set("a", "A");
    res.send("ok");
  });
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const gone: Promise<unknown>[] = [];
  server.on("connection", (socket) => gone.push(once(socket, "close")));
  const { port } = server.address() as AddressInfo;
  for (let at = 0; at < 5; at++) assert.equal((await get(port)).cookies.length, 2);
  await Promise.all(gone);
});

const endings: Readonly<Record<string, (response: ServerResponse) => unknown>> = {
  "socket.end()": (response) => response.socket?.end(),
  "socket.destroySoon()": (response) => response.socket?.destroySoon(),
  "socket.destroy()": (response) => response.socket?.destroy(),
  "response.destroy()": (response) => response.destroy(),
};

for (const [what, end] of Object.entries(endings)) {
  for (const isSlow of [false, true]) {
    test(
      `an answer arrives, though its handler ends the connection right after it: ${what}, ${isSlow ? "slow" : "at once"}`,
      { timeout: 20_000 },
      async (t) => {
        const sessions = hub(isSlow);
        const port = await listen(
          t,
          nodeSessions(sessions, async (request, response) => {
            (await sessions.of(request)).set("a", "A");
            response.end("bye");
            end(response);
          }),
        );
        const { status, body, cookies } = await get(port);
        assert.deepEqual([status, body, cookies.length], [200, "bye", 1]);
      },
    );
  }
}

test("a source that fails after a login: what was written before leaves, with the login's cookie", async (t) => {
  const sessions = hub(true);
  const port = await listen(
    t,
    nodeSessions(sessions, async (request, response) => {
      const session = await sessions.of(request);
      await session.login("ana");
      session.set("a", "A");
      async function* source() {
        yield "a";
        throw new Error("meant to fail");
      }
      pipeline(Readable.from(source()), response, () => undefined);
    }),
  );
  const sent = httpRequest({ port, host: "127.0.0.1", agent: false }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  response.on("error", () => undefined);
  response.resume();
  assert.equal(response.headers["set-cookie"]?.length, 1);
});

test(
  "HTTP/2: an answer arrives, though its handler closes the stream right after it",
  { timeout: 20_000 },
  async (t) => {
    const sessions = hub(true);
    const client = await overHttp2(
      t,
      nodeSessions(sessions, async (request, response) => {
        (await sessions.of(request)).set("a", "A");
        if (request.url === "/written") response.write("bye");
        else response.end("bye");
        (response as unknown as { stream: ServerHttp2Stream }).stream.close();
      }),
    );
    for (const path of ["/ended", "/written"]) {
      const stream = client.request({ ":path": path });
      const [headers] = (await once(stream, "response")) as [Record<string, string | string[]>];
      assert.equal(headers[":status"], 200);
      assert.equal(headers["set-cookie"]?.length, 1);
      assert.equal(Buffer.concat(await stream.toArray()).toString(), "bye");
    }
  },
);

test("HTTP/2: what is written in several turns, with an empty end, arrives as it was written", async (t) => {
  const sessions = hub(true);
  const client = await overHttp2(
    t,
    nodeSessions(sessions, async (request, response) => {
      (await sessions.of(request)).set("a", "A");
      const end = Promise.withResolvers<undefined>();
      response.write("a page ");
      response.write("in parts");
      await Promise.resolve();
      if (request.url === "/written") {
        response.write(new Uint8Array(), () => end.resolve(undefined));
        await end.promise;
        response.end();
      } else response.end("");
    }),
  );
  for (const path of ["/ended", "/written"]) {
    const body = Buffer.concat(await client.request({ ":path": path }).toArray()).toString();
    assert.equal(body, "a page in parts");
  }
});

for (const isSlow of [false, true]) {
  test(`a body that is not as long as it was said to be is told of, ${isSlow ? "slow" : "at once"}`, async (t) => {
    const logged = t.mock.method(console, "error", () => undefined);
    const sessions = hub(isSlow);
    const port = await listen(
      t,
      nodeSessions(sessions, async (request, response) => {
        (await sessions.of(request)).set("a", "A");
        response.strictContentLength = true;
        response.setHeader("content-length", 10);
        response.end("short");
      }),
    );
    await assert.rejects(get(port), { code: "ECONNRESET" });
    const codes = logged.mock.calls.map(({ arguments: [error] }) => (error as { code?: unknown }).code);
    assert.deepEqual(codes, ["ERR_HTTP_CONTENT_LENGTH_MISMATCH"]);
  });
}

for (const isSlow of [false, true]) {
  test(`hono/timeout around the sessions: its answer is all there is, ${isSlow ? "slow" : "at once"}`, async (t) => {
    const logged = t.mock.method(console, "error", () => undefined);
    const sessions = hub(isSlow);
    const late = Promise.withResolvers<undefined>();
    const app = new Hono();
    app.use(timeout(20));
    app.use(async (_c, next) => {
      await next();
      late.resolve(undefined);
    });
    app.use(honoSessions(sessions));
    const answered = Promise.withResolvers<undefined>();
    app.get("/", async (c) => {
      const session = await sessions.of(c);
      session.set("a", "A");
      await session.login("ana");
      await answered.promise;
      session.set("a", "too late");
      return c.text("too late");
    });
    const response = await app.request("/");
    assert.equal(response.status, 504);
    assert.equal(await response.text(), "Gateway Timeout");
    answered.resolve(undefined);
    await late.promise;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(logged.mock.callCount(), 0);
  });
}

for (const [version, make] of Object.entries({
  "HTTP/1": createServer,
  "HTTP/2": (listener: RequestListener) => createHttp2Server(listener as never),
})) {
  for (const isSlow of [false, true]) {
    test(`a list of cookies that an app keeps for all stays as it is, ${version}, ${isSlow ? "slow" : "at once"}`, async (t) => {
      const kept = ["a=1", "b=2"];
      const sessions = hub(isSlow);
      const server = make(
        nodeSessions(sessions, async (request, response) => {
          await (await sessions.of(request)).login("ana");
          if (request.url === "/head") response.writeHead(200, { "Set-Cookie": kept });
          else response.setHeader("Set-Cookie", kept);
          response.end();
        }),
      ).listen(0, "127.0.0.1");
      await once(server, "listening");
      t.after(() => server.close());
      const { port } = server.address() as AddressInfo;
      for (const path of ["/", "/head"]) {
        const cookies =
          make === createServer ? (await get(port, path)).cookies : await cookiesOverHttp2(port, path);
        assert.deepEqual([cookies.length, kept], [3, ["a=1", "b=2"]]);
      }
    });
  }
}

async function cookiesOverHttp2(port: number, path: string): Promise<readonly string[]> {
  const client = connect(`http://127.0.0.1:${port}`);
  const stream = client.request({ ":path": path });
  const [headers] = (await once(stream, "response")) as [{ "set-cookie"?: string[] }];
  await stream.toArray();
  client.destroy();
  return headers["set-cookie"] ?? [];
}
