// The contract of every adapter, and the eight races, for a framework that has to be built: its built server runs in the
// process of the test, with a route that was added while it was built and that calls `globalThis.coatcheckContract`.

import { once } from "node:events";
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { duplexPair } from "node:stream";
import { after, before, test } from "node:test";
import type { Sessions } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { races } from "coatcheck/testing";
import type { StartServer, TestData } from "coatcheck/testing";
import { toResponse } from "../contracts/apps.ts";
import { adapterClauseTests } from "../contracts/clause-tests.ts";
import type { Exceptions } from "../contracts/exceptions.ts";
import { sendHttp } from "../contracts/servers.ts";

/** What a handler of the contract's site responds, given what `sessions.of` finds the session by. */
export type ContractHandler = (handle: object) => Promise<Response>;

/** How a framework runs the contract's site. */
export interface ContractSettings {
  /** Loads the built server. */
  readonly listener: () => Promise<RequestListener>;
  /** Puts the adapter around a handler. The added route calls what this returns, through `globalThis`. */
  readonly route: (sessions: Sessions<TestData>, handler: ContractHandler) => unknown;
  /** Clauses that do not hold, and why. */
  readonly exceptions: Exceptions;
  /** `false` if the framework takes turns of its own while it handles a request, so that no order can be told. */
  readonly races?: false;
  /** Changes a request to one that the framework lets pass. */
  readonly request?: (request: Request) => Request;
  /** Undoes what the framework adds to each response. */
  readonly response?: (response: Response) => Response;
}

/** Declares the tests; the site must have been built before they run. */
export function contractTests(settings: ContractSettings): void {
  const server = createServer();
  const { request: toSent = (request) => request, response: toReceived = (response) => response } = settings;
  let port = 0;

  before(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    ({ port } = server.address() as AddressInfo);
    server.on("request", await settings.listener());
  });

  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const start =
    (send: (request: Request, path: string) => Promise<Response>): StartServer =>
    async (sessions, routes) => {
      const answer = (path: string) =>
        settings.route(sessions, async (handle) => {
          const route = routes[path];
          return toResponse(
            route === undefined ? { status: 404 } : await route(() => sessions.of(handle), handle),
          );
        });
      Object.assign(globalThis, { coatcheckContract: answer });
      return {
        async fetch(request) {
          const { pathname, search } = new URL(request.url);
          return toReceived(await send(toSent(request), `/contract${pathname}${search}`));
        },
        close: async () => {},
      };
    };
  const overSocket = start(async (request, path) =>
    sendHttp(request, { path, port, host: "127.0.0.1", agent: false }),
  );
  const inProcess = start(async (request, path) => {
    const [near, far] = duplexPair();
    server.emit("connection", far);
    const response = await sendHttp(request, { path, createConnection: () => near });
    return new Response(await response.text(), response);
  });

  adapterClauseTests("the adapter", overSocket, settings.exceptions);

  for (const race of settings.races === false ? [] : races) {
    test(`race ${race.name}`, { timeout: 120_000 }, async () => {
      await race.check({ openStore: () => memoryStore(), start: inProcess });
    });
  }
}
