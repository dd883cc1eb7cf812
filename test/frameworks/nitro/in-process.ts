// The contract of every adapter, and the races, for the built site: Nitro 3's own server, in the process of the test.

import assert from "node:assert/strict";
import { once } from "node:events";
import { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, describe, test } from "node:test";
import { memoryStore } from "coatcheck/memory";
import { nitroSessions } from "coatcheck/nitro";
import type { Nitro3App } from "coatcheck/nitro";
import { races } from "coatcheck/testing";
import type { StartServer, TestServer } from "coatcheck/testing";
import { toResponse } from "../../contracts/apps.ts";
import { adapterClauseTests } from "../../contracts/clause-tests.ts";
import type { Exceptions } from "../../contracts/exceptions.ts";
import { sendHttp } from "../../contracts/servers.ts";
import type { Example } from "../example.ts";

/** h3's methods that the plugin wraps. */
type Wrapped = Record<"fetch" | "request" | "handler", (...args: never[]) => unknown>;

/** The parts of Nitro's app that are put back after each site. */
interface App extends Nitro3App {
  readonly _h3: Wrapped;
  fetch(request: Request): Promise<Response>;
}

const exceptions: Exceptions = {
  "gives back the messages of a page whose client went away":
    "a fetch handler is not told that its client went away; its response counts as seen",
};

const isThorough = process.env["CI"] === "true" || process.env["TEST_LONG"] !== undefined;

/** Declares the tests; the site must have been built with the route of contract.ts before they run. */
export function nitro3ContractTests(example: Example): void {
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
        // Without its hooks, so that the sessions are not closed with the app: the contract closes its own.
        nitroSessions(sessions)({ _h3: wrappedIn(nitroApp) });
        shared[place] = async (request: Request, event: object): Promise<Response> => {
          const route = routes[new URL(request.url).pathname.slice(`/contract/${place}`.length)];
          return toResponse(
            route === undefined ? { status: 404 } : await route(() => sessions.of(event), request),
          );
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
      const url = new URL(path, request.url);
      return (shared.nitroApp as App).fetch(new Request(url, request));
    });

    adapterClauseTests("Nitro 3", overHttp, exceptions);

    for (const race of races) {
      // These have the most orders; where time is short they are left to the adapters that need no build.
      if (!isThorough && /^S[45]/.test(race.name)) continue;
      test(`Nitro 3 without a socket: ${race.name}`, { timeout: 60_000 }, async () => {
        await race.check({ openStore: () => memoryStore(), start: withoutSocket });
      });
    }
  });
}

/** @returns a function that puts back what the plugin changes in the app. */
function kept(nitroApp: App): () => void {
  const h3 = wrappedIn(nitroApp);
  const { fetch, request, handler } = h3;
  return () => Object.assign(h3, { fetch, request, handler });
}

function wrappedIn(nitroApp: App): Wrapped {
  return nitroApp["_h3"];
}
