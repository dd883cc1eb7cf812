import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { handleLoudly } from "../support/loud.ts";

const request = (): Request => new Request("http://localhost/");
const hub = () => createSessions({ secret: generateSecret(), store: memoryStore() });

test("two `sessions` objects in one request each have their own current session", async () => {
  const [shop, admin] = [hub(), hub()];
  await handleLoudly(shop, request(), async (outer) =>
    handleLoudly(admin, request(), async (inner) => {
      await Promise.resolve();
      assert.equal(await shop.current(), await shop.of(outer));
      assert.equal(await admin.current(), await admin.of(inner));
      return new Response();
    }),
  );
});

test("the innermost request of a `sessions` object is its current one, and the outer one is again afterwards", async () => {
  const sessions = hub();
  await handleLoudly(sessions, request(), async (outer) => {
    await handleLoudly(sessions, request(), async (inner) => {
      assert.equal(await sessions.current(), await sessions.of(inner));
      return new Response();
    });
    assert.equal(await sessions.current(), await sessions.of(outer));
    return new Response();
  });
});

test("the current session of one `sessions` object is not that of another", async () => {
  const [shop, admin] = [hub(), hub()];
  await handleLoudly(shop, request(), async () => {
    await assert.rejects(admin.current(), { code: "NO_SESSION_HERE" });
    return new Response();
  });
});
