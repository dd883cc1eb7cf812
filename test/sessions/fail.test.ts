// `sessions.fail`, for frameworks that make the response to an error themselves.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { CookieJar, probeStore } from "coatcheck/testing";

interface Data {
  readonly note: string;
}

/** A site with one visitor, whose handlers answer 200 whatever happens in them. */
function place() {
  const probe = probeStore(memoryStore());
  const sessions = createSessions<Data>({ secret: generateSecret(), store: probe.store });
  const jar = new CookieJar();
  const visit = async (work: (request: Request) => Promise<unknown>): Promise<Response> => {
    const headers = jar.header === undefined ? {} : { cookie: jar.header };
    const response = await sessions.handle(new Request("http://localhost/", { headers }), async (request) => {
      await work(request);
      return new Response("caught");
    });
    jar.take(response);
    return response;
  };
  const note = async (): Promise<string | undefined> => {
    let found: string | undefined;
    await visit(async () => {
      found = (await sessions.current()).get("note");
    });
    return found;
  };
  return { probe, sessions, visit, note };
}

for (const how of ["the current request", "a request"] as const) {
  test(`nothing that a handler set is kept after fail() for ${how}, and its messages come back`, async () => {
    const { sessions, visit, note } = place();
    await visit(async () => {
      const session = await sessions.current();
      session.set("note", "before");
      session.flash("hello");
    });
    await visit(async (request) => {
      const session = await sessions.current();
      session.set("note", "lost");
      await session.takeFlashes();
      sessions.fail(new Error("caught"), how === "a request" ? request : undefined);
    });
    assert.equal(await note(), "before");
    await visit(async () => {
      const messages = await (await sessions.current()).takeFlashes();
      assert.deepEqual(
        messages.map(({ message }) => message),
        ["hello"],
      );
    });
  });
}

test("a login before fail() stands", async () => {
  const { sessions, visit } = place();
  await visit(async () => {
    await (await sessions.current()).login("ana");
    sessions.fail(new Error("caught"));
  });
  await visit(async () => assert.equal((await sessions.current()).subject, "ana"));
});

test("after fail() with the store's own error, the visitor gets 503, whatever page the framework made", async () => {
  const { probe, sessions, visit } = place();
  await visit(async () => (await sessions.current()).set("note", "a"));
  probe.around = async (_call, _run) => Promise.reject(new Error("down"));
  const response = await visit(async () => {
    await sessions.current().catch((error: unknown) => sessions.fail(error));
  });
  assert.equal(response.status, 503);
});

test("fail() for a request that no adapter saw, or outside of any, does nothing", () => {
  const { sessions } = place();
  sessions.fail(new Error("nobody's"));
  sessions.fail(new Error("nobody's"), new Request("http://localhost/"));
});
