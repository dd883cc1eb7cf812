// The contract of every adapter and the races with Elysia's own server, in Node or Bun. Prints what did not hold, as JSON.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { elysiaSessions } from "coatcheck/elysia";
import type { ElysiaApp } from "coatcheck/elysia";
import { memoryStore } from "coatcheck/memory";
import { adapterContract, races } from "coatcheck/testing";
import type { StartServer } from "coatcheck/testing";
import { statusOf, toResponse } from "../contracts/apps.ts";
import { sendHttp } from "../contracts/servers.ts";
import { freePort } from "../support/free-port.ts";

/** What is used of Elysia here. */
interface App extends ElysiaApp {
  use(plugin: (app: App) => App): App;
  onError(...args: unknown[]): App;
  all(path: string, handler: (context: { readonly request: Request }) => unknown): App;
  listen(options: object): App;
  handle(request: Request): Promise<Response>;
  stop(closeConnections: boolean): Promise<unknown>;
}

const packages = join(import.meta.dirname, "..", "..", "examples", "elysia", "node_modules");
const load = async (path: string): Promise<Record<string, unknown>> =>
  (await import(pathToFileURL(join(packages, path)).href)) as Record<string, unknown>;
const { Elysia } = (await load("elysia/dist/index.mjs")) as { Elysia: new (options: object) => App };
const { node } = (await load("@elysiajs/node/dist/index.mjs")) as { node: () => object };

function appOf(...[sessions, routes]: Parameters<StartServer>): App {
  return new Elysia("Bun" in globalThis ? {} : { adapter: node() })
    .use(elysiaSessions(sessions))
    .onError(({ error }: { error: unknown }) => new Response("failed", { status: statusOf(error) }))
    .all("/*", async ({ request }) => {
      const route = routes[new URL(request.url).pathname];
      return toResponse(
        route === undefined ? { status: 404 } : await route(async () => sessions.of(request), request),
      );
    });
}

/** In Node nothing says when Elysia listens, so it is asked until it answers. */
async function answers(url: string): Promise<void> {
  const deadline = AbortSignal.timeout(5000);
  for (;;) {
    try {
      await (await fetch(url, { signal: deadline })).text();
      return;
    } catch (error) {
      if (deadline.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

const overHttp: StartServer = async (sessions, routes) => {
  const port = await freePort();
  const app = appOf(sessions, routes);
  app.listen({ port, hostname: "127.0.0.1" });
  await answers(`http://127.0.0.1:${port}/public`);
  return {
    fetch: async (request) => sendHttp(request, { port, host: "127.0.0.1", agent: false }),
    // `stop` throws in Node (@elysiajs/node 1.4); there the server ends with the process.
    close: async () => void ("Bun" in globalThis && (await app.stop(true))),
  };
};

const inProcess: StartServer = async (sessions, routes) => {
  const app = appOf(sessions, routes);
  return { fetch: async (request) => app.handle(request), close: async () => {} };
};

const outcomes: Record<string, string | null> = {};
const note = async (name: string, check: () => Promise<unknown>): Promise<void> => {
  try {
    await check();
    outcomes[name] = null;
  } catch (error) {
    outcomes[name] = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
};
for (const clause of adapterContract) {
  await note(clause.name, async () => clause.check({ openStore: () => memoryStore(), start: overHttp }));
}
for (const race of races) {
  await note(race.name, async () => race.check({ openStore: () => memoryStore(), start: inProcess }));
}
process.stdout.write(`\n${JSON.stringify(outcomes)}\n`, () => process.exit(0));
