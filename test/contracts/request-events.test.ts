// `sessions.current()` where Node itself calls: in the listeners of a request, and in parsers that read the
// body by themselves. Its events are emitted outside of what the handler runs in.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect, createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import { expressSessions } from "coatcheck/express";
import { fastifySessions } from "coatcheck/fastify";
import { koaSessions } from "coatcheck/koa";
import { memoryStore } from "coatcheck/memory";
import { nodeSessions } from "coatcheck/node";
import express from "express";
import Fastify from "fastify";
import Koa from "koa";
// @ts-expect-error -- multer comes without types
import multer from "multer";

const hub = () => createSessions({ secret: generateSecret(), store: memoryStore() });

/** Serves, and posts a form in two parts, the second when the handler is at work. */
async function post(
  t: TestContext,
  listener: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<string> {
  const atWork = Promise.withResolvers<undefined>();
  const server = createServer((request, response) => {
    void listener(request, response);
    setImmediate(() => atWork.resolve(undefined));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const sent = httpRequest({
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    method: "POST",
    agent: false,
    headers: { "content-type": "multipart/form-data; boundary=x" },
  });
  sent.write('--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nfirst');
  await atWork.promise;
  sent.end(" second\r\n--x--\r\n");
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return text(response);
}

type Current = () => Promise<{ isEmpty?: boolean; set(key: string, value: unknown): void }>;

/** Reads the body by its events, then writes to the session and answers with what `current` found. */
function answerAtEnd(request: IncomingMessage, current: Current, answer: (body: string) => void): void {
  let size = 0;
  const found: Promise<unknown>[] = [];
  request.on("data", (chunk: Buffer) => {
    size += chunk.length;
    found.push(current());
  });
  request.on("end", () => {
    const finish = async (): Promise<void> => {
      const session = await current();
      for (const one of found) assert.equal(await one, session);
      session.set("size", size);
      answer(`${found.length} chunks`);
    };
    finish().catch((error: unknown) => answer(String(error)));
  });
}

test("node: request.on('data') and request.on('end') have the current session", async (t) => {
  const sessions = hub();
  const handler = nodeSessions(sessions, (request, response) =>
    answerAtEnd(
      request,
      () => sessions.current(),
      (body) => response.end(body),
    ),
  );
  assert.match(await post(t, handler), /^[12] chunks$/);
});

test("express: so it is behind the middleware", async (t) => {
  const sessions = hub();
  const app = express();
  app.use(expressSessions(sessions));
  app.post("/", (req, res) =>
    answerAtEnd(
      req,
      () => sessions.current(),
      (body) => res.send(body),
    ),
  );
  assert.match(await post(t, app), /^[12] chunks$/);
});

test("koa", async (t) => {
  const sessions = hub();
  const app = new Koa();
  app.use(koaSessions(sessions));
  app.use(
    (ctx) =>
      new Promise<void>((resolve) => {
        answerAtEnd(
          ctx.req,
          () => sessions.current(),
          (body) => {
            ctx.body = body;
            resolve();
          },
        );
      }),
  );
  assert.match(await post(t, app.callback()), /^[12] chunks$/);
});

test("fastify: a parser that reads the body by its events", async (t) => {
  const sessions = hub();
  const app = Fastify();
  await app.register(fastifySessions(sessions));
  app.addContentTypeParser("multipart/form-data", (_request, payload, done) => {
    answerAtEnd(
      payload,
      () => sessions.current(),
      (body) => done(null, body),
    );
  });
  app.post("/", (request, reply) => reply.send(request.body));
  await app.ready();
  assert.match(await post(t, (request, response) => app.routing(request, response)), /^[12] chunks$/);
});

test("http2", async (t) => {
  const sessions = hub();
  const handler = nodeSessions(sessions, (request: IncomingMessage, response: ServerResponse) =>
    answerAtEnd(
      request,
      () => sessions.current(),
      (body) => response.end(body),
    ),
  );
  const server = createHttp2Server((request, response) =>
    handler(request as unknown as IncomingMessage, response as unknown as ServerResponse),
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.after(() => {
    client.close();
    server.close();
  });
  const stream = client.request({ ":method": "POST", ":path": "/" });
  stream.end("x".repeat(100));
  assert.match(await text(stream), /^\d chunks?$/);
});

test("multer: the handler behind it has the current session", async (t) => {
  const sessions = hub();
  const app = express();
  app.use(expressSessions(sessions));
  app.post("/", multer().none(), async (req, res) => {
    assert.equal(await sessions.current(), await sessions.of(req));
    res.send(req.body);
  });
  assert.equal(await post(t, app), '{"a":"first second"}');
});

test("a parser that pipes the request on, and calls when it is done", async (t) => {
  const sessions = hub();
  const app = express();
  app.use(expressSessions(sessions));
  app.post("/", (req, _res, next) => {
    // As busboy and formidable are used, and as older versions of multer did it.
    const parser = new Writable({ write: (_chunk, _encoding, done) => done() });
    parser.on("finish", next);
    req.pipe(parser);
  });
  app.post("/", async (req, res) => {
    assert.equal(await sessions.current(), await sessions.of(req));
    res.send("ok");
  });
  assert.equal(await post(t, app), "ok");
});

test("a page without a request says what to call instead", async () => {
  await assert.rejects(hub().current(), {
    code: "NO_SESSION_HERE",
    message: /in a callback that lost its request, call sessions\.of\(request\)/,
  });
});
