import type { Store } from "coatcheck";
import { fetchSessions } from "coatcheck/fetch";
import { memoryStore } from "coatcheck/memory";
import { races, storeContract } from "coatcheck/testing";
import type { StartServer } from "coatcheck/testing";
import type { Report, RuntimeClause, Serve } from "./clause.ts";
import { coreClauses } from "./core-clauses.ts";
import { fetchClauses } from "./fetch-clauses.ts";

/** The race site in process: the order of a race is made by the calls' own async context, which no socket carries. */
const start: StartServer = async (sessions, routes) => ({
  fetch: fetchSessions(
    sessions,
    async (request) => {
      const route = routes[new URL(request.url).pathname];
      if (route === undefined) return new Response("", { status: 404 });
      const { status = 200, body = "", headers = {} } = await route(() => sessions.of(request), request);
      // The races answer with plain texts.
      return new Response(body as string, { status, headers: headers as Record<string, string> });
    },
    { onError: () => new Response("failed", { status: 500 }) },
  ),
  close: async () => {},
});

/** The clauses of the store contract, on a store that `prepare` makes room for. */
export function storeClauses(kind: string, prepare: () => () => Store): RuntimeClause[] {
  return storeContract.map((clause) => ({
    name: `the ${kind} store ${clause.name}`,
    check: () => clause.check(prepare()),
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
    races: races.map((race) => ({
      name: race.name,
      async check() {
        const orders = await race.check({ openStore, start });
        if (orders === 0) throw new Error("no order was tried");
      },
    })),
    fetch: fetchClauses(serve),
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
