import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Session } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { handleLoudly } from "../support/loud.ts";

function place() {
  const sessions = createSessions({ secret: generateSecret(), store: memoryStore() });
  return async (use: (session: Session) => unknown, response: () => Response): Promise<Response> => {
    const request = new Request("http://localhost/");
    return handleLoudly(sessions, request, async () => {
      await use(await sessions.of(request));
      return response();
    });
  };
}

const look = (session: Session): unknown => session.get("a");

test("a response that the app keeps and answers again never carries another visitor's cookie", async () => {
  const visit = place();
  const kept = new Response(null, { status: 204 });
  const first = await visit(
    (session) => session.login("ana"),
    () => kept,
  );
  assert.equal(first.headers.getSetCookie().length, 1);
  assert.deepEqual(kept.headers.getSetCookie(), []);
  const second = await visit(look, () => kept);
  assert.deepEqual(second.headers.getSetCookie(), []);
  const third = await visit(
    (session) => session.login("leo"),
    () => kept,
  );
  assert.equal(third.headers.getSetCookie().length, 1);
});

for (const [what, response] of [
  ["a redirect", () => Response.redirect("http://localhost/next")],
  ["a response", () => new Response("page")],
] as const) {
  test(`${what} that depends on the visitor says so to caches, whether its headers can be changed or not`, async () => {
    const visit = place();
    const { headers } = await visit(look, response);
    assert.equal(headers.get("vary"), "Cookie");
    assert.equal(headers.get("cache-control"), "private, no-cache");
  });

  test(`${what} that carries a cookie is nothing for caches`, async () => {
    const visit = place();
    const { headers } = await visit((session) => session.login("ana"), response);
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.getSetCookie().length, 1);
  });
}
