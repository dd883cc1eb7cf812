import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import { h3Sessions } from "coatcheck/h3";
import { honoSessions } from "coatcheck/hono";
import { memoryStore } from "coatcheck/memory";
import { bodyLimit as h3BodyLimit, H3 } from "h3";
import { Hono } from "hono";
import { bodyLimit as honoBodyLimit } from "hono/body-limit";

// Middleware behind the adapter may put a request of its own in the place of the one that came, as those do
// that count a body's bytes. The handler's session is that of the exchange all the same.

const hub = () => createSessions({ secret: generateSecret(), store: memoryStore() });

/** A form whose length nobody knows before its end. */
function streamed(): Request {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("name=Lea"));
      controller.close();
    },
  });
  return new Request("http://localhost/", { method: "POST", body, duplex: "half" });
}

test("hono: a handler behind bodyLimit finds its session", async () => {
  const sessions = hub();
  const app = new Hono();
  app.use(honoSessions(sessions));
  app.use(honoBodyLimit({ maxSize: 100 }));
  app.post("/", async (c) => {
    const { raw } = c.req;
    await (await sessions.of(c)).login("ana");
    assert.equal((await sessions.of(c)).subject, "ana");
    return c.text(await raw.text());
  });
  const response = await app.fetch(streamed());
  assert.deepEqual([response.status, await response.text()], [200, "name=Lea"]);
  assert.equal(response.headers.getSetCookie().length, 1);
});

test("h3: a handler behind bodyLimit finds its session", async () => {
  const sessions = hub();
  const app = new H3();
  app.register(h3Sessions(sessions));
  app.use(h3BodyLimit(100));
  app.post("/", async (event) => {
    await (await sessions.of(event)).login("ana");
    return event.req.text();
  });
  const response = await app.fetch(streamed());
  assert.deepEqual([response.status, await response.text()], [200, "name=Lea"]);
  assert.equal(response.headers.getSetCookie().length, 1);
});
