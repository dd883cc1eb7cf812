import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Session } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { CookieJar, probeStore } from "coatcheck/testing";
import type { ProbedCall } from "coatcheck/testing";
import { handleLoudly } from "../support/loud.ts";

function place() {
  const probe = probeStore(memoryStore());
  const sessions = createSessions({ secret: generateSecret(), store: probe.store });
  const jar = new CookieJar();
  return {
    sessions,
    visit: async (action: (session: Session, request: Request) => unknown): Promise<Response> => {
      const cookie = jar.header;
      const request = new Request("http://localhost/", { headers: cookie === undefined ? {} : { cookie } });
      const response = await handleLoudly(sessions, request, async () => {
        await action(await sessions.of(request), request);
        return new Response();
      });
      jar.take(response);
      return response;
    },
    /** Lets the next call of this kind fail. */
    failNext: (isMeant: (call: ProbedCall) => boolean): void => {
      const { around } = probe;
      probe.around = async (call, run) => {
        if (!isMeant(call)) return around(call, run);
        probe.around = around;
        throw new Error("meant to fail");
      };
    },
    jar,
  };
}

test("messages come back when the page that took them fails with its own data", async () => {
  const { visit, failNext } = place();
  await visit((session) => session.flash("hello"));
  failNext((call) => call.operation === "patch" && call.patch.set?.has("d:a") === true);
  const failed = await visit(async (session) => {
    await session.takeFlashes();
    session.set("a", 1);
  });
  assert.equal(failed.status, 503);
  await visit(async (session) => {
    assert.deepEqual(await session.takeFlashes(), [{ message: "hello", category: "message" }]);
  });
});

test("a session that can't be opened anew is a 503, like one that can't be opened", async () => {
  const { sessions, visit, failNext } = place();
  await visit((session) => session.set("a", 1));
  const response = await visit(async (_, request) => {
    failNext(({ operation }) => operation === "read");
    await sessions.of(request, { authoritative: true });
  });
  assert.equal(response.status, 503);
});

test("a login that the handler does not wait for is in the response all the same", async () => {
  const { visit, jar } = place();
  await visit((session) => session.set("a", 1));
  const before = jar.header;
  await visit((session) => {
    void session.login("ana");
  });
  assert.notEqual(jar.header, before);
  await visit((session) => assert.equal(session.subject, "ana"));
});
