import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { loud } from "../support/loud.ts";

const request = (): Request => new Request("http://localhost/");
const hub = () => createSessions({ secret: generateSecret(), store: memoryStore() });

test("two hubs in one request each have their own current session", async () => {
  const [shop, admin] = [hub(), hub()];
  await shop.handle(
    request(),
    async (outer) =>
      admin.handle(
        request(),
        async (inner) => {
          await Promise.resolve();
          assert.equal(await shop.current(), await shop.of(outer));
          assert.equal(await admin.current(), await admin.of(inner));
          return new Response();
        },
        loud,
      ),
    loud,
  );
});

test("the innermost request of a hub is its current one, and the outer one is again afterwards", async () => {
  const sessions = hub();
  await sessions.handle(
    request(),
    async (outer) => {
      await sessions.handle(
        request(),
        async (inner) => {
          assert.equal(await sessions.current(), await sessions.of(inner));
          return new Response();
        },
        loud,
      );
      assert.equal(await sessions.current(), await sessions.of(outer));
      return new Response();
    },
    loud,
  );
});

test("one hub's current session is none of another's", async () => {
  const [shop, admin] = [hub(), hub()];
  await shop.handle(
    request(),
    async () => {
      await assert.rejects(admin.current(), { code: "NO_SESSION_HERE" });
      return new Response();
    },
    loud,
  );
});
