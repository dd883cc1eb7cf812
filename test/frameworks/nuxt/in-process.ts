// The contract of every adapter, and the races, for the built site: Nitro 2's own server, in the process of the test.

import assert from "node:assert/strict";
import { once } from "node:events";
import { Server } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { after, before, describe, test } from "node:test";
import { memoryStore } from "coatcheck/memory";
import { nitroSessions } from "coatcheck/nitro";
import type { Nitro2App } from "coatcheck/nitro";
import { races } from "coatcheck/testing";
import type { StartServer, TestServer } from "coatcheck/testing";
import { toResponse } from "../../contracts/apps.ts";
import { adapterClauseTests } from "../../contracts/clause-tests.ts";
import { sendHttp } from "../../contracts/servers.ts";
import type { Example } from "../example.ts";

interface Event {
  readonly node: { readonly res: ServerResponse };
}

/** The parts of Nitro's app that are put back after each site. */
interface App extends Nitro2App {
  readonly hooks: { hook(name: string, listener: () => unknown): () => void };
  localFetch(path: string, init: RequestInit): Promise<Response>;
}

const exceptions: Readonly<Record<string, string>> = {};

const isThorough = process.env["CI"] === "true" || process.env["TEST_LONG"] !== undefined;

/** Declares the tests; the site must have been built with the route of contract.ts before they run. */
export function nitro2ContractTests(example: Example): void {
  describe("in the process of the test", () => {
    let server: Server;
    const shared: { nitroApp?: App; [place: string]: unknown } = {};

    before(async () => {
      Object.assign(globalThis, { coatcheckContract: shared });
      // The example's own pages are not asked for here; their sessions are only made.
      Object.assign(process.env, {
        SESSION_SECRET: "9f2JmQxW0cTq7LrYv5hNbKd8sGzE3uXpRa1oViMw4Ic",
        SESSION_FILE: ":memory:",
        HOST: "127.0.0.1",
        PORT: "0",
        NITRO_SHUTDOWN_DISABLED: "1",
      });
      const { listen } = Server.prototype; // oxlint-disable-line typescript/unbound-method -- it is put back
      Server.prototype.listen = function (this: Server, ...args: unknown[]) {
        server = this; // oxlint-disable-line typescript/no-this-alias -- Nitro tells nobody of its server
        return Reflect.apply(listen, this, args) as Server;
      };
      await import(pathToFileURL(join(example.folder, ".output", "server", "index.mjs")).href);
      Server.prototype.listen = listen;
      if (!server.listening) await once(server, "listening");
    });

    after(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    });

    // A race has two servers on one store; each has its own place in the one app.
    const places = new Set<string>();
    let restore = (): void => {};
    let count = 0;

    const start =
      (send: (request: Request, path: string) => Promise<Response>): StartServer =>
      async (sessions, routes) => {
        const { nitroApp } = shared;
        assert.ok(nitroApp);
        if (places.size === 0) restore = kept(nitroApp);
        const place = String(count++);
        places.add(place);
        nitroSessions(sessions)({ h3App: nitroApp.h3App, hooks: withoutClose(nitroApp) });
        shared[place] = async (own: Request, event: Event): Promise<Response | Readable> => {
          const request = Object.assign(own, { raw: event });
          const route = routes[new URL(request.url).pathname.slice(`/contract/${place}`.length)];
          const answer =
            route === undefined ? { status: 404 } : await route(() => sessions.of(event), request);
          if (typeof answer.body !== "object") return toResponse(answer);
          // h3 1 reads the stream of a Response to its end although its client has gone.
          const { res } = event.node;
          res.statusCode = answer.status ?? 200;
          for (const [name, value] of Object.entries(answer.headers ?? {})) res.setHeader(name, value);
          return Readable.from(answer.body, { objectMode: false });
        };
        return {
          async fetch(request) {
            const { pathname, search } = new URL(request.url);
            return send(request, `/contract/${place}${pathname}${search}`);
          },
          async close() {
            places.delete(place);
            if (places.size === 0) restore();
          },
        } satisfies TestServer;
      };

    const overHttp = start(async (request, path) => {
      const { port } = server.address() as AddressInfo;
      return sendHttp(request, { path, port, host: "127.0.0.1", agent: false });
    });
    const withoutSocket = start(async (request, path) => {
      const body = request.body === null ? null : await request.text();
      const { method, headers } = request;
      return (shared.nitroApp as App).localFetch(path, { method, headers, body });
    });

    adapterClauseTests("Nitro 2", overHttp, exceptions);

    for (const race of races) {
      // These have the most orders; where time is short they are left to the adapters that need no build.
      if (!isThorough && /^S[45]/.test(race.name)) continue;
      test(`Nitro 2 without a socket: ${race.name}`, { timeout: 60_000 }, async () => {
        await race.check({ openStore: () => memoryStore(), start: withoutSocket });
      });
    }
  });
}

const unhooks: (() => void)[] = [];

/** @returns a function that puts back what the plugin changes in the app. */
function kept({ h3App }: App): () => void {
  const { handler } = h3App;
  const { onError } = h3App.options;
  return () => {
    h3App.handler = handler;
    h3App.options.onError = onError;
    for (const unhook of unhooks.splice(0)) unhook();
  };
}

/** The app's hooks, without the one that closes the sessions: the contract closes its own. */
function withoutClose({ hooks }: App): App["hooks"] {
  return {
    hook(name, listener) {
      if (name !== "close") unhooks.push(hooks.hook(name, listener));
      return () => {};
    },
  };
}
