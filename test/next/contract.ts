// The contract of every adapter for `route()`, in the built site: Next.js' own server, in the process of the test.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before } from "node:test";
import type { StartServer } from "coatcheck/testing";
import { statusOf, toResponse } from "../contracts/apps.ts";
import { adapterClauseTests } from "../contracts/clause-tests.ts";
import { nextExceptions } from "../contracts/exceptions.ts";
import { sendHttp } from "../contracts/servers.ts";
import { next as example } from "./site.ts";

/** What is used of Next.js as a library. */
type Next = (options: { dev: boolean; dir: string; hostname: string; port: number }) => {
  prepare(): Promise<void>;
  getRequestHandler(): RequestListener;
  close(): Promise<void>;
};

/** What Next.js adds to every answer, whatever the handler says of `Vary`. */
const varyOfNext = "rsc, next-router-state-tree, next-router-prefetch, next-router-segment-prefetch";

function withoutVaryOfNext(response: Response): Response {
  const vary = response.headers.get("vary") ?? "";
  assert.ok(vary.startsWith(varyOfNext), vary);
  const rest = vary.slice(varyOfNext.length).replace(/^, /, "");
  if (rest === "") response.headers.delete("vary");
  else response.headers.set("vary", rest);
  return response;
}

/** Declares the tests; the site must have been built before they run. */
export function contractTests(): void {
  const server = createServer();
  let app: ReturnType<Next> | undefined;
  let port = 0;

  before(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    ({ port } = server.address() as AddressInfo);
    // The example's own pages are not asked for here; their sessions are only made.
    process.env["SESSION_SECRET"] = "9f2JmQxW0cTq7LrYv5hNbKd8sGzE3uXpRa1oViMw4Ic";
    process.env["SESSION_FILE"] = ":memory:";
    const next = createRequire(join(example.folder, "package.json"))("next") as Next;
    app = next({ dev: false, dir: example.folder, hostname: "127.0.0.1", port });
    await app.prepare();
    server.on("request", app.getRequestHandler());
  });

  after(async () => {
    await app?.close();
    server.closeAllConnections();
    server.close();
  });

  const start: StartServer = async (sessions, routes) => {
    const handler = async (request: Request): Promise<Response> => {
      const route = routes[new URL(request.url).pathname.slice("/contract".length)];
      return toResponse(
        route === undefined ? { status: 404 } : await route(() => sessions.of(request), request),
      );
    };
    const onError = (error: unknown): Response => new Response("failed", { status: statusOf(error) });
    Object.assign(globalThis, { coatcheckContract: { sessions, handler, options: { onError } } });
    return {
      async fetch(request) {
        const { pathname, search } = new URL(request.url);
        const path = `/contract${pathname}${search}`;
        return withoutVaryOfNext(await sendHttp(request, { path, port, host: "127.0.0.1", agent: false }));
      },
      close: async () => {},
    };
  };

  adapterClauseTests("a route handler", start, nextExceptions);
}
