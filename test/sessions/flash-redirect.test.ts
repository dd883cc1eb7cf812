import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Session } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { CookieJar } from "coatcheck/testing";
import { handleLoudly } from "../support/loud.ts";

test("messages taken by a redirect come back, those it left itself too; those of a failed page's own do not", async () => {
  const sessions = createSessions({ secret: generateSecret(), store: memoryStore() });
  const jar = new CookieJar();
  const visit = async (status: number, action: (session: Session) => Promise<unknown>): Promise<void> => {
    const cookie = jar.header;
    const request = new Request("http://localhost/", { headers: cookie === undefined ? {} : { cookie } });
    const response = await handleLoudly(sessions, request, async () => {
      await action(await sessions.of(request));
      return new Response(null, { status });
    });
    jar.take(response);
  };
  const flashAndTake = (message: string) => async (session: Session) => {
    session.flash(message);
    await session.takeFlashes();
  };
  await visit(200, async (session) => session.flash("before"));
  await visit(303, flashAndTake("from the redirect"));
  await visit(500, flashAndTake("from the failed page"));
  await visit(200, async (session) => {
    const messages = (await session.takeFlashes()).map(({ message }) => message);
    assert.deepEqual(messages, ["before", "from the redirect"]);
  });
  await visit(200, async (session) => assert.deepEqual(await session.takeFlashes(), []));
});
