// The app's own pages for refusals and outages may fail themselves. Anybody can ask for the first, and any
// outage for the second, so neither may end the process or leave the client waiting.

import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Sessions } from "coatcheck";
import { expressSessions } from "coatcheck/express";
import { fastifySessions } from "coatcheck/fastify";
import { koaSessions } from "coatcheck/koa";
import { memoryStore } from "coatcheck/memory";
import { nodeSessions } from "coatcheck/node";
import { probeStore } from "coatcheck/testing";
import express from "express";
import Fastify from "fastify";
import Koa from "koa";
import { listen } from "../support/listen.ts";

interface Answers {
  readonly onForbidden: () => never;
  readonly onUnavailable: () => never;
}

type Start = (t: TestContext, sessions: Sessions, answers: Answers) => Promise<number>;

const starts: Readonly<Record<string, Start>> = {
  node: (t, sessions, answers) => {
    const onError = (
      _error: unknown,
      _request: unknown,
      response: { statusCode: number; end(): void },
    ): void => {
      response.statusCode = 500;
      response.end();
    };
    const handler = nodeSessions(
      sessions,
      async (request, response) => {
        (await sessions.of(request)).set("a", 1);
        response.end("page");
      },
      { ...answers, onError },
    );
    return listen(t, handler);
  },
  express: (t, sessions, answers) => {
    const app = express().set("env", "test");
    app.use(expressSessions(sessions, answers));
    app.use(async (request, response) => {
      (await sessions.of(request)).set("a", 1);
      response.send("page");
    });
    return listen(t, app);
  },
  koa: (t, sessions, answers) => {
    const app = new Koa();
    app.on("error", () => {});
    app.use(koaSessions(sessions, answers));
    app.use(async (ctx) => {
      (await sessions.of(ctx)).set("a", 1);
      ctx.body = "page";
    });
    const listener = app.callback();
    return listen(t, (request, response) => void listener(request, response));
  },
  fastify: async (t, sessions, answers) => {
    const app = Fastify();
    t.after(() => app.close());
    app.register(fastifySessions(sessions, answers));
    app.all("/", async (request) => {
      (await sessions.of(request)).set("a", 1);
      return "page";
    });
    await app.listen({ port: 0, host: "127.0.0.1" });
    return (app.server.address() as AddressInfo).port;
  },
};

function throwing(): never {
  throw new Error("The page itself is broken.");
}

/** A promise that rejects, whatever its type says: that is what an async function gives. */
const rejecting = (async () => throwing()) as unknown as () => never;

for (const [name, start] of Object.entries(starts)) {
  for (const [how, answer] of [["throw", throwing] as const, ["reject", rejecting] as const]) {
    test(`pages of the app's own that ${how} are answered with 500 (${name})`, async (t) => {
      // Express prints errors that nobody handles, and the node adapter those of its options.
      t.mock.method(console, "error", () => {});
      const probe = probeStore(memoryStore());
      const sessions = createSessions({ secret: generateSecret(), store: probe.store });
      const port = await start(t, sessions, { onForbidden: answer, onUnavailable: answer });
      const ask = async (init: RequestInit): Promise<number> =>
        (await fetch(`http://127.0.0.1:${port}/`, { ...init, signal: AbortSignal.timeout(5000) })).status;

      assert.equal(await ask({ method: "POST", headers: { "sec-fetch-site": "cross-site" } }), 500);
      probe.around = () => Promise.reject(new Error("down"));
      assert.equal(await ask({}), 500);
    });
  }
}
