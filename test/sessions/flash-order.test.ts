import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { CookieJar, testClock } from "coatcheck/testing";

test("messages of several requests come in the order they were given, though the clock stands still", async () => {
  const sessions = createSessions({ secret: generateSecret(), store: memoryStore(), clock: testClock() });
  const jar = new CookieJar();
  const visit = async (handler: (request: Request) => Promise<Response>): Promise<Response> => {
    const cookie = jar.header;
    const request = new Request("http://localhost/", { headers: cookie === undefined ? {} : { cookie } });
    const response = await sessions.handle(request, handler);
    jar.take(response);
    return response;
  };
  const given = Array.from({ length: 12 }, (_, at) => `message ${at}`);
  for (const message of given) {
    await visit(async (request) => {
      (await sessions.of(request)).flash(message);
      return new Response();
    });
  }
  const shown = await visit(async (request) =>
    Response.json(await (await sessions.of(request)).takeFlashes()),
  );
  const messages = (await shown.json()) as { message: string }[];
  assert.deepEqual(
    messages.map(({ message }) => message),
    given,
  );
});
