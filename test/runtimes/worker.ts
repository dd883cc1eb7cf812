// The suite in workerd, which is no process: `workerd test` calls `test`, and requests go through the
// binding `self` back to `fetch`, past workerd's own server code.

import assert from "node:assert/strict";
import { ConfigError, createSessions, generateSecret } from "coatcheck";
import { sqliteStore } from "coatcheck/sqlite";
import type { Door, RuntimeClause } from "./clause.ts";
import { runSuite } from "./suite.ts";

interface Environment {
  readonly self: { fetch(request: Request): Promise<Response> };
}

type Handler = (request: Request) => Promise<Response>;

let current: Handler | undefined;

/** Workerd has no SQLite; what matters is that the developer is told so, and what to do. */
const sqlite: readonly RuntimeClause[] = [
  {
    name: "the sqlite store says that there is no SQLite here, and what to use instead",
    async check() {
      await assert.rejects(
        createSessions({ secret: generateSecret(), store: sqliteStore({ path: "sessions.db" }) }).check(),
        (error) => error instanceof ConfigError && /coatcheck\/redis/.test(error.message),
      );
    },
  },
];

export const worker = {
  async fetch(request: Request): Promise<Response> {
    return (await current?.(request)) ?? new Response("nobody serves", { status: 500 });
  },

  async test(_controller: unknown, env: Environment): Promise<void> {
    const serve = async (handler: Handler): Promise<Door> => {
      current = handler;
      return {
        send: (path, { signal, ...rest } = {}) =>
          env.self.fetch(
            new Request(`http://localhost${path}`, {
              ...rest,
              ...(signal && { signal }),
              redirect: "manual",
            }),
          ),
        async close() {
          current = undefined;
        },
      };
    };
    console.log(JSON.stringify({ ...(await runSuite("", serve, sqlite)), lacks: ["sqlite"] }));
  },
};
