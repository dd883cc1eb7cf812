// What only Node's responses can do, beyond the adapter contract: every way to write, callbacks,
// back-pressure, and libraries that put themselves between.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import { createSessions, generateSecret, StoreError } from "coatcheck";
import type { Sessions } from "coatcheck";
import { expressSessions } from "coatcheck/express";
import { fastifySessions } from "coatcheck/fastify";
import { koaSessions } from "coatcheck/koa";
import { memoryStore } from "coatcheck/memory";
import { nodeSessions } from "coatcheck/node";
import { probeStore } from "coatcheck/testing";
import express from "express";
import Fastify from "fastify";
import Koa from "koa";
import { listen } from "../support/listen.ts";

/** A `sessions` object whose commits wait until they are let go, or fail. */
function slowHub() {
  const probe = probeStore(memoryStore());
  const sessions = createSessions<{ a: string }>({ secret: generateSecret(), store: probe.store });
  const arrived = Promise.withResolvers<undefined>();
  const release = Promise.withResolvers<undefined>();
  release.promise.catch(() => undefined);
  probe.around = async (_call, run) => {
    arrived.resolve(undefined);
    await release.promise;
    return run();
  };
  return {
    sessions,
    /** Resolves when the commit has begun. */
    committing: arrived.promise,
    acknowledge: () => release.resolve(undefined),
    fail: () =>
      release.reject(new StoreError("STORE_FAILED", "create", "Meant to fail.", { transient: false })),
  };
}

