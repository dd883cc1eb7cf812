import assert from "node:assert/strict";
import type { Sessions, Store } from "coatcheck";
import { fetchSessions } from "coatcheck/fetch";
import { memoryStore } from "coatcheck/memory";
import { adapterContract, races, storeContract } from "coatcheck/testing";
import type { StartServer, TestAnswer, TestData, TestRoute } from "coatcheck/testing";
import type { Report, RuntimeClause, Serve } from "./clause.ts";
import { coreClauses } from "./core-clauses.ts";
import { fetchClauses } from "./fetch-clauses.ts";

/** An app made of routes, behind the fetch adapter. */
function appOf(
  sessions: Sessions<TestData>,
  routes: Readonly<Record<string, TestRoute>>,
): (request: Request) => Promise<Response> {
  return fetchSessions(
    sessions,
    async (request) => {
      const route = routes[new URL(request.url).pathname];
      if (route === undefined) return new Response("", { status: 404 });
      return toResponse(await route(() => sessions.of(request), request));
    },
    { onError: (error) => new Response("failed", { status: statusOf(error) }) },
  );
}

function toResponse({ status = 200, body = "", headers = {} }: TestAnswer): Response {
  const lines = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  );
  const content = typeof body === "string" ? body : streamOf(body);
  return new Response(status === 204 || status === 304 ? null : content, { status, headers: lines });
}

function streamOf(texts: AsyncIterable<string>): ReadableStream<Uint8Array> {
  const iterator = texts[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const next = await iterator.next();
      if (next.done === true) controller.close();
      else controller.enqueue(new TextEncoder().encode(next.value));
    },
  });
}

function statusOf(error: unknown): number {
  return error instanceof Error && "status" in error && typeof error.status === "number" ? error.status : 500;
}

/** In process: the order of a race is made by the calls' own async context, which no socket carries. */
export const startInProcess: StartServer = async (sessions, routes) => ({
  fetch: appOf(sessions, routes),
  close: async () => {},
});

/** Over the runtime's own server. */
function startServed(serve: Serve): StartServer {
  return async (sessions, routes) => {
    const door = await serve(appOf(sessions, routes));
    return {
      async fetch(request) {
        const { pathname, search } = new URL(request.url);
        const { method, headers, signal } = request;
        const body = method === "GET" || method === "HEAD" ? null : await request.text();
        return door.send(pathname + search, { method, headers, signal, body });
      },
      close: () => door.close(),
    };
  };
}

/** What a fetch handler can't do, by the first words of the clause. */
const exceptions = ["gives back the messages of a page whose client went away"];

/** The adapter contract, for the fetch adapter. An exception that holds no longer must go. */
function adapterClauses(serve: Serve): RuntimeClause[] {
  return adapterContract.map((clause) => ({
    name: clause.name,
    async check() {
      const setting = { openStore: () => memoryStore(), start: startServed(serve) };
      if (!exceptions.some((start) => clause.name.startsWith(start))) return clause.check(setting);
      return assert.rejects(clause.check(setting), "an exception that holds");
    },
  }));
}

/** The clauses of the store contract, on a store that `prepare` makes room for. */
export function storeClauses(kind: string, prepare: () => () => Store): RuntimeClause[] {
  return storeContract.map((clause) => ({
    name: `the ${kind} store ${clause.name}`,
    check: () => clause.check(prepare()),
  }));
}

/** The races on stores that `openStore` opens, each an empty one. */
export function raceClauses(openStore: () => Store): RuntimeClause[] {
  return races.map((race) => ({
    name: race.name,
    async check() {
      const orders = await race.check({ openStore, start: startInProcess });
      if (orders === 0) throw new Error("no order was tried");
    },
  }));
}

/** The suite by parts: what the table counts. */
function parts(
  serve: Serve,
  sqlite: readonly RuntimeClause[],
): Readonly<Record<string, readonly RuntimeClause[]>> {
  const openStore = memoryStore;
  return {
    core: coreClauses,
    memory: storeClauses("memory", () => {
      const store = openStore();
      return () => store;
    }),
    sqlite,
    races: raceClauses(openStore),
    fetch: fetchClauses(serve),
    adapter: adapterClauses(serve),
  };
}

/**
 * Runs everything, one clause after the other.
 *
 * @param sqlite what must hold of the SQLite store here.
 */
export async function runSuite(
  version: string,
  serve: Serve,
  sqlite: readonly RuntimeClause[],
): Promise<Report> {
  const held: Record<string, number> = {};
  const faults: string[] = [];
  for (const [part, clauses] of Object.entries(parts(serve, sqlite))) {
    held[part] = 0;
    for (const clause of clauses) {
      try {
        await clause.check();
        held[part]++;
      } catch (error) {
        faults.push(
          `${part}: ${clause.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
      }
    }
  }
  return { version, held, lacks: [], faults };
}
