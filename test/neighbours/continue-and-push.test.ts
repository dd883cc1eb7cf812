// What Node does beside a response: 100 Continue, and HTTP/2's pushed responses.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect, createServer as createHttp2Server } from "node:http2";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { nodeSessions } from "coatcheck/node";
import { listen } from "../support/listen.ts";

const sessionsOf = () => createSessions<{ a: string }>({ secret: generateSecret(), store: memoryStore() });

for (const who of ["Node", "the server", "the handler"] as const) {
  test(`a client that waits for 100 Continue from ${who} gets it, and then the page with the session's cookie`, async (t) => {
    const sessions = sessionsOf();
    const handle = nodeSessions(sessions, async (request, response) => {
      const session = await sessions.of(request);
      session.set("a", "A");
      if (who === "the handler") response.writeContinue();
      response.end(`got ${await text(request)}`);
    });
    const server = createServer();
    if (who === "the handler") server.on("checkContinue", handle);
    else server.on("request", handle);
    if (who === "the server") {
      server.on("checkContinue", (request, response) => {
        response.writeContinue();
        server.emit("request", request, response);
      });
    }
    const port = await listen(t, server);
    const sent = httpRequest({
      port,
      host: "127.0.0.1",
      method: "POST",
      headers: { expect: "100-continue" },
    });
    sent.flushHeaders();
    await once(sent, "continue");
    sent.end("body");
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    assert.equal(await text(response), "got body");
    assert.equal(response.headers["set-cookie"]?.length, 1);
  });
}

test("what a handler pushes over HTTP/2 arrives beside the page, without the session's cookie", async (t) => {
  const sessions = sessionsOf();
  const handle = nodeSessions(
    sessions,
    async (request: Http2ServerRequest, response: Http2ServerResponse) => {
      (await sessions.of(request)).set("a", "A");
      response.createPushResponse({ ":path": "/style.css" }, (error, push) => {
        assert.ifError(error);
        push.end("css");
      });
      response.end("page");
    },
  );
  const port = await listen(t, createHttp2Server(handle));
  const client = connect(`http://127.0.0.1:${port}`);
  t.after(() => client.close());
  const pushed = new Promise<{ readonly body: string; readonly cookie: unknown }>((resolve, reject) => {
    client.on("stream", (stream) => {
      let cookie: unknown;
      stream.on("push", (headers) => {
        cookie = headers["set-cookie"];
      });
      text(stream).then((body) => resolve({ body, cookie }), reject);
    });
  });
  const page = client.request({ ":path": "/" });
  const [head] = (await once(page, "response")) as [{ "set-cookie"?: string[] }];
  assert.equal(head["set-cookie"]?.length, 1);
  assert.equal(await text(page), "page");
  assert.deepEqual(await pushed, { body: "css", cookie: undefined });
});