interface Answer {
  readonly status: number;
  readonly message: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

async function get(port: number, path = "/", headers: Record<string, string> = {}): Promise<Answer> {
  const sent = httpRequest({ port, host: "127.0.0.1", path, headers, agent: false }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const body = (await response.toArray()).map(String).join("");
  return {
    status: response.statusCode ?? 0,
    message: response.statusMessage ?? "",
    headers: response.headers,
    body,
  };
}

/** Every way to write an answer of the text "page", after the session was written to. */
const writers: Readonly<Record<string, (response: ServerResponse) => unknown>> = {
  end: (response) => response.end("page"),
  "end with encoding": (response) => response.end("cGFnZQ==", "base64"),
  "write and end": (response) => {
    response.write("pa");
    response.write(Buffer.from("ge"));
    response.end();
  },
  "writeHead, chained": (response) => response.writeHead(200).end("page"),
  "writeHead with a list": (response) => {
    response.writeHead(200, ["Set-Cookie", "own=1", "Set-Cookie", "more=2", "X-Own", "yes"]);
    response.end("page");
  },
  "writeHead with headers": (response) => {
    response.setHeader("X-Own", "no");
    response.writeHead(200, { "Set-Cookie": ["own=1", "more=2"], "X-Own": "yes" });
    response.end("page");
  },
  flushHeaders: (response) => {
    response.flushHeaders();
    response.end("page");
  },
  pipe: (response) => Readable.from([Buffer.from("pa"), Buffer.from("ge")]).pipe(response),
  pipeline: async (response) => pipeline(Readable.from([Buffer.from("page")]), response),
};

for (const [name, write] of Object.entries(writers)) {
  test(`a page waits for the commit and arrives whole: ${name}`, async (t) => {
    const hub = slowHub();
    const port = await listen(
      t,
      nodeSessions(hub.sessions, async (request, response) => {
        if (request.url === "/public") return response.end("public");
        (await hub.sessions.of(request)).set("a", "A");
        return write(response);
      }),
    );
    let hasArrived = false;
    const answer = get(port).finally(() => {
      hasArrived = true;
    });
    await Promise.race([hub.committing, answer]);
    for (let trips = 0; trips < 3; trips++) await get(port, "/public");
    assert.equal(hasArrived, false);
    hub.acknowledge();
    const { status, body, headers } = await answer;
    assert.equal(status, 200);
    assert.equal(body, "page");
    const cookies = headers["set-cookie"] ?? [];
    if (name.includes("writeHead with")) {
      assert.deepEqual(cookies.slice(0, 2), ["own=1", "more=2"]);
      assert.equal(headers["x-own"], "yes");
    }
    assert.match(cookies.at(-1) ?? "", /^__Host-Http-session=/);
  });

  test(`a page whose commit fails is never seen, and its handler comes to an end: ${name}`, async (t) => {
    const hub = slowHub();
    const ended = Promise.withResolvers<undefined>();
    const port = await listen(
      t,
      nodeSessions(hub.sessions, async (request, response) => {
        response.setHeader("Content-Length", 4);
        response.setHeader("ETag", '"1"');
        response.setHeader("X-Frame-Options", "DENY");
        (await hub.sessions.of(request)).set("a", "A");
        response.once("close", () => ended.resolve(undefined));
        await write(response);
      }),
    );
    const answer = get(port);
    await Promise.race([hub.committing, answer]);
    hub.fail();
    const { status, body, headers } = await answer;
    assert.equal(status, 503);
    assert.doesNotMatch(body, /page/);
    assert.equal(headers["retry-after"], "5");
    assert.equal(headers["etag"], undefined);
    assert.equal(headers["set-cookie"], undefined);
    assert.equal(headers["x-frame-options"], "DENY", "what speaks of the site stays");
    assert.equal(Number(headers["content-length"]), body.length);
    await ended.promise;
  });
}

test("a response that was written to looks like one whose headers have left", async (t) => {
  const hub = slowHub();
  const seen: unknown[] = [];
  const port = await listen(
    t,
    nodeSessions(hub.sessions, async (request, response) => {
      (await hub.sessions.of(request)).set("a", "A");
      seen.push(response.headersSent, response.writableEnded, response.writableNeedDrain);
      response.writeHead(201, "Made");
      seen.push(response.headersSent, response.writableEnded, response.statusCode);
      for (const change of [
        () => response.setHeader("x-late", "1"),
        () => response.removeHeader("x-late"),
        () => response.appendHeader("x-late", "1"),
        () => response.writeHead(500),
      ]) {
        assert.throws(change, { code: "ERR_HTTP_HEADERS_SENT" });
      }
      assert.throws(() => response.write({}), { code: "ERR_INVALID_ARG_TYPE" });
      response.end("page");
      response.statusCode = 500;
      seen.push(response.writableEnded, response.getHeader("x-late"));
      hub.acknowledge();
    }),
  );
  const { status, message, headers } = await get(port);
  assert.deepEqual([status, message, headers["x-late"]], [201, "Made", undefined]);
  assert.deepEqual(seen, [false, false, false, true, false, 201, true, undefined]);
});

for (const outcome of ["acknowledge", "fail"] as const) {
  test(`callbacks are called in their order, and back-pressure is told: ${outcome}`, async (t) => {
    const hub = slowHub();
    const seen: unknown[] = [];
    const done = Promise.withResolvers<undefined>();
    const port = await listen(
      t,
      nodeSessions(hub.sessions, async (request, response) => {
        (await hub.sessions.of(request)).set("a", "A");
        seen.push(response.write("one ", () => seen.push("one")));
        seen.push(response.write("two ", "utf8", () => seen.push("two")));
        await hub.committing;
        hub[outcome]();
        if (outcome === "acknowledge") await once(response, "drain");
        response.end("three", () => {
          seen.push("end");
          done.resolve(undefined);
        });
      }),
    );
    const { status, body } = await get(port);
    await done.promise;
    assert.deepEqual(seen, [false, false, "one", "two", "end"]);
    if (outcome === "acknowledge") assert.equal(body, "one two three");
    else assert.equal(status, 503);
  });
}

test("ten megabytes arrive as they were sent", async (t) => {
  const hub = slowHub();
  const port = await listen(
    t,
    nodeSessions(hub.sessions, async (request, response) => {
      (await hub.sessions.of(request)).set("a", "A");
      const chunks = Array.from({ length: 640 }, (_, at) => Buffer.alloc(16_384, at % 256));
      await pipeline(Readable.from(chunks), response);
    }),
  );
  hub.acknowledge();
  const sent = httpRequest({ port, host: "127.0.0.1", agent: false }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const received = Buffer.concat(await response.toArray());
  assert.equal(received.length, 640 * 16_384);
  for (let at = 0; at < 640; at++) assert.equal(received[at * 16_384], at % 256);
});

test("early hints do not wait for the commit", async (t) => {
  const hub = slowHub();
  const port = await listen(
    t,
    nodeSessions(hub.sessions, async (request, response) => {
      (await hub.sessions.of(request)).set("a", "A");
      response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style" });
      response.end("page");
    }),
  );
  const sent = httpRequest({ port, host: "127.0.0.1", agent: false }).end();
  const answered = once(sent, "response");
  const [hints] = (await once(sent, "information")) as [{ statusCode: number }];
  assert.equal(hints.statusCode, 103);
  hub.acknowledge();
  const [response] = (await answered) as [IncomingMessage];
  response.resume();
  assert.equal(response.statusCode, 200);
});

test("what Node refuses at once fails the handler, not the answer after its commit", async (t) => {
  for (const write of [
    (response: ServerResponse) => response.end({ not: "bytes" }),
    (response: ServerResponse) => response.writeHead(42),
    (response: ServerResponse) => response.writeHead(200, { "x-bad": "a\nb" }),
    (response: ServerResponse) => {
      response.statusCode = 1000;
      response.end("page");
    },
  ]) {
    const hub = slowHub();
    const errors: unknown[] = [];
    const listener = nodeSessions(
      hub.sessions,
      async (request, response) => {
        const session = await hub.sessions.of(request);
        await session.login("ana");
        session.set("a", "lost");
        write(response);
      },
      {
        onError(error, _request, response) {
          errors.push(error);
          response.statusCode = 500;
          response.end("failed");
        },
      },
    );
    hub.acknowledge();
    const { status, body, headers } = await get(await listen(t, listener));
    assert.deepEqual([status, body, errors.length], [500, "failed", 1]);
    assert.equal(headers["set-cookie"]?.length, 1);
    const [info] = await hub.sessions.list("ana");
    assert.ok(info);
  }
});

test("a session can be written to after writeHead, which sends nothing; an error there is still answered", async (t) => {
  t.mock.method(console, "error", () => undefined);
  const sessions = createSessions<{ a: string }>({ secret: generateSecret(), store: memoryStore() });
  const port = await listen(
    t,
    nodeSessions(sessions, async (request, response) => {
      response.writeHead(200, { "content-type": "text/html", "content-length": 4 });
      const session = await sessions.of(request);
      await session.login("ana");
      session.set("a", "A");
      if (request.url === "/fail") throw new Error("meant to fail");
      response.end("page");
    }),
  );
  const page = await get(port);
  assert.deepEqual([page.status, page.body, page.headers["set-cookie"]?.length], [200, "page", 1]);
  const failed = await get(port, "/fail");
  assert.deepEqual([failed.status, failed.headers["set-cookie"]?.length], [500, 1]);
});

test("an error after the answer has begun ends the connection", async (t) => {
  t.mock.method(console, "error", () => undefined);
  const hub = slowHub();
  const port = await listen(
    t,
    nodeSessions(hub.sessions, async (request, response) => {
      (await hub.sessions.of(request)).set("a", "A");
      response.write("one ");
      hub.acknowledge();
      await once(response, "drain");
      throw new Error("meant to fail");
    }),
  );
  await assert.rejects(get(port), { code: "ECONNRESET" });
});

test("a handler that writes on after the error's answer harms nobody", async (t) => {
  const hub = slowHub();
  const results: unknown[] = [];
  const done = Promise.withResolvers<undefined>();
  const port = await listen(
    t,
    nodeSessions(hub.sessions, async (request, response) => {
      (await hub.sessions.of(request)).set("a", "A");
      response.write("one ");
      await once(response, "finish");
      results.push(response.write("two"));
      response.end("three", () => done.resolve(undefined));
    }),
  );
  const answer = get(port);
  await Promise.race([hub.committing, answer]);
  hub.fail();
  assert.equal((await answer).status, 503);
  await done.promise;
  assert.deepEqual(results, [false]);
});

test("an untouched response is not held at all", async (t) => {
  const hub = slowHub();
  const seen: unknown[] = [];
  const port = await listen(
    t,
    nodeSessions(hub.sessions, (_request, response) => {
      seen.push(response.write("one "), response.headersSent);
      response.end("two");
    }),
  );
  assert.equal((await get(port)).body, "one two");
  assert.deepEqual(seen, [true, true]);
});

test("own answers take the place of the bare ones", async (t) => {
  const hub = slowHub();
  const port = await listen(
    t,
    nodeSessions(
      hub.sessions,
      async (request, response) => {
        (await hub.sessions.of(request)).set("a", "A");
        response.end("page");
      },
      {
        onUnavailable: (error, _request, response) => response.end(`later: ${error.code}`),
        onForbidden(_request, response) {
          response.statusCode = 403;
          response.end("not from there");
        },
      },
    ),
  );
  hub.fail();
  const { status, body } = await get(port);
  assert.deepEqual([status, body], [503, "later: STORE_FAILED"]);
  const sent = httpRequest({
    port,
    method: "POST",
    headers: { "sec-fetch-site": "cross-site" },
    agent: false,
  }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  assert.equal(response.statusCode, 403);
  assert.equal((await response.toArray()).join(""), "not from there");
});

const upper = (chunk: unknown): unknown =>
  typeof chunk === "string" || Buffer.isBuffer(chunk) ? String(chunk).toUpperCase() : chunk;

type WriteMethod<Result> = (...args: unknown[]) => Result;

/** Wraps a response as `on-headers`, `compression` and their like do. */
function between(_request: IncomingMessage, response: ServerResponse, next: () => void): void {
  const [writeHead, write, end] = [
    response.writeHead.bind(response),
    response.write.bind(response),
    response.end.bind(response),
  ] as unknown as [WriteMethod<ServerResponse>, WriteMethod<boolean>, WriteMethod<ServerResponse>];
  response.writeHead = function (this: ServerResponse, ...args: unknown[]): ServerResponse {
    this.removeHeader("content-length");
    this.setHeader("x-between", "yes");
    return writeHead(...args);
  };
  response.write = function (this: ServerResponse, chunk: unknown, ...args: unknown[]): boolean {
    if (!this.headersSent) this.writeHead(this.statusCode);
    return write(upper(chunk), ...args);
  };
  response.end = function (this: ServerResponse, chunk: unknown, ...args: unknown[]): ServerResponse {
    if (!this.headersSent) this.writeHead(this.statusCode);
    return end(upper(chunk), ...args);
  };
  next();
}

for (const place of ["before", "after"] as const) {
  test(`a library that wraps the response ${place} the sessions works on`, async (t) => {
    const sessions = createSessions<{ a: string }>({ secret: generateSecret(), store: memoryStore() });
    const app = express();
    if (place === "before") app.use(between);
    app.use(expressSessions(sessions));
    if (place === "after") app.use(between);
    app.get("/", async (req, res) => {
      (await sessions.of(req)).set("a", "A");
      res.send("page");
    });
    const { body, headers } = await get(await listen(t, app));
    assert.equal(body, "PAGE");
    assert.equal(headers["x-between"], "yes");
    assert.equal(headers["set-cookie"]?.length, 1);
  });
}

test("Express: sendFile, json, redirect, HEAD and 304 carry the session; without expressErrors a 4xx counts as an answer", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "coatcheck-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "page.txt"), "x".repeat(200_000));
  const sessions = createSessions<{ a: string }>({ secret: generateSecret(), store: memoryStore() });
  const app = express();
  app.use(expressSessions(sessions));
  app.use(async (req, _res, next) => {
    (await sessions.of(req)).set("a", req.path);
    next();
  });
  app.get("/file", (_req, res) => res.sendFile(join(folder, "page.txt")));
  app.get("/json", (_req, res) => res.json({ a: 1 }));
  app.get("/redirect", (_req, res) => res.redirect("/json"));
  app.get("/sync-throw", () => {
    throw new Error("meant to fail");
  });
  app.get("/next", (_req, _res, next) => next(Object.assign(new Error("meant to fail"), { status: 404 })));
  app.set("env", "test");
  const port = await listen(t, app);
  const file = await get(port, "/file");
  assert.equal(file.body.length, 200_000);
  assert.equal((await get(port, "/json")).body, '{"a":1}');
  assert.equal((await get(port, "/redirect")).status, 302);
  for (const path of ["/file", "/json", "/redirect", "/next"]) {
    assert.equal((await get(port, path)).headers["set-cookie"]?.length, 1, path);
  }
  const failed = await get(port, "/sync-throw");
  assert.deepEqual([failed.status, failed.headers["set-cookie"]], [500, undefined]);
  const again = await get(port, "/file", { "if-none-match": file.headers.etag ?? "" });
  assert.deepEqual([again.status, again.headers["set-cookie"]?.length], [304, 1]);
});

test("Koa: a context whose response the handler writes itself is held as well", async (t) => {
  const hub = slowHub();
  const app = new Koa();
  app.use(koaSessions(hub.sessions));
  app.use(async (ctx) => {
    (await hub.sessions.of(ctx)).set("a", "A");
    ctx.respond = false;
    ctx.res.writeHead(200, { "content-type": "text/plain" });
    ctx.res.end("own");
  });
  const answer = get(await listen(t, app.callback()));
  await Promise.race([hub.committing, answer]);
  hub.acknowledge();
  const { body, headers } = await answer;
  assert.deepEqual([body, headers["set-cookie"]?.length], ["own", 1]);
});

test("Koa: an error after writeHead is answered, with the cookie of a login before it", async (t) => {
  const sessions = createSessions<{ a: string }>({ secret: generateSecret(), store: memoryStore() });
  const app = new Koa();
  app.silent = true;
  app.use(koaSessions(sessions));
  app.use(async (ctx) => {
    await (await sessions.of(ctx)).login("ana");
    ctx.res.writeHead(200, { "content-length": 4 });
    throw new Error("meant to fail");
  });
  const { status, headers } = await get(await listen(t, app.callback()));
  assert.deepEqual([status, headers["set-cookie"]?.length], [500, 1]);
});

test("Express without expressErrors: a store that can't be asked is a 503, whatever the error handler says", async (t) => {
  const probe = probeStore(memoryStore());
  const sessions = createSessions<{ a: string }>({ secret: generateSecret(), store: probe.store });
  const app = express();
  app.use(expressSessions(sessions));
  app.use(async (req, res) => {
    const session = await sessions.of(req);
    session.set("a", "A");
    res.send("page");
  });
  app.use((_error: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    res.status(500).send("failed");
  });
  const port = await listen(t, app);
  const [cookie = ""] = (await get(port)).headers["set-cookie"] ?? [];
  probe.around = async () => {
    throw new StoreError("STORE_FAILED", "read", "Meant to fail.", { transient: false });
  };
  const { status, body, headers } = await get(port, "/", { cookie: cookie.split(";")[0] ?? "" });
  assert.deepEqual([status, headers["retry-after"], headers["set-cookie"]], [503, "5", undefined]);
  assert.doesNotMatch(body, /failed/);
});

/** Apps that read a form and then ask for the current session. */
const formApps = {
  express(sessions: Sessions<{ a: string }>) {
    const app = express();
    app.use(expressSessions(sessions));
    app.use(express.urlencoded());
    app.post("/", async (req, res) => {
      (await sessions.current()).set("a", "A");
      res.send(String(req.body.name));
    });
    return app;
  },
  koa(sessions: Sessions<{ a: string }>) {
    const app = new Koa();
    app.use(koaSessions(sessions));
    app.use(async (ctx) => {
      const form = new URLSearchParams(await text(ctx.req));
      (await sessions.current()).set("a", "A");
      ctx.body = form.get("name");
    });
    return app.callback();
  },
  async fastify(sessions: Sessions<{ a: string }>) {
    const app = Fastify();
    app.register(fastifySessions(sessions));
    app.addContentTypeParser(
      "application/x-www-form-urlencoded",
      { parseAs: "string" },
      (_request, body, done) => {
        done(null, new URLSearchParams(String(body)));
      },
    );
    app.post<{ Body: URLSearchParams }>("/", async (request, reply) => {
      (await sessions.current()).set("a", "A");
      return reply.send(request.body.get("name"));
    });
    await app.ready();
    return (request: IncomingMessage, response: ServerResponse) => app.routing(request, response);
  },
};

for (const [name, make] of Object.entries(formApps)) {
  test(`${name}: the session is the current one after a body that came late`, async (t) => {
    const sessions = createSessions<{ a: string }>({ secret: generateSecret(), store: memoryStore() });
    const port = await listen(t, await make(sessions));
    const sent = httpRequest({
      port,
      method: "POST",
      agent: false,
      headers: { "content-type": "application/x-www-form-urlencoded", "content-length": 8 },
    });
    sent.flushHeaders();
    sent.write("name");
    for (let trips = 0; trips < 3; trips++) await get(port);
    sent.end("=ana");
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    assert.equal((await response.toArray()).join(""), "ana");
    assert.equal(response.headers["set-cookie"]?.length, 1);
  });
}

test("Fastify: a hijacked reply is held as well, and inject works", async () => {
  const sessions = createSessions<{ a: string }>({ secret: generateSecret(), store: memoryStore() });
  const app = Fastify();
  app.register(fastifySessions(sessions));
  app.get("/hijack", async (request, reply) => {
    (await sessions.of(request)).set("a", "A");
    reply.hijack();
    reply.raw.writeHead(200, { "content-type": "text/plain" });
    reply.raw.end("own");
  });
  app.get("/current", async () => {
    (await sessions.current()).set("a", "A");
    return { a: 1 };
  });
  for (const url of ["/hijack", "/current"]) {
    const response = await app.inject({ url });
    assert.equal(response.statusCode, 200);
    assert.match(String(response.headers["set-cookie"]), /^__Host-Http-session=/, url);
  }
  await app.close();
});
